"""Small stories of things going wrong, each told before the judge, who names the invariant that would be broken.

They are also what seeded bugs must be caught by: see `tests/battery/canaries`.
"""

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from fractions import Fraction
from inspect import signature
from math import ceil
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders import doorbell, freezing, sweep
from orders.forwarding import dispatch, leases, permits
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome
from storefront.environment import Environment
from storefront.rounds import work_round
from tests.battery.judge import Judge, Said, Truth, must_hold
from tests.billing.cast import attempt
from tests.orders.cast import Shop, until
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from tests.orders.doubts import LOST_BUT_PLACED, LOST_NOT_PLACED, SETTLE, ages, buys_and_sends, resolves
from tests.orders.restored import dump  # noqa: F401 - a fixture
from upstream import connection as wire

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/p/1"


class Killed(BaseException):
    """A process that ends here and now: nothing that handles errors gets to see it."""


@pytest.fixture
def judged(shop: Shop) -> Callable[..., None]:
    """Asks the judge, who looks with a session of his own. Keywords are what is known from outside (`Truth`)."""

    def ask(*, at_rest: bool = False, **known: Any) -> None:
        with closing(psycopg.connect(**connection.get_connection_params(), autocommit=True)) as session:
            judge = Judge(session, lambda: {shop.provider.pk: shop.accepted()}, Truth(**known))
            must_hold(judge.at_rest() if at_rest else judge.each_step())

    return ask


def tries_again(shop: Shop) -> None:
    """Whatever is queued is due, and every lease is over."""
    leases.expire(now=database_now() + timedelta(hours=1))
    Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())
    shop.forwards()


# Sending.


@pytest.mark.parametrize("fault", ["timeout_after_accept", "close_no_answer"])
def test_a_lost_answer_is_no_leave_to_send_again(
    shop: Shop, alice: User, judged: Callable[..., None], fault: str
) -> None:
    shop.simulator.control(script=[fault], actions=["add"])
    shop.buys(alice, link=LINK)
    shop.forwards()
    tries_again(shop)
    judged()


def test_a_sender_killed_after_the_provider_has_read_leaves_a_doubt(
    shop: Shop, alice: User, judged: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: Any, **_more: Any) -> None:
        raise Killed

    shop.buys(alice, link=LINK)
    with monkeypatch.context() as patch:
        patch.setattr(permits, "store_exchange", die)
        with pytest.raises(Killed):
            shop.forwards()
    for _message in range(2):
        tries_again(shop)
        judged()


def test_a_sender_killed_while_it_connects_leaves_no_doubt(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handshake that drips for ever, say: without a byte of the request sent there is nothing to doubt."""
    honest = wire._connect

    def die_with_the_order_in_hand(*args: Any) -> Any:
        if ForwardAttempt.objects.exists():
            raise Killed
        return honest(*args)

    order = shop.buys(alice, link=LINK)
    with monkeypatch.context() as patch:
        patch.setattr(wire, "_connect", die_with_the_order_in_hand)
        with pytest.raises(Killed):
            shop.forwards()
    assert ForwardAttempt.objects.count() == 1
    leases.expire(now=database_now() + timedelta(hours=1))
    doubts = ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT).count()
    assert doubts == 0, "a false doubt: nothing had been sent"
    tries_again(shop)
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED


def test_an_answer_that_comes_after_the_sweep_gave_up_is_heeded(
    shop: Shop, alice: User, judged: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = permits.store_exchange

    def too_late(*args: Any, **more: Any) -> None:
        leases.give_up_forward(ForwardAttempt.objects.get(), database_now())
        honest(*args, **more)

    order = shop.buys(alice, link=f"{LINK}?fate=stuck")
    with monkeypatch.context() as patch:
        patch.setattr(permits, "store_exchange", too_late)
        shop.forwards()
    judged(answers={order.link: 1})
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED


def test_a_doorbell_rings_when_its_order_can_be_found_and_the_sweep_rings_for_the_rest(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker looks the moment it hears the bell. What it is too early for is found by the sweep."""

    rung: list[str] = []

    def worker_looks(task: str) -> None:
        looking = threading.Thread(target=_forward_apart)
        looking.start()
        looking.join()
        rung.append(task)

    monkeypatch.setattr(doorbell, "ring", worker_looks)
    monkeypatch.setattr(sweep, "ring", worker_looks)
    with transaction.atomic():
        shop.buys(alice, link=LINK)
    until(lambda: rung)
    Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())
    sweep.ring_for_due(now=database_now())
    waiting = Order.objects.filter(forward_state=Forward.QUEUED).count()
    assert waiting == 0, "L2: an order waits, and nobody will ring for it"


