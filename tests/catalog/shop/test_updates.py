"""The history customers can read: what is new, dearer, cheaper, gone and back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree  # noqa: S405 - the feed is our own

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from catalog.models import Provider, Service, ServiceChange
from catalog.provider_settings import set_up
from catalog.service_changes import UPDATES_DAYS, forget_old
from catalog.shop import updates
from catalog.shop.updates import title_of
from core.clock import database_now
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row


def recorded() -> list[tuple[str, str, Decimal | None, Decimal | None]]:
    found = ServiceChange.objects.order_by("id").select_related("service__source")
    return [(c.service.source.external_id, c.kind, c.old_price, c.new_price) for c in found]


@pytest.fixture
def history(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(9)])
    sync()
    panel.lists([row(1, rate="1"), row(2, rate="1"), row(9)])
    sync()
    panel.lists([row(1, rate="2"), row(9)])
    sync()
    panel.lists([row(1, rate="1"), row(2, rate="1"), row(9)])
    sync()


def test_a_sync_records_what_customers_notice(history: None) -> None:
    low, high = Decimal("1.3"), Decimal("2.6")
    assert recorded() == [
        ("1", "new", None, low),
        ("2", "new", None, low),
        ("1", "dearer", low, high),
        ("2", "gone", low, None),
        ("1", "cheaper", high, low),
        ("2", "back", None, low),
    ]


def test_a_providers_first_list_is_not_recorded_but_later_ones_are(panel: Panel, sync: Sync) -> None:
    panel.lists([row(n) for n in range(1, 4)])
    sync()
    assert recorded() == []

    panel.lists([row(n) for n in range(2, 5)])
    sync()
    assert [(number, kind) for number, kind, _old, _new in recorded()] == [("1", "gone"), ("4", "new")]

    panel.lists([row(n) for n in range(1, 5)])
    sync()
    assert recorded()[-1] == ("1", "back", None, Decimal("1.17"))


def test_the_first_applied_list_counts_as_the_first(panel: Panel, sync: Sync) -> None:
    panel.lists([])
    sync()
    panel.lists([row(1)])
    sync()
    assert recorded() == []


def test_a_row_of_the_first_list_that_is_sold_only_later_is_new(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2, type="Special")])
    sync()
    panel.lists([row(1), row(2)])
    sync()
    assert [(number, kind) for number, kind, _old, _new in recorded()] == [("2", "new")]


def test_unnoticed_changes_are_not_recorded(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1), row(2, rate="0")])
    sync()
    sync()
    panel.lists([row(1, name="Followers, renamed"), row(2, rate="0", name="x"), row(3, rate="0")])
    sync()
    assert recorded() == []


def test_a_jump_into_quarantine_is_gone(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1")])
    sync()
    panel.lists([row(1, rate="100")])
    sync()
    assert [kind for _id, kind, _old, _new in recorded()] == ["gone"]


def test_a_new_markup_is_recorded(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1, rate="1")])
    sync()
    set_up("Gulf", url=panel.url, key=KEY, markup_percent=Decimal(50))
    assert recorded()[-1] == ("1", "dearer", Decimal("1.3"), Decimal("1.5"))


def test_anybody_reads_the_updates(history: None, client: Client) -> None:
    html = client.get(reverse("catalog:updates")).content.decode()
    assert html.count('<li>\n  <span class="min-w-0">') == 6
    assert "Service updates" in html
    assert client.get(reverse("catalog:updates"), {"kind": "gone"}).content.decode().count("<time") == 1
    for odd in ({"kind": "x"}, {"page": "0"}, {"page": "-1"}, {"page": "99999999"}, {"platform": "x;"}):
        assert client.get(reverse("catalog:updates"), odd).status_code == 200


@pytest.mark.parametrize("name", ["updates_rss", "updates_atom"])
def test_the_feeds_show_the_same_updates(history: None, client: Client, name: str) -> None:
    Service.objects.filter(source__external_id="1").update(name="<b>&</b>")
    response = client.get(reverse(f"catalog:{name}"))
    assert response.status_code == 200
    read = ElementTree.fromstring(response.content)  # noqa: S314
    titles = [node.text for node in read.iter() if node.tag.endswith("title")]
    assert titles[0] == "Service updates"
    assert titles[-6:-4] == ["Back: Followers 2", "Cheaper: <b>&</b>"]


def test_hidden_services_are_not_named(history: None, client: Client) -> None:
    Service.objects.filter(source__external_id="2").update(is_visible=False)
    for name in ("updates", "updates_rss", "updates_atom"):
        assert b"Followers 2" not in client.get(reverse(f"catalog:{name}")).content


def test_a_page_takes_the_same_queries_for_any_number_of_updates(
    history: None, client: Client, django_assert_max_num_queries: Any
) -> None:
    client.get(reverse("catalog:updates"))  # counts the week, and reads what a process keeps
    # The settings, the menu and the currencies, whether the catalog changed, the counts that are kept, and the updates.
    with django_assert_max_num_queries(6):
        client.get(reverse("catalog:updates"))


def groups(client: Client, **query: str) -> list[tuple[str, int]]:
    shown = client.get(reverse("catalog:updates"), query).context["updates"].groups
    return [(title_of(group), len(group.services)) for group in shown]


def test_what_one_sync_changed_is_one_entry_of_each_kind(panel: Panel, sync: Sync, client: Client) -> None:
    panel.lists([row(n, rate="1") for n in range(1, 8)])
    sync()
    panel.lists([*(row(n, rate="2") for n in range(1, 6)), row(6, rate="3"), row(8), row(9)])
    sync()
    assert set(groups(client)) == {("6 services dearer", 6), ("2 new services", 2), ("1 service gone", 1)}
    assert groups(client, kind="new") == [("2 new services", 2)]
    assert groups(client, platform="spotify") == []
    html = client.get(reverse("catalog:updates")).content.decode()
    assert "3 more" in html
    assert html.partition("<main")[2].partition("</main>")[0].count("<h2") == 2  # the day, and the week at the side


def test_equal_changes_say_by_how_much(panel: Panel, sync: Sync, client: Client) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="2")])
    sync()
    panel.lists([row(1, rate="1.1"), row(2, rate="2.2")])
    sync()
    assert groups(client) == [("2 services dearer by 10%", 2)]


def test_an_entry_that_goes_on_before_the_page_does_not_count_what_it_does_not_show(
    panel: Panel, sync: Sync, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "PER_PAGE", 3)
    panel.lists([row(n, rate="1") for n in range(1, 6)])
    sync()
    panel.lists([row(n, rate="2") for n in range(1, 6)])
    sync()
    assert groups(client) == [("3+ services dearer by 100%", 3)]
    assert groups(client, page="2") == [("2 services dearer by 100%", 2)]


def test_one_entry_about_many_services_counts_them(history: None, client: Client) -> None:
    ServiceChange.objects.all().delete()
    ServiceChange.objects.create(kind="dearer", count=1200, percent=Decimal("5"), at=database_now())
    cache.clear()
    page = client.get(reverse("catalog:updates"))
    assert [title_of(group) for group in page.context["updates"].groups] == ["1,200 services dearer by 5%"]
    assert dict(page.context["week"])["Dearer"] == 1200


def test_old_updates_are_deleted(history: None) -> None:
    ServiceChange.objects.filter(kind="new").update(at=database_now() - timedelta(days=UPDATES_DAYS + 1))
    assert forget_old(now=database_now()) == 2
    assert ServiceChange.objects.count() == 4
