"""Part C, at the counter: many at once against one wallet, one payment, one queue; the judge looks afterwards.

The races of the ledger alone are in `tests/billing`, those of sending and placing in `tests/orders`.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from billing import ledger
from billing.ledger import NotEnoughMoney
from catalog.models import Service
from orders.forwarding import dispatch
from orders.models import Order
from tests.battery import counts
from tests.battery.judge import Judge, Truth, must_hold
from tests.orders.cast import Shop, balance, customer
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = counts.sized(1, 20, 200)
THREADS = 16


def all_at_once(threads: int, operation: Callable[[int], object]) -> list[BaseException]:
    """Start behind one barrier, each with a connection of its own; what was raised."""
    barrier, wrong = threading.Barrier(threads), list[BaseException]()

    def run(number: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            operation(number)
        except BaseException as problem:  # noqa: BLE001 - for the caller to judge
            wrong.append(problem)
        finally:
            connection.close()

    crowd = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return wrong


def judge(shop: Shop, truth: Truth) -> None:
    with closing(psycopg.connect(**connection.get_connection_params(), autocommit=True)) as session:
        must_hold(Judge(session, lambda: {shop.provider.pk: shop.accepted()}, truth).each_step())


def test_one_wallet_is_spent_to_nothing_and_not_beyond(shop: Shop) -> None:
    """Each spends 1 until told that there is no more, so the last ones meet over the last coin."""
    Service.objects.update(price=Decimal(1000))
    for number in range(ROUNDS):
        bob = customer(f"bob{number}@example.com", money="20")

        def spend(_n: int, bob: User = bob) -> None:
            while True:
                shop.buys(bob, quantity=1)

        wrong = all_at_once(THREADS, spend)
        judge(shop, Truth())
        assert {type(problem) for problem in wrong} == {NotEnoughMoney}, wrong
        assert balance(bob) == 0
        assert Order.objects.filter(customer=bob).count() == 20


def test_one_payment_heard_of_fifty_times_is_credited_once(shop: Shop) -> None:
    for number in range(ROUNDS):
        carol = customer(f"carol{number}@example.com", money="0")

        def credit(_n: int, carol: User = carol, reference: str = f"event:{number}") -> None:
            ledger.credit(customer=carol, amount=Decimal(5), reason="paid", reference=reference, actor="gateway")

        wrong = all_at_once(50, credit)
        judge(shop, Truth(credits={f"event:{earlier}": Decimal(5) for earlier in range(number + 1)}))
        assert wrong == []
        assert balance(carol) == 5


def test_one_order_goes_to_sixteen_dispatchers_and_leaves_once(shop: Shop, settings: object) -> None:
    settings.FORWARD_LANES = THREADS  # type: ignore[attr-defined]
    rich = customer("rich@example.com", money="5000")
    for number in range(ROUNDS):
        shop.buys(rich, link=f"https://example.com/p/{number}")
        wrong = all_at_once(THREADS, lambda _n: dispatch.forward_due(seconds=10))
        judge(shop, Truth())
        assert wrong == []
        assert len(shop.accepted()) == number + 1
