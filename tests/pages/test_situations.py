"""What a customer reads about an order in each situation: on the order's page, and in its row of the list."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from catalog.models import Provider
from core.clock import database_now
from core.staff_actions import Actor
from orders import cancellations, freezing, settling_by_hand
from orders.doubt import conclude
from orders.following.answers import MISSED
from orders.forwarding.breaker import exposure
from orders.models import BreakerState, Cancellation, ForwardAttempt, Order
from orders.pages.situations import Situation, situation_of
from orders.states import Forward, Progress
from tests.billing import cast as rows
from tests.pages.cast import Orders
from tests.pages.test_my_orders import plain, text
from tests.roles import unguarded
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db
RESERVED = "Your $1.85 9 stays reserved."
NOTHING = "Nothing is charged: $1.85 9 is back in your wallet."

Make = Callable[[Orders], Order]


def changed(order: Order, **columns: object) -> Order:
    Order.objects.filter(pk=order.pk).update(**columns)
    return Order.objects.get(pk=order.pk)


def queued(**columns: object) -> Make:
    return lambda orders: changed(orders.queued(), **columns)


def with_provider(**columns: object) -> Make:
    def make(orders: Orders) -> Order:
        order = orders.queued()
        Provider.objects.update(**columns)
        return Order.objects.get(pk=order.pk)

    return make


def waiting_for(minutes: int) -> Make:
    def make(orders: Orders) -> Order:
        order = orders.queued()
        with unguarded():  # an order keeps its time
            return changed(order, created_at=database_now() - timedelta(minutes=minutes))

    return make


def breaker_open(orders: Orders) -> Order:
    order = orders.queued()
    BreakerState.objects.create(provider=order.provider, tripped_at=database_now(), tripped_because="doubts")
    return order


def beside_a_costly_doubt(orders: Orders) -> Order:
    """The breaker is closed, but the order would take what is in doubt above 5 % of the balance."""
    Provider.objects.update(balance=30)
    rows.doubted(orders.queued())
    order = orders.queued(quantity=50_000)
    assert exposure(order.provider_id, since=None).doubts == 1
    return order


def frozen(*, is_restored: bool) -> Make:
    def make(orders: Orders) -> Order:
        order = orders.queued()
        freezing.freeze(why="test", now=database_now(), is_restored=is_restored)
        return order

    return make


def long_in_doubt(orders: Orders) -> Order:
    order = orders.queued()
    attempt = rows.doubted(order)
    assert conclude.to_review(attempt.pk, reason="ambiguous", now=database_now())
    return Order.objects.get(pk=order.pk)


def found_not_placed(orders: Orders) -> Order:
    order = orders.queued()
    attempt = rows.doubted(order)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(sent_at=database_now() - timedelta(hours=1))
    assert conclude.not_placed(attempt.pk, how="person", actor="owner", now=database_now(), refund=True)
    return Order.objects.get(pk=order.pk)


def hears(state: ProviderOrderState, remains: int | None = None, **columns: object) -> Make:
    return lambda orders: changed(orders.hears(orders.placed(), state, remains), **columns)


def canceled_by_customer(orders: Orders) -> Order:
    order = orders.queued()
    assert cancellations.request_cancel(order=order, actor="alice", now=database_now()) is None
    return Order.objects.get(pk=order.pk)


def asked_to_cancel(then: ProviderOrderState | None, remains: int | None = None) -> Make:
    def make(orders: Orders) -> Order:
        order = orders.running(remains=400)
        now = database_now()
        Cancellation.objects.create(order=order, provider=order.provider, actor="alice", next_at=now, created_at=now)
        return Order.objects.get(pk=order.pk) if then is None else orders.hears(order, then, remains)

    return make


def settled_by_hand(orders: Orders) -> Order:
    order = changed(orders.running(remains=400), needs_review="partial without a readable remains")
    seen = settling_by_hand.choice_of(order).seen
    owner = Actor("owner", "owner@example.com")
    settling_by_hand.settle_by_hand(
        order_id=order.pk, missing=157, seen=seen, actor=owner, reason="looked it up", now=database_now()
    )
    return Order.objects.get(pk=order.pk)


S = Situation
#: Situation, how an order gets there, what its page says, what its row adds to the state ("" for nothing).
TABLE: list[tuple[Situation, Make, str, str]] = [
    (S.SOON, queued(), f"We send it to our supplier in a moment. {RESERVED}", ""),
    (S.LATE, waiting_for(9), "takes longer than usual", "longer than usual"),
    (
        S.RESTORED,
        frozen(is_restored=True),
        f"while we check our records. It will be sent when that is done. {RESERVED}",
        "Sending is paused for a check",
    ),
    (
        S.FROZEN,
        frozen(is_restored=False),
        "It will be sent when the check is done; until then you can cancel it.",
        "Sending is paused for a check",
    ),
    (
        S.SUPPLIER_AWAY,
        with_provider(is_active=False),
        "Our supplier takes no orders at the moment.",
        "Waits for the supplier",
    ),
    (
        S.SUPPLIER_AWAY,
        with_provider(parked_at=timezone.now(), parked_reason="not_enough_funds"),
        f"as soon as possible; until then you can cancel it. {RESERVED} If this has not changed by",
        "Waits for the supplier",
    ),
    (
        S.HELD_BACK,
        breaker_open,
        "We hold it back while we check other orders at this supplier, usually for up to 15 min. It has not been sent; "
        "you can cancel it.",
        "Held back for a check",
    ),
    (S.HELD_BACK, beside_a_costly_doubt, "We hold it back while we check other orders", "Held back for a check"),
    (
        S.LINK_BUSY,
        queued(last_refusal="duplicate_link", tries=1),
        "this one waits for it.",
        "Waits for your other order",
    ),
    (
        S.TOOK_NOT,
        queued(last_refusal="maintenance", tries=2),
        f"We try again automatically. {RESERVED} If this has not changed by",
        "Waits for the supplier",
    ),
    (
        S.NOT_REACHED,
        queued(tries=1),
        "It did not reach our supplier. We send it again automatically.",
        "Sent again soon",
    ),
    (S.SENDING, Orders.sending, "We are sending the order to our supplier.", ""),
    (
        S.CONFIRMING,
        Orders.in_doubt,
        f"{RESERVED[:-1]}; nothing is charged twice. This usually takes up to 15 min. If this has not changed by",
        "Your money is reserved",
    ),
    (S.BY_HAND, long_in_doubt, "We are looking into it.", "Checked by us, your money is reserved"),
    (S.ACCEPTED, Orders.placed, "The supplier has the order and will begin soon.", ""),
    (S.RUNNING, hears(ProviderOrderState.IN_PROGRESS, 400), "It is settled when it ends: you pay for what arrived", ""),
    (S.RUNNING, asked_to_cancel(None), "The supplier has been asked to cancel it", "Cancel requested"),
    (
        S.PAUSED,
        hears(ProviderOrderState.PAUSED, 400),
        "The supplier has paused it and may go on.",
        "Paused by the supplier",
    ),
    (
        S.FAILED,
        hears(ProviderOrderState.FAILED, 400),
        "The supplier reports a problem and may still deliver. If this has not changed by",
        "The supplier reports a problem",
    ),
    (
        S.COUNTING,
        hears(ProviderOrderState.IN_PROGRESS, 400, ended_as=Progress.COMPLETED),
        "The supplier has ended it and still counts the last part.",
        "The last part is being counted",
    ),
    (
        S.UNCLEAR,
        hears(ProviderOrderState.PARTIAL, None),
        "not clear, so we are looking into it. Until then nothing is settled.",
        "Checked by us, your money is reserved",
    ),
    (
        S.SILENT,
        hears(ProviderOrderState.IN_PROGRESS, 400, poll_misses=3),
        "The supplier has not answered about it since",
        "No news from the supplier",
    ),
    (
        S.SILENT,
        hears(ProviderOrderState.IN_PROGRESS, 400, needs_review=f"{MISSED}no usable answer"),
        "We keep asking.",
        "No news from the supplier",
    ),
    (
        S.SILENT,
        lambda o: changed(o.placed(), next_poll_at=database_now() - timedelta(hours=2)),
        "has not answered about it yet. We keep asking.",
        "No news from the supplier",
    ),
    (S.COMPLETED, Orders.completed, "All of it arrived. You paid $1.85 9.", ""),
    (S.EXPIRED, lambda o: changed(o.completed(), progress=Progress.EXPIRED, refunded=0), "It has reached its end:", ""),
    (
        S.PARTIAL,
        lambda o: o.partial(remains=157),
        "The supplier stopped at 843. You do not pay for the other 157: $0.29 186 is back in your wallet.",
        "",
    ),
    (
        S.PARTIAL_AS_ASKED,
        asked_to_cancel(ProviderOrderState.PARTIAL, 157),
        "The supplier was asked to stop, and stopped at 843.",
        "Stopped on request",
    ),
    (
        S.SETTLED_BY_HAND,
        settled_by_hand,
        "settled it: 843 of 1,000 arrived. You do not pay for the other 157:",
        "Settled by us",
    ),
    (S.CANCELED_BY_SUPPLIER, Orders.canceled, f"The supplier canceled it. {NOTHING}", "By the supplier"),
    (
        S.CANCELED_AS_ASKED,
        asked_to_cancel(ProviderOrderState.CANCELED),
        f"The supplier was asked to cancel it, and did. {NOTHING}",
        "On request",
    ),
    (
        S.NOT_DELIVERED,
        lambda o: changed(o.canceled(), reviewed="failed, and not sent again in time"),
        f"The supplier could not deliver it. {NOTHING}",
        "Not delivered",
    ),
    (S.NOT_PLACED, Orders.refused, f"Check that it is public and complete. {NOTHING}", "Not placed"),
    (S.NOT_PLACED, canceled_by_customer, f"It was canceled before it was sent. {NOTHING}", "Not placed"),
    (S.NOT_PLACED, found_not_placed, f"its answer was lost on the way. {NOTHING}", "Not placed"),
]
SECRETS = ("Alpha supply", "not_enough_funds", "balance at", "maintenance", "duplicate_link", "parked")


@pytest.mark.parametrize(
    ("situation", "make", "sentence", "note"), TABLE, ids=[f"{n}-{s}" for n, (s, *_) in enumerate(TABLE)]
)
def test_page_and_row_say_where_an_order_stands(
    signed_in: Client, orders: Orders, situation: Situation, make: Make, sentence: str, note: str
) -> None:
    order = make(orders)
    assert situation_of(order, now=database_now()) is situation
    page = plain(text(signed_in, f"/orders/{order.pk}/"))
    assert sentence in page
    listed = text(signed_in, "/orders/")
    row = plain(listed[listed.index(f'id="order-{order.pk}"') :].split("</tr>")[0])
    assert note in row
    for secret in SECRETS:
        assert secret not in page
        assert secret not in row


def test_the_table_knows_every_situation_and_every_state() -> None:
    assert {row[0] for row in TABLE} == set(Situation)


def test_a_deadline_is_the_moment_from_which_the_money_comes_back(signed_in: Client, orders: Orders) -> None:
    Provider.objects.update(parked_at=database_now(), patience_seconds=7200)
    order = orders.queued()
    ends_at = date_format(timezone.localtime(order.created_at + timedelta(hours=2)), "j M, H:i T")
    said = plain(text(signed_in, f"/orders/{order.pk}/"))
    assert f"If this has not changed by {ends_at}, your $1.85 9 comes back." in said


def test_the_page_that_is_open_learns_of_a_new_situation(signed_in: Client, orders: Orders) -> None:
    order = orders.queued()
    version = signed_in.get(f"/orders/{order.pk}/").context["version"]
    assert signed_in.get(f"/orders/{order.pk}/?seen={version}").status_code == 204
    BreakerState.objects.create(provider=order.provider, tripped_at=database_now())
    assert "We hold it back" in signed_in.get(f"/orders/{order.pk}/?seen={version}").content.decode()


def test_an_order_back_from_a_dump_offers_no_cancel(signed_in: Client, orders: Orders) -> None:
    order = orders.queued()
    assert "Yes, cancel it" in text(signed_in, f"/orders/{order.pk}/")
    drip = orders.queued(quantity=250, runs="4", interval="60")
    assert "Stop, $1.85 9 comes back" in plain(text(signed_in, f"/orders/{drip.pk}/"))
    freezing.freeze(why="test", now=database_now(), is_restored=True)
    for queued in (order, drip):
        html = text(signed_in, f"/orders/{queued.pk}/")
        assert "Yes, cancel it" not in html
        assert "comes back" not in html
        assert "Not offered by this service" not in html.partition("<dt>Refill</dt>")[0].partition("<dt>Cancel</dt>")[2]
        assert "The shop is checking whether this order was sent." in html
    assert "cannot stop it once it has begun" not in html


def test_every_forwarding_state_and_progress_has_a_situation(orders: Orders) -> None:
    order = orders.placed()
    for progress in ("", *Progress):
        order.progress = progress
        assert situation_of(order, now=database_now()) in Situation
    for state in Forward:
        order.forward_state = state
        assert situation_of(order, now=database_now()) in Situation
