"""Following orders: the list by state, one order's page in plain words, live without asking too much."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from orders.models import Order, Refill
from orders.notes import save_note
from orders.pages import browse, tabs
from orders.states import RefillState
from tests.pages.cast import Orders, customer
from upstream.states import ProviderOrderState


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace(" .", ".").replace(" :", ":")


def test_nothing_ordered_yet_gives_the_first_step(signed_in: Client) -> None:
    html = text(signed_in, "/orders/")
    assert "No orders yet" in html
    assert "Your balance is" in html
    assert 'href="/order/">' in html.split("No orders yet")[1]


def test_nothing_ordered_and_nothing_to_spend_leads_to_adding_funds(client: Client, db: None) -> None:
    client.force_login(customer("new@example.com", "0"))
    html = text(client, "/orders/").split("No orders yet")[1]
    assert 'href="/wallet/add/"' in html
    assert 'href="/order/">' not in html.split("</main>")[0]


def test_every_order_is_in_exactly_one_tab(signed_in: Client, orders: Orders) -> None:
    everything = orders.one_of_each()
    tabs = signed_in.get("/orders/").context["list"].tabs
    counts = {tab.face.name if tab.face else "all": tab.total for tab in tabs}
    assert counts == {
        "all": 9, "pending": 3, "confirming": 1, "progress": 1, "completed": 1, "partial": 1, "canceled": 2,
    }  # fmt: skip
    seen = [
        o.pk for name in counts if name != "all" for o in signed_in.get(f"/orders/?state={name}").context["list"].orders
    ]
    assert sorted(seen) == sorted(o.pk for o in everything)


def test_a_row_shows_number_link_delivery_state_and_what_came_back(signed_in: Client, orders: Orders) -> None:
    order = orders.partial(remains=157)
    html = text(signed_in, "/orders/")
    assert f"#{order.pk}" in html
    assert "instagram.com/atelier.nord" in html
    assert 'progress value="843" max="1000"' in html
    assert "843 of 1,000" in html
    assert '+$0.29<span class="money-sub">186</span>' in html
    assert "style=" not in html


def test_an_order_in_doubt_always_says_that_the_money_is_reserved(signed_in: Client, orders: Orders) -> None:
    orders.in_doubt()
    html = text(signed_in, "/orders/")
    assert "Confirming with supplier" in html
    assert "Your money is reserved" in html


def test_an_order_is_found_by_number_link_or_service(signed_in: Client, orders: Orders) -> None:
    wanted = orders.completed(link="https://instagram.com/verde.kitchen")
    other = orders.completed()
    save_note(other, "not for Verde")
    assert [o.pk for o in signed_in.get("/orders/?q=verde").context["list"].orders] == [other.pk, wanted.pk]
    save_note(other, "")
    for asked in (f"%23{wanted.pk}", "verde", "VERDE.kitchen"):
        found = [o.pk for o in signed_in.get(f"/orders/?q={asked}").context["list"].orders]
        assert found == [wanted.pk], asked
    assert len(signed_in.get("/orders/?q=30-day").context["list"].orders) == 2
    assert f"/orders/{other.pk}/" not in text(signed_in, "/orders/?q=nothing-like-it")


def test_a_search_says_where_it_did_not_look(
    signed_in: Client, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "LOOKED_THROUGH", 1)
    old = orders.completed(link="https://instagram.com/verde.kitchen")
    said = "were searched in your newest 2,000 orders"
    assert said not in text(signed_in, "/orders/?q=verde")
    new = orders.completed(link="https://instagram.com/verde.kitchen")
    assert said in text(signed_in, "/orders/?q=verde")
    assert said in text(signed_in, "/orders/?q=nothing-like-it")
    assert said not in text(signed_in, "/orders/")
    found = {
        asked: [o.pk for o in signed_in.get("/orders/", {"q": asked}).context["list"].orders]
        for asked in ("verde", "instagram.com/verde", f"{old.pk}")
    }
    assert found == {"verde": [new.pk], "instagram.com/verde": [new.pk, old.pk], f"{old.pk}": [old.pk]}


def test_an_order_is_found_by_any_spelling_of_its_link(signed_in: Client, orders: Orders) -> None:
    post = orders.completed(link="https://www.example.com/p/One/").pk
    profile = orders.completed(link="@verde.kitchen").pk
    orders.completed(link="https://www.example.com/p/Two/")

    def found(asked: str) -> list[int]:
        return [o.pk for o in signed_in.get("/orders/", {"q": asked}).context["list"].orders]

    for asked in (
        "https://www.example.com/p/One",
        "http://example.com/p/One/",
        "HTTPS://WWW.EXAMPLE.COM/p/One/?igsh=MzRlODBiNWFlZA==",
        "https://www.example.com/p/One/?utm_source=web_copy_link",
        "\u200fexample.com/p/One",
    ):
        assert found(asked) == [post], asked
    for asked in ("instagram.com/verde.kitchen", "https://m.instagram.com/Verde.Kitchen/?hl=en", "@verde.kitchen"):
        assert found(asked) == [profile], asked
    # What an address begins with is enough.
    assert found("https://www.example.com/p") == [profile + 1, post]


def test_pages_hold_25_orders_newest_first(signed_in: Client, orders: Orders) -> None:
    numbers = [orders.queued(quantity=100).pk for _ in range(30)]
    first, second = (signed_in.get(f"/orders/?page={n}").context["list"] for n in (1, 2))
    assert [o.pk for o in first.orders] == numbers[:4:-1]
    assert [o.pk for o in second.orders] == numbers[4::-1]
    assert "26 – 30 of 30" in text(signed_in, "/orders/?page=2")


@pytest.fixture
def numbers(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Twelve orders, newest first, in a shop with pages of three orders that numbers only the first two pages."""
    monkeypatch.setattr(browse, "PER_PAGE", 3)
    monkeypatch.setattr(browse, "NUMBERED", 2)
    monkeypatch.setattr(browse, "MOST_COUNTED", 6)
    monkeypatch.setattr(tabs, "MOST_COUNTED", 6)
    return [orders.queued(quantity=100).pk for _ in range(12)][::-1]


