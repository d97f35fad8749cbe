"""Real threads behind one barrier, on a real database: whatever order they come in, the outcome is the one allowed.

`BATTERY=gate` runs 20 rounds of each, `BATTERY=long` 500. Races of gateways and bonus codes wait for those to exist.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from accounts.models import User
from billing import ledger
from billing.ledger import NotEnoughMoney
from billing.models import Hold, Transfer
from core.clock import database_now
from core.refusals import Refusal
from orders import cancellations, decisions, dispatch, leases, progress, refills, sweep
from orders.doubt import late
from orders.models import Cancellation, ForwardAttempt, Order, Refill
from orders.placement import place_order
from orders.states import Forward, Outcome
from tests.battery.judge import Judge, Said, Truth, must_hold
from tests.orders.cast import Shop, balance, customer
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from tests.orders.doubts import unguarded

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = {"gate": 20, "long": 500}.get(os.environ.get("BATTERY", ""), 1)
Deed = Callable[[], object]


def all_at_once(deeds: Sequence[Deed]) -> list[Any]:
    """What each of them returned, or the refusal or the mishap of the database it met instead."""
    barrier = threading.Barrier(len(deeds))

    def run(deed: Deed) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return deed()
        except (Refusal, NotEnoughMoney, psycopg.Error) as problem:
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


@pytest.fixture(autouse=True)
def roomy_leases(quick_timetable: None, settings: Any) -> None:
    """Nothing hangs here, and a busy machine must not make a lease end."""
    settings.FORWARD_DEADLINE_SECONDS = 20
    settings.FORWARD_LEASE_SECONDS = 60


@pytest.fixture
def judge(shop: Shop) -> Iterator[Judge]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        yield Judge(session, lambda: {shop.provider.pk: shop.accepted()}, Truth())


@pytest.fixture
def rich(db: None) -> User:
    return customer("rich@example.com", money="100000")


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_32_threads_spend_a_wallet_of_100_to_nothing(_round: int, shop: Shop) -> None:
    spender = customer(f"spender{_round}@example.com", money="100")
    wallet = ledger.wallet_of(spender)
    ledger.own_account_id(ledger.AccountKind.HELD)

    def spend(thread: int) -> int:
        bought = 0
        for again in range(16):
            with suppress(NotEnoughMoney), transaction.atomic():
                ledger.hold(wallet=wallet, reference=f"order:{thread * 100 + again}", amount=Decimal(1))
                bought += 1
        return bought

    assert sum(all_at_once([lambda n=n: spend(n) for n in range(32)])) == 100, "I2 is broken"
    assert balance(spender) == 0, "I2 is broken"
    assert Hold.objects.count() == 100, "I2 is broken"


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_one_payment_entered_50_times_is_one_credit(_round: int, alice: User) -> None:
    def enter() -> bool:
        return ledger.credit(customer=alice, amount=Decimal(7), reason="paid", reference="payment:7", actor="owner")

    entered = all_at_once([enter] * 50)
    assert entered.count(True) == 1, "I4 is broken"
    assert balance(alice) == 107, "I4 is broken"


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_one_form_sent_32_times_is_one_order(_round: int, shop: Shop, alice: User, judge: Judge) -> None:
    fields = {"link": "https://example.com/p/1", "quantity": "100"}

    def place() -> int:
        return place_order(
            customer=alice, service_id=shop.service.pk, fields=fields, nonce="once", now=database_now()
        ).order.pk

    assert len(set(all_at_once([place] * 32))) == 1
    assert Order.objects.count() == Transfer.objects.filter(code="hold").count() == 1
    must_hold(judge.each_step())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_one_order_and_16_dispatchers_are_one_send(
    _round: int, shop: Shop, alice: User, judge: Judge, settings: Any
) -> None:
    settings.FORWARD_LANES = 16
    shop.buys(alice)
    all_at_once([lambda: dispatch.forward_due(seconds=5)] * 16)
    must_hold(judge.each_step())
    assert len(shop.accepted()) == 1


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_sweep_beside_dispatchers_takes_nothing_from_them(
    _round: int, shop: Shop, alice: User, judge: Judge, settings: Any
) -> None:
    settings.FORWARD_LANES = 4
    for number in range(4):
        shop.buys(alice, link=f"https://example.com/p/{number}")
    sweeps: list[Deed] = [lambda: sweep.do_due(now=database_now(), seconds=5)] * 4
    expiries: list[Deed] = [lambda: leases.expire(now=database_now())] * 8
    all_at_once([*sweeps, *expiries, *[lambda: dispatch.forward_due(seconds=5)] * 4])
    must_hold(judge.each_step())
    assert len(shop.accepted()) == 4


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_late_answer_and_the_resolver_lose_no_verdict(_round: int, shop: Shop, alice: User, judge: Judge) -> None:
    """The sweep gave the attempt up while its answer was on the way: sender and resolver both have it now."""
    order = shop.buys(alice)
    shop.simulator.hold_next_add()
    sender = threading.Thread(target=lambda: all_at_once([lambda: dispatch.forward_due(seconds=5)]))
    sender.start()
    shop.simulator.wait_for_held()
    with unguarded():
        ForwardAttempt.objects.update(lane_pid=1)  # Its session cannot be found, so it counts as gone.
    assert leases.expire(now=database_now()) == 1
    shop.simulator.release()
    readers: list[Deed] = [lambda: late.read_late_answers(shop.provider, now=database_now())] * 8
    all_at_once(readers)
    sender.join()
    late.read_late_answers(shop.provider, now=database_now())
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED, "N2 is broken: the answer was lost"
    must_hold(judge.each_step())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_polls_and_cancellations_of_one_order_pay_back_once(_round: int, shop: Shop, alice: User, judge: Judge) -> None:
    order = shop.buys(alice, link="https://example.com/p/1?fate=partial:400&after=1")
    shop.forwards()
    shop.simulator.control(advance=60)

    def poll() -> int:
        Order.objects.filter(pk=order.pk).update(next_poll_at=database_now())
        return progress.follow_due(seconds=5)

    def cancel() -> object:
        return cancellations.request_cancel(order=order, actor="customer", now=database_now())

    asks: list[Deed] = [lambda: cancellations.ask_due(seconds=5)] * 4
    all_at_once([*[poll] * 8, *[cancel] * 4, *asks])
    poll()
    judge.truth.said = {order.link: Said((Fraction(order.charge) * 400 / 1000,), Fraction(order.charge) * 400 / 1000)}
    must_hold(judge.each_step())
    kinds = sorted(Transfer.objects.filter(reference=order.reference).values_list("code", flat=True))
    assert kinds == ["hold", "release", "settle"], "S1 is broken: more than one settlement of one target"


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_one_refill_and_one_cancel_asked_16_times_are_one_each(
    _round: int, shop: Shop, rich: User, judge: Judge
) -> None:
    done = shop.buys(rich, link="https://example.com/p/1?fate=completed&after=1")
    running = shop.buys(rich, link="https://example.com/p/2?fate=stuck")
    shop.forwards()
    shop.simulator.control(advance=30)
    shop.follows()

    def refill() -> Refill:
        return refills.request_refill(order=done, actor="customer", now=database_now())

    def cancel() -> object:
        return cancellations.request_cancel(order=running, actor="customer", now=database_now())

    sends: list[Deed] = [lambda: refills.send_due(seconds=5)] * 4
    all_at_once([*[refill] * 16, *[cancel] * 16, *sends])
    refills.send_due(seconds=5)
    assert Refill.objects.count() == len(shop.simulator.record()["refills"]) == 1, "F1 is broken"
    assert Cancellation.objects.count() == 1
    must_hold(judge.each_step())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_owners_decide_one_doubt_once(_round: int, shop: Shop, alice: User, judge: Judge, settings: Any) -> None:
    settings.DOUBT_SETTLE_SECONDS = 0
    shop.simulator.control(script=["close_no_answer_np"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    assert ForwardAttempt.objects.get().outcome == Outcome.IN_DOUBT

    def decide(refund: bool) -> bool:
        return decisions.decide_not_placed(
            order_id=order.pk, refund=refund, actor=f"owner {refund}", reason="not there", now=database_now()
        )

    said = all_at_once([lambda: decide(refund=True), lambda: decide(refund=False)] * 4)
    assert said.count(True) == 1
    order.refresh_from_db()
    back = Transfer.objects.filter(reference=order.reference, code="release").count()
    assert back == (order.forward_state == Forward.REFUNDED)
    must_hold(judge.each_step())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_cancel_of_what_is_being_claimed_is_sent_or_refunded_never_both(
    _round: int, shop: Shop, alice: User, judge: Judge
) -> None:
    order = shop.buys(alice)
    cancel: Deed = lambda: cancellations.request_cancel(order=order, actor="customer", now=database_now())  # noqa: E731
    all_at_once([*[cancel] * 4, *[lambda: dispatch.forward_due(seconds=5)] * 4])
    order.refresh_from_db()
    assert (order.forward_state == Forward.REFUNDED) == (shop.accepted() == []), "F3 is broken"
    must_hold(judge.each_step())
