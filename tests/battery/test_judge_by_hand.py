"""The judge knows what a person decided: it is paid exactly, no less and no more."""

from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import User
from core.clock import database_now
from orders import settling_by_hand
from orders.models import Order
from tests.actors import OWNER
from tests.battery.crowd import *  # noqa: F403 - its fixtures
from tests.battery.judge import Judge
from tests.battery.test_races_of_settling import unclear
from tests.orders.cast import Shop
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from tests.roles import unguarded

pytestmark = pytest.mark.django_db(transaction=True)

DAMAGES = [
    ("S1", "UPDATE billing_hold SET refunded = refunded + 0.1, earned = earned - 0.1 WHERE reference = %(hold)s"),
    ("S2", "UPDATE billing_hold SET refunded = refunded - 0.1, earned = earned + 0.1 WHERE reference = %(hold)s"),
    ("S2", "UPDATE orders_order SET missing_by_hand = 500 WHERE id = %(order)s"),
    ("S8", "UPDATE billing_hold SET refunded = refunded - 0.00001 WHERE reference = %(hold)s"),
]


@pytest.fixture
def settled(shop: Shop, alice: User) -> Order:
    """A thousand, of which the owner said that 400 did not arrive."""
    order = unclear(shop, alice, 0)
    settling_by_hand.settle_by_hand(
        order_id=order.pk, missing=400, seen=settling_by_hand.choice_of(order).seen, actor=OWNER,
        reason="their panel", now=database_now(),
    )  # fmt: skip
    order.refresh_from_db()
    assert order.refunded == Decimal("0.468")
    return order


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[f"{i}-{d[0]}" for i, d in enumerate(DAMAGES)])
def test_each_way_of_paying_otherwise_has_its_name(settled: Order, judge: Judge, name: str, damage: str) -> None:
    judge.truth.said = {}
    assert judge.at_rest() == []
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(damage, {"order": settled.pk, "hold": settled.reference})
    assert name in {broken.invariant for broken in judge.each_step()}