@pytest.mark.parametrize("narrowed", ["", "&state=pending", "&q=followers"])
def test_older_and_newer_lead_through_all_orders_and_back(signed_in: Client, numbers: list[int], narrowed: str) -> None:
    def shown(address: str) -> Any:
        return signed_in.get(f"/orders/{address}").context["list"]

    page, way = shown(f"?{narrowed}"), []
    while True:
        way.append([o.pk for o in page.orders])
        if page.older is None:
            break
        page = shown(page.older)
    assert way == [numbers[:3], numbers[3:6], numbers[6:9], numbers[9:]]
    back = []
    while page.newer is not None:
        page = shown(page.newer)
        back.append([o.pk for o in page.orders])
    assert back == way[-2::-1]
    assert page.first == 1  # back on the first page, with its number
    oldest = shown(shown(f"?{narrowed}").oldest)
    assert [o.pk for o in oldest.orders] == way[-1]


def test_of_many_orders_the_page_says_that_there_are_more(signed_in: Client, numbers: list[int]) -> None:
    html = text(signed_in, "/orders/")
    assert "1 – 3 of more than 6" in html
    assert '<span class="count">6+</span>' in html
    beyond = signed_in.get("/orders/?page=4")
    assert [o.pk for o in beyond.context["list"].orders] == numbers[3:6]
    assert "Pages are numbered up to 2." in " ".join(beyond.content.decode().split())


@pytest.mark.parametrize("cursor", ["before=x", "before=-1", "after=1e9", f"before={'9' * 40}", "before=5&after=3"])
def test_an_address_that_names_no_page_shows_the_newest_orders_and_says_so(
    signed_in: Client, numbers: list[int], cursor: str
) -> None:
    answer = signed_in.get(f"/orders/?{cursor}")
    assert answer.status_code == 200
    assert [o.pk for o in answer.context["list"].orders] == numbers[:3]
    assert "does not name a page of your orders" in answer.content.decode()


