"""A provider that answers with an order number of somebody else: what can be seen is seen, and no money moves by it."""

from typing import Any

import pytest

from accounts.models import User
from billing.models import Hold
from notices.models import Alert
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome
from tests.battery import counts
from tests.orders.cast import Shop
from tests.orders.conftest import alice, quick_timetable, shop, simulator

__all__ = ["alice", "quick_timetable", "shop", "simulator"]

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 20


@pytest.fixture(autouse=True)
def open_gate(settings: Any) -> None:
    settings.BREAKER_DOUBTS = settings.BREAKER_STREAK = 100_000
    settings.REFUSAL_STREAK = 0


def lied_to(shop: Shop, who: User, fault: str) -> list[Order]:
    orders = [shop.buys(who, 100, f"https://example.com/{fault}/{n}?fault={fault}*1") for n in range(TIMES)]
    assert shop.forwards() == TIMES
    assert shop.simulator.record()["faults"][fault] == TIMES
    counts.add({fault: TIMES}, steps=TIMES, checks=TIMES)
    return [Order.objects.get(pk=order.pk) for order in orders]


def test_a_number_that_is_ours_already_is_a_doubt_and_an_alarm(shop: Shop, alice: User) -> None:
    honest = shop.buys(alice, 100, "https://example.com/honest")
    shop.forwards()
    for order in lied_to(shop, alice, "id_ours"):
        assert order.forward_state == Forward.IN_DOUBT
        assert ForwardAttempt.objects.get(order=order).unconfirmed_id == Order.objects.get(pk=honest.pk).upstream_id
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:known_id", closed_at=None).exists()
    assert ForwardAttempt.objects.filter(outcome=Outcome.PLACED).count() == 1
    assert not Hold.objects.filter(refunded__gt=0).exists()


def test_a_number_of_somebody_else_is_believed_and_then_looked_at(shop: Shop, alice: User) -> None:
    orders = lied_to(shop, alice, "id_foreign")
    assert {order.forward_state for order in orders} == {Forward.PLACED}
    for _ in range(12):
        shop.follows()
    for order in Order.objects.all():
        assert order.needs_review
        assert (order.refunded, order.progress) == (0, "")
    assert not Hold.objects.filter(refunded__gt=0).exists()
