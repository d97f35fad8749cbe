"""A refund by hand is a part of what an order refunds in all, and comes from where its money is."""

import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import audit as books
from billing.models import Code, Hold, Transfer
from core.clock import database_now
from core.models import StaffAction
from core.refusals import NoReason
from orders import audit
from orders.models import Order
from orders.refund_by_hand import BadAmount, NothingToRefund, Stale, refund_by_hand, refundable
from orders.states import Progress
from tests.actors import OWNER
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop, balance
from tests.orders.staff import clerk_with
from tests.orders.test_settling_by_hand import settles
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

PARTIAL, COMPLETED = ProviderOrderState.PARTIAL, ProviderOrderState.COMPLETED


def refunds(order: Order, amount: Decimal, *, seen: str = "") -> Decimal:
    total = refund_by_hand(
        order_id=order.pk, amount=amount, seen=seen or refundable(order).seen, actor=OWNER, reason="came late",
        now=database_now(),
    )  # fmt: skip
    order.refresh_from_db()
    return total


def adds_up(order: Order) -> bool:
    order.refresh_from_db()
    hold = Hold.objects.get(reference=order.reference)
    assert order.refunded == hold.refunded
    return [f for f in books.check(audit.EQUATIONS) if not f.holds] == []


def test_what_is_missing_later_counts_what_was_refunded_before(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    refunds(order, order.charge * 3 / 10)
    assert (order.progress, order.refunded) == ("", order.charge * 3 / 10)
    assert adds_up(order)
    answered(shop, order, status(PARTIAL, remains=500))
    assert (order.progress, order.refunded) == (Progress.PARTIAL, order.charge / 2)
    assert adds_up(order)


def test_a_smaller_loss_takes_nothing_back(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    refunds(order, order.charge * 3 / 10)
    answered(shop, order, status(PARTIAL, remains=100))
    assert (order.progress, order.refunded) == (Progress.PARTIAL, order.charge * 3 / 10)
    assert adds_up(order)


def test_after_completion_it_comes_out_of_what_was_earned(shop: Shop, alice: User) -> None:
    order, before = bought(shop, alice), balance(alice)
    answered(shop, order, status(COMPLETED))
    refunds(order, Decimal("0.10001"))
    assert balance(alice) == before + Decimal("0.10001")
    assert Transfer.objects.get(code=Code.LATE_REFUND).amount == Decimal("0.10001")
    assert order.progress == Progress.COMPLETED
    assert adds_up(order)


def test_all_of_it_in_two_parts_and_no_more(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    refunds(order, order.charge / 2)
    assert refunds(order, order.charge / 2) == order.charge
    with pytest.raises(NothingToRefund):
        refunds(order, Decimal("0.00001"))
    answered(shop, order, status(COMPLETED))
    assert (order.progress, order.refunded) == (Progress.COMPLETED, order.charge)
    assert adds_up(order)


def test_an_order_settled_by_hand_may_be_refunded_more(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), status(PARTIAL))
    assert settles(order, 100)
    refunds(order, order.charge / 2)
    assert order.refunded == order.charge * 6 / 10
    assert adds_up(order)


@pytest.mark.parametrize("amount", ["0", "-1", "999", "0.000001", "NaN"])
def test_a_bad_amount_moves_nothing(shop: Shop, alice: User, amount: str) -> None:
    order = bought(shop, alice)
    with pytest.raises(BadAmount):
        refunds(order, Decimal(amount))
    assert adds_up(order)
    assert order.refunded == 0


def test_without_a_reason_or_at_the_provider_there_is_none(shop: Shop, alice: User) -> None:
    queued = shop.buys(alice)
    with pytest.raises(NothingToRefund):
        refunds(queued, Decimal(1))
    with pytest.raises(NoReason):
        refund_by_hand(order_id=queued.pk, amount=Decimal(1), seen="", actor=OWNER, reason=" ", now=database_now())


def test_ten_clicks_refund_once(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    seen, refused, done = refundable(order).seen, [], []

    def click() -> None:
        try:
            done.append(refund_by_hand(
                order_id=order.pk, amount=Decimal("0.1"), seen=seen, actor=OWNER, reason="late", now=database_now()
            ))  # fmt: skip
        except Stale as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _n in range(10)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert (len(done), len(refused)) == (1, 9)
    assert StaffAction.objects.filter(action="order.refund").count() == 1
    assert adds_up(order)
    assert order.refunded == Decimal("0.1")


def test_the_page_shows_what_it_does_before_it_does_it(owner: Client, shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    url = reverse("admin:orders_order_refund", args=[order.pk])
    assert url in owner.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    form = {"amount": "0.25", "reason": "came late", "seen": refundable(order).seen}
    shown = owner.post(url, form).content.decode()
    assert "What it does" in shown
    order.refresh_from_db()
    assert order.refunded == 0
    assert '<input type="hidden" name="shown" value="0.25">' in shown
    assert 'value="Refund $0.25"' in shown
    # Another amount than the one that was shown is shown first.
    assert "What it does" in owner.post(url, {**form, "amount": "0.5", "shown": "0.25"}).content.decode()
    order.refresh_from_db()
    assert order.refunded == 0
    answer = owner.post(url, {**form, "amount": "0.250", "shown": "0.25"}, follow=True)
    assert "$0.25 of order" in str(list(answer.context["messages"])[-1])
    again = owner.post(url, {**form, "shown": "0.25"}).content.decode()
    assert "has moved since" in again
    order.refresh_from_db()
    assert order.refunded == Decimal("0.25")
    assert StaffAction.objects.get(action="order.refund").reason == "came late"


def test_who_may_only_look_finds_no_action(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    clerk = clerk_with("view_order")
    page = clerk.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert "actions-heading" not in page
    for name in ("link", "refund", "cancel"):
        url = reverse(f"admin:orders_order_{name}", args=[order.pk])
        assert clerk.post(url, {"reason": "x"}).status_code == 403
