"""Orders of an earlier version get the keys of their links, in batches that may be interrupted and wait for nobody."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from core.clock import database_now
from orders import sweep
from orders.checkout import link_keys
from orders.models import Order
from tests.billing import cast

pytestmark = pytest.mark.django_db

LINKS = {
    "https://www.instagram.com/Blue.Kite_77/?hl=en": "instagram.com/blue.kite_77",
    "https://www.example.com/p/One/": "example.com/p/One",
    "@who": "instagram.com/who",
    "two words": "two words",
    "": "",
}


@pytest.fixture
def earlier() -> list[Order]:
    """Orders as an earlier version wrote them: its statement knows no column for the key."""
    alice, service = cast.customer(), cast.service()
    return [cast.order_row(alice, service, link=link) for link in LINKS]


def keys(orders: list[Order]) -> list[str]:
    found = dict(Order.objects.filter(pk__in=[o.pk for o in orders]).values_list("pk", "link_key"))
    return [found[order.pk] for order in orders]


def test_every_order_with_a_link_gets_its_key(earlier: list[Order]) -> None:
    assert link_keys.fill_in() == 4
    assert keys(earlier) == list(LINKS.values())
    assert link_keys.fill_in() == 0


def test_it_goes_on_where_it_was_interrupted(earlier: list[Order], monkeypatch: Any) -> None:
    monkeypatch.setattr(link_keys, "BATCH", 2)
    assert link_keys.fill_in(batches=1) == 2
    assert keys(earlier)[2:] == ["", "", ""]
    assert link_keys.fill_in() == 2
    assert keys(earlier) == list(LINKS.values())


def test_the_sweep_fills_in_what_older_processes_wrote_meanwhile(earlier: list[Order]) -> None:
    sweep.ring_for_due(now=database_now())
    assert keys(earlier) == list(LINKS.values())


@pytest.mark.django_db(transaction=True)
def test_an_order_that_somebody_holds_is_left_for_later(earlier: list[Order]) -> None:
    other: Any = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM orders_order WHERE id = %s FOR UPDATE", [earlier[0].pk])
        assert link_keys.fill_in() == 3
    finally:
        other.rollback()
        other.close()
    assert link_keys.fill_in() == 1


def test_the_migration_fills_in_what_it_finds_and_can_run_twice(earlier: list[Order]) -> None:
    migration = import_module("orders.migrations.0017_fill_link_keys")
    for _run in range(2):
        migration.fill_in(apps, None)
    assert keys(earlier) == list(LINKS.values())
    call_command("makemigrations", "--check", "--dry-run", "orders", verbosity=0)


def test_a_link_is_looked_up_through_its_index(earlier: list[Order]) -> None:
    link_keys.fill_in()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for condition in ("link_key = 'example.com/p/One'", "link_key LIKE 'example.com/p%'"):
            cursor.execute(f"EXPLAIN SELECT id FROM orders_order WHERE {condition}")  # noqa: S608 - words of ours
            assert "order_link_key" in "\n".join(row[0] for row in cursor.fetchall())
