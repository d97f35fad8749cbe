"""The fingerprint of the catalog: other after every write that counts, the same after all others, and cheap."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from catalog.models import CatalogWrite, Category, Provider, ProviderService, Service
from catalog.shop import fingerprint
from catalog.shop.fingerprint import catalog_fingerprint, forget_writes
from catalog.shop.search_index import search_index
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1), row(2)])
    sync()


WRITES: dict[str, Callable[[], Any]] = {
    "price": lambda: Service.objects.update(price="7"),
    "copied row": lambda: ProviderService.objects.update(vanished_at="2026-01-01T00:00Z"),
    "heading": lambda: Category.objects.update(name="Other words"),
    "new heading": lambda: Category.objects.create(name="New"),
    "deleted service": lambda: Service.objects.all().delete(),
    "switched off": lambda: Provider.objects.update(is_active=False),
    "no refills": lambda: Provider.objects.update(can_refill=False),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_write_of_the_catalog_changes_it(listed: None, write: str) -> None:
    before = catalog_fingerprint()
    assert catalog_fingerprint() == before
    WRITES[write]()
    assert catalog_fingerprint() != before


@pytest.mark.parametrize(
    "write",
    [lambda: Service.objects.filter(pk=0).update(price="7"), lambda: Provider.objects.update(balance="5")],
    ids=["no row", "balance"],
)
def test_other_writes_do_not(listed: None, write: Callable[[], Any]) -> None:
    before = catalog_fingerprint()
    write()
    assert catalog_fingerprint() == before


def test_a_sync_without_news_leaves_it_alone(listed: None, sync: Sync) -> None:
    before = catalog_fingerprint()
    sync()
    assert catalog_fingerprint() == before


def test_a_write_that_is_taken_back_leaves_what_a_process_keeps(listed: None) -> None:
    kept = search_index()
    with transaction.atomic():
        Service.objects.update(price="7")
        assert search_index() is not kept
        transaction.set_rollback(True)
    assert {entry.price for entry in search_index().entries} == {entry.price for entry in kept.entries}


def test_notes_of_writes_are_few(listed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MOST_WRITES", 3)
    for n in range(6):
        Category.objects.update(position=n)
    forget_writes()
    assert CatalogWrite.objects.count() == 3
    before = catalog_fingerprint()
    Category.objects.update(position=9)
    forget_writes()
    assert catalog_fingerprint() != before


def test_new_prices_keep_the_words_that_typos_are_corrected_by(listed: None) -> None:
    search_index().correct(["folowers"])
    words = search_index()._vocabulary
    Service.objects.update(price="7")
    assert search_index()._vocabulary is words
    Service.objects.update(search_text="hearts")
    assert search_index()._vocabulary is not words


def test_reading_it_costs_one_query_of_few_rows(listed: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        catalog_fingerprint()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {fingerprint._CATALOG}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "catalog_service" not in plan
    assert "catalog_providerservice" not in plan
