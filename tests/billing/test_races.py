import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing import ledger
from billing.audit import EQUATIONS, check
from billing.ledger import NotEnoughMoney
from billing.models import Account, Hold, Transfer
from tests.billing import cast
from tests.billing.cast import ONE, balance, customer, money

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 32


def all_at_once[T](deed: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """What each of the threads got; they start behind one barrier, each on a connection of its own."""
    barrier = threading.Barrier(threads)

    def run(n: int) -> T:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return deed(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_32_threads_spend_a_wallet_to_exactly_nothing() -> None:
    alice = customer(has="100")
    ledger.own_account_id(ledger.AccountKind.HELD)

    def spend(n: int) -> int:
        bought = 0
        for again in range(8):
            try:
                with transaction.atomic():
                    cast.hold(alice, f"order:{n * 100 + again}", ONE)
                bought += 1
            except NotEnoughMoney:
                pass
        return bought

    assert sum(all_at_once(spend)) == 100
    assert balance(alice) == 0
    assert Hold.objects.count() == 100
    assert [f.name for f in check(EQUATIONS) if not f.holds] == []


def test_32_threads_with_one_reference_credit_once() -> None:
    alice = customer(has="0")

    def credit(_n: int) -> bool:
        return ledger.credit(customer=alice, amount=money("5"), reason="Sorry", reference="ticket:7", actor="owner")

    assert sum(all_at_once(credit)) == 1
    assert balance(alice) == money("5")


def test_32_threads_settling_one_order_pay_back_once() -> None:
    alice = customer(has="100")
    cast.hold(alice, "order:1", money("30"))
    ledger.own_account_id(ledger.AccountKind.REVENUE)

    def settle(_n: int) -> int:
        with transaction.atomic():
            # Settlement runs under the lock of its order; the wallet's row stands in for it here.
            Account.objects.select_for_update().get(customer=alice)
            return ledger.post(ledger.settlement_postings(Hold.objects.get(), Decimal("12.5"), close=True))

    assert sum(all_at_once(settle)) == 2
    assert balance(alice) == money("82.5")
    assert Transfer.objects.filter(reference="order:1").count() == 3
