"""My orders narrowed by service, platform and period, in a file, and from the menus of the rows."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from core.models import ShopSettings
from orders import notes
from orders.models import Order
from orders.pages import browse, export, tabs
from tests.pages.cast import Orders, customer
from tests.pages.test_my_orders import text
from tests.roles import unguarded


def numbers(client: Client, address: str) -> list[int]:
    return [order.pk for order in client.get(f"/orders/{address}").context["list"].orders]


def days_ago(order: Order, days: int) -> int:
    with unguarded():  # an order keeps its time
        Order.objects.filter(pk=order.pk).update(created_at=database_now() - timedelta(days=days))
    return order.pk


@pytest.fixture
def views(alice: User, services: list[Service]) -> Orders:
    """Orders of alice for a service of another platform."""
    return Orders(alice, next(s for s in services if s.platform == "youtube"))


def test_a_list_is_narrowed_by_service_platform_and_period(signed_in: Client, orders: Orders, views: Orders) -> None:
    old = days_ago(orders.completed(), 40)
    ours = orders.completed().pk
    video = views.queued(link="https://youtube.com/watch?v=dQw4w9WgXcQ").pk
    service = views.service.pk
    assert numbers(signed_in, f"?service={service}") == [video]
    assert numbers(signed_in, "?platform=youtube") == [video]
    assert numbers(signed_in, "?platform=instagram") == [ours, old]
    assert numbers(signed_in, "?period=30-days") == [video, ours]
    assert numbers(signed_in, "?platform=instagram&period=week&state=completed") == [ours]
    assert numbers(signed_in, f"?platform=instagram&service={service}") == []
    assert numbers(signed_in, "?platform=youtube&q=atelier") == []
    assert numbers(signed_in, "?platform=instagram&q=atelier") == [ours, old]


def test_counts_of_the_tabs_follow_the_filter(signed_in: Client, orders: Orders, views: Orders) -> None:
    orders.completed()
    views.queued(link="https://youtube.com/watch?v=dQw4w9WgXcQ")
    found = signed_in.get("/orders/?platform=youtube").context["list"].tabs
    assert {tab.face.name if tab.face else "all": tab.total for tab in found if tab.total} == {"all": 1, "pending": 1}
    assert all("platform=youtube" in tab.query for tab in found)


def test_a_filter_that_there_is_not_counts_as_none(signed_in: Client, orders: Orders) -> None:
    order = orders.queued().pk
    assert numbers(signed_in, "?platform=myspace&period=never&service=x") == [order]
    html = text(signed_in, "/orders/?service=999999")
    assert "No order matches these filters" in html
    assert '<option value="999999" selected>' in html


@pytest.mark.parametrize("most", [2, 100])
def test_older_and_newer_keep_the_filter_whether_few_or_many_match(
    signed_in: Client, orders: Orders, views: Orders, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(browse, "PER_PAGE", 2)
    monkeypatch.setattr(browse, "NUMBERED", 1)
    for module in (browse, tabs):
        monkeypatch.setattr(module, "MOST_COUNTED", most)
    wanted = []
    for _turn in range(5):
        wanted.append(orders.queued(quantity=100).pk)
        views.queued(link="https://youtube.com/watch?v=dQw4w9WgXcQ", quantity=500)
    wanted.reverse()
    page = signed_in.get(f"/orders/?service={orders.service.pk}&period=week").context["list"]
    way = [[order.pk for order in page.orders]]
    while page.older is not None:
        page = signed_in.get(f"/orders/{page.older}").context["list"]
        way.append([order.pk for order in page.orders])
    assert way == [wanted[:2], wanted[2:4], wanted[4:]]
    assert numbers(signed_in, f"?service={orders.service.pk}&after=0") == wanted[-2:]


def test_narrowing_costs_the_same_queries_however_many_orders_match(
    signed_in: Client, orders: Orders, views: Orders
) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert signed_in.get(address).status_code == 200
        return len(seen)

    views.completed(link="https://youtube.com/watch?v=dQw4w9WgXcQ")
    addresses = ("/orders/", "/orders/?platform=youtube&period=week", "/orders/?state=completed", "/orders/?q=youtube")
    few = {address: queries(address) for address in addresses}
    assert max(few.values()) <= 17
    for _turn in range(4):
        views.completed(link="https://youtube.com/watch?v=dQw4w9WgXcQ")
        orders.completed()
    assert {address: queries(address) for address in addresses} == few


def test_the_choices_are_what_the_customer_has_ordered(signed_in: Client, orders: Orders, services: Any) -> None:
    orders.queued()
    html = text(signed_in, "/orders/")
    assert f'<option value="{orders.service.pk}"' in html
    assert f'<option value="{services[5].pk}"' not in html
    assert '<option value="instagram"' in html
    assert '<option value="tiktok"' not in html


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.streaming
    assert "no-store" in answer["Cache-Control"]
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


def test_the_file_has_what_the_list_shows_and_nobody_elses(
    signed_in: Client, alice: User, orders: Orders, views: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_AT_ONCE", 2)
    others = Orders(customer("bob@example.com"), orders.service)
    partial = orders.partial(remains=157)
    mine = [partial.pk, *(orders.completed().pk for _n in range(4))]
    others.completed()
    views.queued(link="https://youtube.com/watch?v=dQw4w9WgXcQ")
    rows = rows_of(signed_in, f"/orders/csv?service={orders.service.pk}")
    assert [int(row["order"]) for row in rows] == mine[::-1]
    last = rows[-1]
    assert (last["delivered"], last["state"], last["charge"], last["refunded"]) == (
        "843", "partial", "1.85900", "0.29186",
    )  # fmt: skip
    assert [int(row["order"]) for row in rows_of(signed_in, "/orders/csv?state=partial")] == [partial.pk]
    assert [int(row["order"]) for row in rows_of(signed_in, "/orders/csv?q=youtube.com")] != []


def test_a_spreadsheet_computes_nothing_of_the_file(signed_in: Client, orders: Orders) -> None:
    order = orders.queued()
    Order.objects.filter(pk=order.pk).update(service_name="=1+1")
    notes.save_note(order, "@SUM(A1)")
    [row] = rows_of(signed_in, "/orders/csv")
    assert (row["service_name"], row["note"]) == ("'=1+1", "'@SUM(A1)")


def test_a_row_has_a_menu_that_works_without_a_script(signed_in: Client, orders: Orders) -> None:
    done, queued = orders.completed(), orders.queued(link="https://instagram.com/verde.kitchen")
    html = text(signed_in, "/orders/?period=week")
    assert f'formaction="/orders/{done.pk}/refill"' in html
    assert f'formaction="/orders/{queued.pk}/cancel"' in html
    assert f"/order/?service={done.service_id}&amp;again={done.pk}" in html
    assert f'href="/orders/{done.pk}/receipt"' in html
    assert "Only a completed order can be refilled." in html
    answer = signed_in.post(f"/orders/{queued.pk}/cancel", {"back": "?period=week&next=//evil.example"})
    assert (answer.status_code, answer["Location"]) == (302, "/orders/?period=week")
    queued.refresh_from_db()
    assert queued.forward_state == "refunded"


def test_an_order_is_found_by_its_note(signed_in: Client, orders: Orders) -> None:
    order = orders.completed()
    orders.completed()
    notes.save_note(order, "for the Harbour client")
    assert numbers(signed_in, "?q=harbour") == [order.pk]


def test_rows_that_look_alike_show_what_is_their_own(
    signed_in: Client, alice: User, services: list[Service], orders: Orders
) -> None:
    """They share one rendering, of each language its own."""
    Service.objects.filter(pk=services[1].pk).update(name="Followers <b>now</b>")
    hostile = Orders(alice, services[1]).queued()
    other = orders.queued(quantity=2000)
    ShopSettings.objects.update(languages=["es"])
    for prefix, selected in (("", "Select order"), ("/es", "Seleccionar el pedido"), ("", "Select order")):
        html = text(signed_in, f"{prefix}/orders/")
        first, second = (html.split(f'id="order-{order.pk}"')[1].split("</tr>")[0] for order in (hostile, other))
        assert f'aria-label="{selected} {hostile.pk}"' in first
        assert f'formaction="{prefix}/orders/{hostile.pk}/cancel"' in first
        assert "<bdi>Followers &lt;b&gt;now&lt;/b&gt;</bdi>" in first
        assert (f"/orders/{other.pk}/receipt" in second, "2,000" in second, "1,000" in second) == (True, True, False)
        assert "\ue000" not in html