def test_past_the_oldest_order_the_page_says_so(signed_in: Client, numbers: list[int]) -> None:
    html = text(signed_in, f"/orders/?before={numbers[-1]}")
    assert "There are no older orders" in html
    assert "No orders yet" not in html


def test_the_list_costs_the_same_queries_however_long_it_is(
    signed_in: Client, orders: Orders, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            signed_in.get("/orders/")
        return len(seen)

    orders.queued(quantity=100)
    few = queries()
    for _ in range(10):
        orders.queued(quantity=100)
    assert queries() == few


def test_only_open_rows_are_asked_about_and_closed_ones_drop_out(signed_in: Client, orders: Orders) -> None:
    done, running, queued = orders.completed(), orders.running(remains=500), orders.queued()
    html = text(signed_in, "/orders/")
    assert f'hx-get="/orders/rows?open={queued.pk},{running.pk}"' in html
    orders.hears(running, ProviderOrderState.COMPLETED, 0)
    html = text(signed_in, f"/orders/rows?open={queued.pk},{running.pk}")
    assert f'<tr role="row" id="order-{running.pk}" hx-swap-oob="true">' in html
    assert f'hx-get="/orders/rows?open={queued.pk}"' in html
    assert f'id="order-{done.pk}"' not in html


def test_rows_of_others_are_not_given_away(client: Client, orders: Orders) -> None:
    order = orders.running(remains=500)
    client.force_login(customer("charlie@example.com"))
    assert "order-" + str(order.pk) not in text(client, f"/orders/rows?open={order.pk}")
    assert client.get(f"/orders/{order.pk}/").status_code == 404
    assert client.post(f"/orders/{order.pk}/refill").status_code == 404


def test_an_order_says_in_one_sentence_where_it_stands(signed_in: Client, orders: Orders) -> None:
    said = {
        orders.queued(): "We send it to our supplier in a moment. Your $1.85 9 stays reserved.",
        orders.sending(): "We are sending the order to our supplier.",
        orders.in_doubt(): "Their answer was lost on the way. Your $1.85 9 stays reserved; nothing is charged twice.",
        orders.placed(): "The supplier has the order and will begin soon.",
        orders.running(remains=400): "The supplier is delivering.",
        orders.completed(): "All of it arrived. You paid $1.85 9.",
        orders.partial(remains=157): "You do not pay for the other 157: $0.29 186 is back in your wallet.",
        orders.canceled(): "Nothing is charged: $1.85 9 is back in your wallet.",
        orders.refused(): "Check that it is public and complete. Nothing is charged: $1.85 9 is back",
    }
    for order, sentence in said.items():
        assert sentence in plain(text(signed_in, f"/orders/{order.pk}/")), order.face.name


def test_the_receipt_of_an_order_ends_at_what_is_still_reserved(signed_in: Client, orders: Orders) -> None:
    context = signed_in.get(f"/orders/{orders.partial(remains=157).pk}/").context
    money = context["money"]
    assert money.charged == money.earned + money.refunded
    assert money.held == 0
    open_money = signed_in.get(f"/orders/{orders.running(remains=157).pk}/").context["money"]
    assert (open_money.earned, open_money.refunded, open_money.held) == (0, 0, open_money.charged)


def test_the_story_is_told_oldest_first_and_keeps_what_is_the_owners(signed_in: Client, orders: Orders) -> None:
    order = orders.partial(remains=157)
    page = signed_in.get(f"/orders/{order.pk}/")
    assert [step.title for step in page.context["story"]] == [
        "Placed, $1.859 reserved",
        "Sent to the supplier",
        "The supplier has it",
        "Started at 12,480",
        "Partial",
        "$0.29186 refunded to your wallet",
    ]
    assert order.upstream_id is not None
    assert order.upstream_id not in page.content.decode()
    assert "Alpha supply" not in page.content.decode()


def test_counts_and_target_stand_under_the_ruler(signed_in: Client, orders: Orders) -> None:
    html = text(signed_in, f"/orders/{orders.partial(remains=157).pk}/")
    for count in ("12,480", "13,480", "13,323"):
        assert f">{count}<" in html


def test_what_is_missing_can_be_ordered_where_the_limits_allow(signed_in: Client, orders: Orders) -> None:
    assert "Order the missing 157" in text(signed_in, f"/orders/{orders.partial(remains=157).pk}/")
    assert "Order the missing" not in text(signed_in, f"/orders/{orders.partial(remains=57).pk}/")


def test_an_open_page_hears_only_news(signed_in: Client, orders: Orders) -> None:
    order = orders.running(remains=500)
    page = signed_in.get(f"/orders/{order.pk}/")
    version = page.context["version"]
    assert f'hx-get="/orders/{order.pk}/?seen={version}"' in page.content.decode()
    assert signed_in.get(f"/orders/{order.pk}/?seen={version}").status_code == 204
    orders.hears(order, ProviderOrderState.IN_PROGRESS, 100)
    news = signed_in.get(f"/orders/{order.pk}/?seen={version}")
    assert news.status_code == 200
    assert "<html" not in news.content.decode()
    assert "900" in news.content.decode()


def test_a_page_of_an_ended_order_asks_no_more(signed_in: Client, orders: Orders) -> None:
    assert "data-live" not in text(signed_in, f"/orders/{orders.completed().pk}/")


def test_a_completed_order_can_be_refilled_once_at_a_time(signed_in: Client, alice: User, orders: Orders) -> None:
    order = orders.completed()
    assert f'action="/orders/{order.pk}/refill"' in text(signed_in, f"/orders/{order.pk}/")
    answer = signed_in.post(f"/orders/{order.pk}/refill", follow=True)
    html = " ".join(answer.content.decode().split())
    assert "We asked the supplier for a refill." in html
    assert "Refill in progress" in html
    assert f'action="/orders/{order.pk}/refill"' not in html
    again = signed_in.post(f"/orders/{order.pk}/refill", follow=True)
    assert "A refill of this order is under way." in again.content.decode()
    assert Refill.objects.count() == 1
    assert "Refill in progress" in text(signed_in, "/orders/")


@pytest.mark.parametrize(
    ("state", "word"), [(RefillState.COMPLETED, "Refilled"), (RefillState.REJECTED, "Refill declined")]
)
def test_how_a_refill_ended_is_said(signed_in: Client, orders: Orders, state: str, word: str) -> None:
    order = orders.completed()
    Refill.objects.create(order=order, provider=order.provider, state=state)
    assert word in text(signed_in, f"/orders/{order.pk}/")
    assert word in text(signed_in, "/orders/")


def test_a_refill_is_not_offered_where_there_is_none(signed_in: Client, alice: User, orders: Orders) -> None:
    for order in (orders.running(remains=5), orders.partial(remains=157)):
        assert "/refill" not in text(signed_in, f"/orders/{order.pk}/")
    no_refill = Orders(alice, type(orders.service).objects.get(name="Instagram Likes · instant start"))
    html = text(signed_in, f"/orders/{no_refill.completed().pk}/")
    assert "/refill" not in html
    assert "Not offered by this service" in html


def test_a_link_that_is_no_web_address_is_not_made_one(signed_in: Client, orders: Orders) -> None:
    def stored(link: str) -> Order:
        """An order of a time when any text was taken for a link."""
        order = orders.queued()
        order.pk, order.link, order.link_key = None, link, ""
        order.save()
        return order

    order = stored("javascript:alert(1)")
    assert 'href="javascript' not in text(signed_in, f"/orders/{order.pk}/")
    evil = stored('https://x.example/"><script>alert(1)</script>')
    assert "<script>alert" not in text(signed_in, f"/orders/{evil.pk}/")
    assert "<script>alert" not in text(signed_in, "/orders/")
