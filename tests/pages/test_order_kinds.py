"""Refills, drip-feeds and subscriptions of a customer, notes, receipts, and what is asked about many orders."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.api_keys import create_key
from accounts.models import User
from catalog.models import Provider, ProviderService, Service, ServiceFigures
from core.clock import database_now
from core.staff_actions import Actor
from orders import freezing
from orders.cancel_by_hand import cancel_by_hand
from orders.checkout.placement import place_order
from orders.jobs import running
from orders.models import LONGEST_NOTE, Cancellation, ChildOrder, Job, Order, OrderNote, Refill
from orders.pages import keyset
from orders.pages.line import line_of
from orders.states import Progress, RefillState
from tests.pages.cast import Orders, customer
from tests.pages.test_my_orders import plain, text
from tests.roles import unguarded
from upstream.states import ProviderOrderState

SUBSCRIPTION = {"username": "bob", "posts": "3", "min": "100", "max": "200", "delay": "0"}


@pytest.fixture
def drip(orders: Orders) -> Order:
    """Four runs of 250, of which the second is running."""
    ProviderService.objects.update(cancel=True)
    Provider.objects.update(can_cancel=True)
    order = orders.running(remains=700, quantity=250, runs="4", interval="60")
    for n, (progress, remains) in enumerate([("completed", 0), ("in_progress", 200)]):
        ChildOrder.objects.create(
            parent=order, provider=order.provider, upstream_id=f"7{n}", quantity=250, progress=progress, remains=remains
        )
    return order


@pytest.fixture
def subscription(alice: User, services: list[Service]) -> Order:
    ProviderService.objects.filter(type="Subscriptions").update(type="subscriptions")  # as lists are read
    service = next(s for s in services if s.name == "Posts for subscribers")
    return place_order(customer=alice, service_id=service.pk, fields=SUBSCRIPTION, now=database_now()).order


def test_refills_are_listed_with_their_state_and_nobody_elses(
    signed_in: Client, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "PER_PAGE", 2)
    theirs = Orders(customer("bob@example.com"), orders.service).completed()
    Refill.objects.create(order=theirs, provider=theirs.provider)
    states = [RefillState.REQUESTED, RefillState.COMPLETED, RefillState.REJECTED, RefillState.COMPLETED]
    mine = []
    for state in states:
        order = orders.completed()
        mine.append(Refill.objects.create(order=order, provider=order.provider, state=state).pk)
    mine.reverse()
    page = signed_in.get("/orders/refills/").context["list"]
    way = [[refill.pk for refill in page.rows]]
    while page.older is not None:
        page = signed_in.get(f"/orders/refills/{page.older}").context["list"]
        way.append([refill.pk for refill in page.rows])
    assert way == [mine[:2], mine[2:]]
    back = signed_in.get(f"/orders/refills/{page.newer}").context["list"]
    assert [refill.pk for refill in back.rows] == mine[:2]
    oldest = signed_in.get("/orders/refills/?after=0").context["list"]
    assert [refill.pk for refill in oldest.rows] == mine[2:]
    done = signed_in.get("/orders/refills/?state=done").context["list"]
    assert [refill.pk for refill in done.rows] == [mine[0], mine[2]]
    assert "Refill declined" in text(signed_in, "/orders/refills/?state=declined")
    assert "No refill is in this state" in text(signed_in, "/orders/refills/?state=unanswered")


def test_empty_lists_say_what_would_be_there(signed_in: Client) -> None:
    assert "No refills yet" in text(signed_in, "/orders/refills/")
    assert "No drip-feeds yet" in text(signed_in, "/orders/drip-feeds/")
    assert "No subscriptions yet" in text(signed_in, "/orders/subscriptions/")


def test_each_kind_has_its_list(signed_in: Client, orders: Orders, drip: Order, subscription: Order) -> None:
    orders.completed()
    assert [order.pk for order in signed_in.get("/orders/drip-feeds/").context["list"].rows] == [drip.pk]
    assert "1 of 4 runs done" in text(signed_in, "/orders/drip-feeds/")
    assert [order.pk for order in signed_in.get("/orders/subscriptions/").context["list"].rows] == [subscription.pk]
    html = plain(text(signed_in, "/orders/subscriptions/"))
    assert "0 of 3 posts served" in html
    assert "still reserved" in html


def test_a_drip_feed_shows_its_runs_what_is_left_and_how_to_stop(signed_in: Client, drip: Order) -> None:
    html = plain(text(signed_in, f"/orders/{drip.pk}/"))
    assert f"Drip-feed #{drip.pk}" in html
    assert "1 of 4 runs done" in html
    assert "2 runs are to come: 500, for which $0.92 95 is reserved." in html
    line = signed_in.get(f"/orders/{drip.pk}/").context["line"]
    assert [(stop.number, stop.css) for stop in line.stops] == [
        (1, "is-done"), (2, "is-now"), (3, "is-next"), (4, "is-later"),
    ]  # fmt: skip
    assert line.stops[0].amount == Decimal("0.46475")
    assert line.stops[2].at > database_now()
    assert "$0.92 95 is reserved for what has not begun" in html


def test_stopping_the_rest_asks_the_supplier_and_its_word_brings_the_money_back(
    signed_in: Client, orders: Orders, drip: Order
) -> None:
    signed_in.post(f"/orders/{drip.pk}/cancel")
    assert Cancellation.objects.get().order_id == drip.pk
    assert "The supplier has been asked to stop" in plain(text(signed_in, f"/orders/{drip.pk}/"))
    ChildOrder.objects.filter(parent=drip).update(progress=Progress.COMPLETED, remains=0)
    ended = orders.hears(drip, ProviderOrderState.CANCELED, 500)
    assert ended.face.name == "partial"
    assert ended.refunded == Decimal("0.92950")
    html = plain(text(signed_in, f"/orders/{drip.pk}/"))
    assert "Stop the rest" not in html
    assert "2 of 4 runs done" in html


def test_runs_that_nobody_lists_follow_from_the_count(orders: Orders) -> None:
    order = orders.running(remains=650, quantity=250, runs="4", interval="60")
    line = line_of(order, [], now=database_now())
    assert (line.size, line.done, line.running, line.left) == (4, 1, 1, 2)
    assert [css for _number, css in line.strip] == ["is-done", "is-now", "is-next", "is-later"]


def test_a_long_line_names_what_it_does_not_list(orders: Orders) -> None:
    order = orders.running(remains=2_500, quantity=100, runs="100", interval="60")
    line = line_of(order, [], now=database_now())
    assert (line.done, line.earlier, line.left, line.more) == (75, 55, 25, 22)
    assert line.strip == []
    assert len(line.stops) == 23


def test_a_note_is_kept_changed_and_deleted(signed_in: Client, orders: Orders) -> None:
    order = orders.completed()
    signed_in.post(f"/orders/{order.pk}/note", {"text": "  <b>for</b> Harbour\r\nsecond line "})
    note = OrderNote.objects.get()
    assert (note.text, note.customer_id) == ("<b>for</b> Harbour\nsecond line", order.customer_id)
    html = signed_in.get(f"/orders/{order.pk}/").content.decode()
    assert "&lt;b&gt;for&lt;/b&gt; Harbour\nsecond line</textarea>" in html
    signed_in.post(f"/orders/{order.pk}/note", {"text": "  "})
    assert not OrderNote.objects.exists()


def test_a_note_that_is_too_long_is_not_lost(signed_in: Client, orders: Orders) -> None:
    order, typed = orders.completed(), "x" * (LONGEST_NOTE + 1)
    answer = signed_in.post(f"/orders/{order.pk}/note", {"text": typed})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert typed in html
    assert "The note has 501 characters. At most 500 fit; shorten it." in html
    assert not OrderNote.objects.exists()


def test_a_receipt_adds_up_and_is_for_the_customer_alone(signed_in: Client, client: Client, orders: Orders) -> None:
    order = orders.partial(remains=157)
    html = plain(text(signed_in, f"/orders/{order.pk}/receipt"))
    for part in ("Receipt", f"Order #{order.pk}", "843", "$1.85 9", "−$0.29 186", "$1.56 714"):
        assert part in html
    client.force_login(customer("charlie@example.com"))
    assert client.get(f"/orders/{order.pk}/receipt").status_code == 404
    assert client.post(f"/orders/{order.pk}/note", {"text": "mine"}).status_code == 404


def test_what_is_asked_about_many_orders_is_shown_first_and_then_done_once(signed_in: Client, orders: Orders) -> None:
    done = [orders.completed() for _n in range(3)]
    queued = orders.queued()
    chosen = "&".join(f"order={order.pk}" for order in [*done, queued])
    page = signed_in.get(f"/orders/bulk/?do=refill&{chosen}")
    html = plain(page.content.decode())
    assert "Refill of 3 orders" in html
    assert "Ask for 3 refills" in html
    assert "Only a completed order can be refilled. 1 order" in html
    form = {name: page.context[name] for name in ("orders", "nonce")} | {"do": "refill"}
    places = {signed_in.post("/orders/bulk/start", form)["Location"] for _click in range(2)}
    job = Job.objects.get()
    assert places == {f"/jobs/{job.pk}/"}
    running.run_due()
    assert sorted(Refill.objects.values_list("order_id", flat=True)) == [order.pk for order in done]


@pytest.mark.parametrize("do", ["refill", "cancel"])
def test_a_frozen_shop_promises_nothing_at_once(signed_in: Client, orders: Orders, do: str) -> None:
    order = orders.queued() if do == "cancel" else orders.completed()
    assert "asks nothing meanwhile" not in text(signed_in, f"/orders/bulk/?do={do}&order={order.pk}")
    freezing.freeze(why="test", now=database_now())
    html = text(signed_in, f"/orders/bulk/?do={do}&order={order.pk}")
    assert "The shop is checking its orders and asks nothing meanwhile." in html
    assert "is canceled at once" not in html
    assert "one after the other" not in html


def test_all_of_a_filter_is_asked_about_at_once(
    signed_in: Client, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.pages import bulk

    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
    queued = [orders.queued().pk for _n in range(3)]
    orders.completed()
    page = signed_in.get("/orders/bulk/?do=cancel&all=1&state=pending")
    assert [order.pk for order in page.context["possible"]] == queued[:0:-1]
    html = plain(page.content.decode())
    assert "These are the newest 2 of them. Do the others in a second go." in html
    assert "2 of them have not been sent: $3.71 8 comes back to your wallet at once." in html


def test_orders_of_others_are_left_out_and_nothing_is_started(signed_in: Client, orders: Orders) -> None:
    theirs = Orders(customer("bob@example.com"), orders.service).completed()
    page = signed_in.get(f"/orders/bulk/?do=refill&order={theirs.pk}")
    assert "Nothing can be asked for" in plain(page.content.decode())
    form = {"do": "refill", "orders": str(theirs.pk), "nonce": "n"}
    assert "Nothing was chosen." in signed_in.post("/orders/bulk/start", form, follow=True).content.decode()
    assert not Job.objects.exists()
    assert signed_in.get("/orders/bulk/?do=delete").status_code == 400
    assert signed_in.post("/orders/bulk/start", {**form, "nonce": ""}).status_code == 400


def test_a_row_of_an_order_belongs_to_the_orders_customer_whoever_writes_it(orders: Orders) -> None:
    order, bob = orders.completed(), customer("bob@example.com")
    refill = Refill.objects.create(order=order, provider=order.provider, customer=bob)
    OrderNote.objects.create(order=order, customer=bob, text="mine")
    Refill.objects.update(customer=bob)
    refill.refresh_from_db()
    assert {refill.customer_id, OrderNote.objects.get().customer_id} == {order.customer_id}


def test_an_order_says_through_which_key_it_came(signed_in: Client, alice: User, orders: Orders) -> None:
    key = create_key(customer=alice, name="storefront-eu", now=database_now())
    order = orders.queued()
    Order.objects.filter(pk=order.pk).update(source="api", api_key=key.row)
    assert "Through the API with your key “storefront-eu”." in text(signed_in, f"/orders/{order.pk}/")


@pytest.mark.parametrize(("by_hand", "said"), [(False, "You, before it was sent"), (True, "We, before it was sent")])
def test_an_order_says_who_canceled_it(signed_in: Client, orders: Orders, by_hand: bool, said: str) -> None:
    order, now = orders.queued(), database_now()
    if by_hand:
        cancel_by_hand(order=order, actor=Actor("staff:1", "owner@example.com"), reason="asked by mail", now=now)
    else:
        signed_in.post(f"/orders/{order.pk}/cancel")
    assert said in text(signed_in, f"/orders/{order.pk}/")


def test_an_order_stands_beside_what_is_usual(signed_in: Client, orders: Orders) -> None:
    order = orders.completed()
    began = order.created_at + timedelta(minutes=4)
    with unguarded():
        Order.objects.filter(pk=order.pk).update(started_at=began, finished_at=began + timedelta(minutes=50))
    ServiceFigures.objects.create(service=order.service, starts_in=360, starts_orders=50, takes=2400, takes_orders=50)
    html = text(signed_in, f"/orders/{order.pk}/")
    assert "4 min, usual is 6 min" in html
    assert "50 min, usual is 40 min" in html