def test_the_database_itself_refuses_a_second_live_attempt(
    shop: Shop, alice: User, judged: Callable[..., None]
) -> None:
    order = shop.buys(alice, link=LINK)
    with suppress(IntegrityError), transaction.atomic():
        attempt(order, 1)
        attempt(order, 2)
    judged()


def test_no_message_of_the_broker_can_send_an_order() -> None:
    """A task without arguments, acknowledged before it runs and never repeated, can only ask what is due."""
    current_app.loader.import_default_modules()
    ours = {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}
    assert len(ours) >= 5
    for name, task in ours.items():
        repeats = task.acks_late or getattr(task, "autoretry_for", ()) or list(signature(task.run).parameters)
        assert not repeats, f"F1: the broker may repeat {name}"
    assert not current_app.conf.task_acks_late, "F1: the broker may repeat a message"


def _forward_apart() -> None:
    try:
        dispatch.forward_due(seconds=10)
    finally:
        connection.close()


# Money.

ANSWERS = {
    "partial:157": (Fraction(157, 1000), "S1"),
    "remains_negative": (Fraction(0), "S4"),
    "completed_then_progress": (Fraction(0), "S3"),
    "transient_incorrect_id": (Fraction(0), "S5"),
}


@pytest.mark.parametrize("fate", ANSWERS)
def test_answers_however_often_and_odd_give_back_what_is_due_and_no_more(
    shop: Shop, alice: User, judged: Callable[..., None], fate: str
) -> None:
    share, rule = ANSWERS[fate]
    order = shop.buys(alice, link=f"{LINK}?fate={fate}&after=4")
    shop.forwards()
    said = {order.link: Said((Fraction(order.charge) * share,), oddities=frozenset({rule}))}
    for _poll in range(8):
        shop.simulator.control(advance=2)
        shop.follows()
        judged(said=said)


def test_charges_and_refunds_are_exact_in_every_place(shop: Shop, alice: User, judged: Callable[..., None]) -> None:
    """Charges round up to the quantum and refunds down; both are compared with fractions that are never rounded."""
    Service.objects.update(price="1.17003")
    said = {}
    for quantity, remains in ((777, 333), (1000, 157), (999, 998), (37, 11), (61, 60), (7, 3)):
        order = shop.buys(alice, quantity=quantity, link=f"https://example.com/p/{quantity}?fate=partial:{remains}")
        exact = Fraction("1.17003") * quantity / 1000
        assert Fraction(order.charge) == Fraction(ceil(exact * 100_000), 100_000), "I5: a charge is exact, rounded up"
        due = Fraction(order.charge) * remains / quantity
        said[order.link] = Said((due,), last=due)
    while shop.forwards():
        pass
    shop.simulator.control(advance=60)
    shop.follows()
    judged(said=said, at_rest=True)


# Doubts.


def test_of_two_doubts_of_one_price_none_is_guessed_at(shop: Shop, alice: User, judged: Callable[..., None]) -> None:
    buys_and_sends(shop, alice, quantity=500)
    buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    judged()


def test_an_order_that_takes_effect_late_is_not_sent_again(
    shop: Shop, alice: User, judged: Callable[..., None]
) -> None:
    buys_and_sends(shop, alice, quantity=500)
    buys_and_sends(shop, alice, quantity=700, fault="late_place:500")
    ages(shop, 61)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 5)
    tries_again(shop)
    ages(shop, 500)
    judged()


def test_a_charge_that_is_named_late_settles_a_doubt(shop: Shop, alice: User, judged: Callable[..., None]) -> None:
    shop.simulator.control(late_charges={"share": 1, "shown": "null", "after": 300})
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ages(shop, 61)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 1)
    ages(shop, 300)
    resolves(shop, 1)
    judged()
    lost.refresh_from_db()
    assert lost.forward_state == Forward.PLACED, "L1: a doubt waits for a charge that nobody asks for"


# What was put back.


def test_a_shop_put_back_from_a_dump_sends_nothing_of_yesterdays_queue(
    shop: Shop,
    alice: User,
    judged: Callable[..., None],
    dump: Any,  # noqa: F811 - the fixture imported above
) -> None:
    freezing.check(now=database_now())
    shop.buys(alice, link=LINK)
    with dump():
        shop.forwards()
    work_round(seconds=5)
    judged()


def test_an_empty_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in ("", "   "):
        monkeypatch.setenv("SECRET_KEY", empty)
        environment = Environment()
        environment.required("SECRET_KEY")
        assert environment.complaints, "I4: an empty secret was accepted"
