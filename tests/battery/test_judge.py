"""The judge itself: nothing to say about an honest day, and the right name for each way of going wrong."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from core.clock import database_now
from orders.doubt import conclude
from orders.models import ForwardAttempt, Order
from tests.battery.judge import Judge, Said, Truth
from tests.orders.cast import Shop, balance
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from tests.roles import unguarded

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/p/1"


@pytest.fixture
def session() -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as own:
        yield own


@pytest.fixture
def judge(shop: Shop, session: "psycopg.Connection[Any]") -> Judge:
    return Judge(session, lambda: {shop.provider.pk: shop.accepted()}, Truth(said={}, liars=set()))


def names(judge: Judge, *, at_rest: bool = False) -> set[str]:
    return {b.invariant for b in (judge.at_rest() if at_rest else judge.each_step())}


def half_delivered(shop: Shop, alice: User, judge: Judge) -> Order:
    """One order of two that was half delivered and half refunded, as it should be."""
    order = shop.buys(alice, link=f"{LINK}?fate=partial:500&after=1")
    shop.buys(alice, link="https://example.com/p/2?fate=completed&after=1")
    shop.forwards()
    shop.simulator.control(advance=60)
    shop.follows()
    order.refresh_from_db()
    assert judge.truth.said is not None
    judge.truth.said[order.link] = Said((Fraction(order.charge) / 2,), Fraction(order.charge) / 2)
    return order


def test_an_honest_day_breaks_nothing(shop: Shop, alice: User, judge: Judge) -> None:
    order = half_delivered(shop, alice, judge)
    assert balance(alice) < 100
    assert order.refunded == order.charge / 2
    judge.truth.acknowledged = {order.pk: order.charge}
    judge.truth.credits = {"start:alice@example.com": Decimal(100)}
    judge.truth.answers = {order.link: 1}
    judge.truth.opening = {shop.provider.pk: Decimal(10_000)}
    judge.truth.cap = Decimal(1)
    assert judge.at_rest() == []
    assert judge.checks == 1


def _sql(statement: str) -> Callable[[Order, Shop], None]:
    def damage(order: Order, _shop: Shop) -> None:
        with unguarded(), connection.cursor() as cursor:
            cursor.execute(statement, {"order": order.pk, "hold": order.reference})

    return damage


def _bought_twice(order: Order, shop: Shop) -> None:
    _add(shop, {"service": "1", **order.fields})


def _changed_on_the_way(order: Order, shop: Shop) -> None:
    fresh = shop.buys(order.customer, link="https://example.com/p/3")
    _add(shop, {"service": "1", **fresh.fields, "quantity": "999"})


def _add(shop: Shop, fields: dict[str, Any]) -> None:
    assert shop.simulator.simulator is not None
    shop.simulator.simulator.handle({"key": shop.simulator.key, "action": "add", **fields})


DAMAGES: list[tuple[str, Callable[[Order, Shop], None]]] = [
    ("F1", _bought_twice),
    ("F6", _changed_on_the_way),
    ("I1", _sql("UPDATE billing_transfer SET memo = 'x', amount = amount + 1 WHERE reference = %(hold)s")),
    ("I1", _sql("DELETE FROM billing_transfer WHERE code = 'settle'")),
    ("I2", _sql("UPDATE billing_account SET balance = balance + 1 WHERE kind = 'wallet'")),
    ("I3", _sql("UPDATE billing_account SET balance = balance - 0.00001 WHERE kind = 'wallet'")),
    ("I4", _sql("UPDATE billing_transfer SET reference = 'order:999' WHERE code = 'settle'")),
    ("I4", _sql("UPDATE billing_transfer SET key = 'nonsense' WHERE code = 'credit'")),
    ("I6", _sql("UPDATE billing_hold SET refunded = refunded - 0.2 WHERE reference = %(hold)s")),
    ("I6", _sql("UPDATE orders_order SET refunded = 0 WHERE id = %(order)s")),
    ("F2", _sql("UPDATE orders_forwardattempt SET outcome = 'not_sent', upstream_id = NULL, send_calls = 0")),
    ("F3", _sql("UPDATE orders_forwardattempt SET outcome = 'refused', upstream_id = NULL;"
                "UPDATE orders_order SET forward_state = 'refunded', upstream_id = NULL")),
    ("F5", _sql("UPDATE orders_forwardattempt SET upstream_id = '1' WHERE order_id = %(order)s;"
                "UPDATE orders_order SET upstream_id = '1' WHERE id = %(order)s")),
    ("F7", _sql("UPDATE orders_forwardattempt SET outcome = 'in_doubt', upstream_id = NULL")),
    ("S1", _sql("UPDATE billing_hold SET refunded = refunded + 0.1, earned = earned - 0.1 WHERE reference = %(hold)s")),
    ("S4", _sql("UPDATE billing_hold SET refunded = refunded + 0.1, earned = earned - 0.1 WHERE reference = %(hold)s")),
    ("S8", _sql("UPDATE billing_hold SET refunded = refunded - 0.1 WHERE reference = %(hold)s")),
    ("S3", _sql("UPDATE orders_order SET progress = 'in_progress' WHERE id = %(order)s")),
    ("N1", _sql("DELETE FROM orders_orderevent; DELETE FROM orders_order WHERE id = %(order)s")),
    ("N2", _sql("DELETE FROM orders_providerexchange")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[f"{i}-{d[0]}" for i, d in enumerate(DAMAGES)])
def test_each_way_of_going_wrong_has_its_name(
    shop: Shop, alice: User, judge: Judge, name: str, damage: Callable[[Order, Shop], None]
) -> None:
    order = half_delivered(shop, alice, judge)
    judge.truth.acknowledged = {order.pk: order.charge}
    judge.truth.answers = {order.link: 1}
    judge.truth.cap = Decimal("0.1")
    judge.truth.said = {order.link: Said((Fraction(order.charge) / 2,), None, frozenset({"S4"}))}
    assert names(judge) == set()
    damage(order, shop)
    assert name in names(judge)


AT_REST: list[tuple[str, str]] = [
    ("F4", "DELETE FROM orders_ownid; UPDATE orders_forwardattempt SET outcome = 'refused', upstream_id = NULL"),
    ("L1", "UPDATE orders_order SET forward_state = 'queued', upstream_id = NULL"),
    ("L1", "UPDATE orders_forwardattempt SET outcome = 'sending', upstream_id = NULL"),
    ("I6", "UPDATE billing_hold SET earned = 0"),
    ("R1", "UPDATE orders_order SET provider_charge = 77"),
    ("S2", "UPDATE billing_hold SET refunded = 0; UPDATE orders_order SET refunded = 0"),
    ("N2", "UPDATE orders_forwardattempt SET outcome = 'in_doubt', upstream_id = NULL"),
]


@pytest.mark.parametrize(("name", "damage"), AT_REST, ids=[f"{i}-{d[0]}" for i, d in enumerate(AT_REST)])
def test_what_must_hold_at_rest_has_its_name(shop: Shop, alice: User, judge: Judge, name: str, damage: str) -> None:
    order = half_delivered(shop, alice, judge)
    judge.truth.opening = {shop.provider.pk: Decimal(10_000)}
    assert names(judge, at_rest=True) == set()
    _sql(damage)(order, shop)
    assert name in names(judge, at_rest=True)


def test_a_person_who_errs_is_not_the_shop(shop: Shop, alice: User, judge: Judge) -> None:
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    conclude.not_placed(ForwardAttempt.objects.get().pk, how="person", now=database_now(), actor="owner")
    shop.forwards()
    assert len(shop.accepted()) == 2
    assert Order.objects.get(pk=order.pk).upstream_id == str(shop.accepted()[1]["order"])
    assert names(judge) == set()
