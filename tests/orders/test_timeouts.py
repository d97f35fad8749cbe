"""What waits too long: orders nobody takes, doubts nobody resolves, failed orders, refills nobody answers."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing import audit as books
from billing.models import Hold
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import audit, refills, timeouts
from orders.forwarding import dispatch, lanes, outcomes, refill_sends
from orders.models import EventKind, ForwardAttempt, Order, Refill
from orders.refills import NotRefillable, request_refill
from orders.states import Forward, Outcome, Progress, RefillState
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop, balance
from upstream.messages import AcceptedOrder
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def in_doubt(shop: Shop, alice: User) -> Order:
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.IN_DOUBT
    return order


def adds_up() -> bool:
    return all(finding.holds for finding in books.check(audit.EQUATIONS))


def test_an_order_nobody_took_is_refunded_when_the_owners_patience_ends(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    Provider.objects.update(parked_at=database_now(), parked_reason="not_enough_funds")
    assert timeouts.give_up(now=order.created_at + DAY - HOUR) == 0
    assert timeouts.give_up(now=order.created_at + DAY + HOUR) == 1
    assert timeouts.give_up(now=order.created_at + DAY + HOUR) == 0
    order.refresh_from_db()
    assert (order.forward_state, order.last_refusal) == (Forward.REFUNDED, "waited")
    assert balance(alice) == 100
    Provider.objects.update(parked_at=None)
    shop.forwards()
    assert shop.accepted() == []
    assert adds_up()


def test_a_provider_may_have_a_patience_of_its_own(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    Provider.objects.update(patience_seconds=3600)
    assert timeouts.give_up(now=order.created_at + timedelta(minutes=59)) == 0
    assert timeouts.give_up(now=order.created_at + timedelta(minutes=61)) == 1


@pytest.mark.parametrize("state", [Forward.IN_DOUBT, Forward.REVIEW])
def test_patience_never_touches_what_may_have_been_sent(shop: Shop, alice: User, state: str, settings: Any) -> None:
    settings.DOUBT_REFUND_SECONDS = 0
    order = in_doubt(shop, alice)
    Order.objects.filter(pk=order.pk).update(forward_state=state)
    assert timeouts.give_up(now=order.created_at + 365 * DAY) == 0
    assert Hold.objects.get().refunded == 0


def test_patience_never_touches_what_is_being_sent(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        assert dispatch.claim_next(lane, now=database_now()) is not None
        assert timeouts.give_up(now=order.created_at + 30 * DAY) == 0
    assert Hold.objects.get().refunded == 0


def test_an_old_doubt_is_refunded_and_can_never_be_sent_again(shop: Shop, alice: User) -> None:
    order = in_doubt(shop, alice)
    sent_at = order.sent_at
    assert sent_at is not None
    assert timeouts.give_up(now=sent_at + DAY - HOUR) == 0
    assert timeouts.give_up(now=sent_at + DAY + HOUR) == 1
    order.refresh_from_db()
    assert (order.forward_state, order.last_refusal) == (Forward.REFUNDED, "never_confirmed")
    assert balance(alice) == 100
    assert order.attempts.get().outcome == Outcome.IN_DOUBT
    shop.forwards()
    assert len(shop.accepted()) == 1
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:doubt_refunded").exists()
    assert adds_up()


def test_an_order_found_after_its_refund_is_a_loss_of_the_shop(shop: Shop, alice: User) -> None:
    order = in_doubt(shop, alice)
    timeouts.give_up(now=database_now() + 2 * DAY)
    [accepted] = shop.accepted()
    outcomes.record(order.attempts.get(), AcceptedOrder(str(accepted["order"])), now=database_now())
    order.refresh_from_db()
    assert order.forward_state == Forward.REFUNDED
    assert order.attempts.get().outcome == Outcome.PLACED
    assert balance(alice) == 100
    assert Alert.objects.get(cause=f"order:{order.pk}:loss").times == 1
    assert adds_up()


def test_sixteen_sweeps_refund_once(shop: Shop, alice: User) -> None:
    orders = [shop.buys(alice) for _n in range(3)]
    later = database_now() + 2 * DAY

    def sweep() -> None:
        try:
            timeouts.give_up(now=later)
        finally:
            connection.close()

    crowd = [threading.Thread(target=sweep) for _n in range(16)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    timeouts.give_up(now=later)
    assert balance(alice) == 100
    for order in orders:
        assert order.events.filter(kind=EventKind.REFUND).count() == 1


def failed(
    shop: Shop, order: Order, at: datetime, state: ProviderOrderState = ProviderOrderState.FAILED, **facts: Any
) -> Order:
    return answered(shop, order, status(state, **facts), at=at)


def test_a_failed_order_is_refunded_after_a_day_unchanged(shop: Shop, alice: User) -> None:
    order, now = bought(shop, alice), database_now()
    assert failed(shop, order, now, remains=1000).progress == Progress.FAILED
    assert failed(shop, order, now + 23 * HOUR, remains=1000).refunded == 0
    order = failed(shop, order, now + 25 * HOUR, remains=1000)
    assert (order.progress, order.refunded) == (Progress.CANCELED, order.charge)
    assert balance(alice) == 100
    failed(shop, order, now + 26 * HOUR, ProviderOrderState.COMPLETED)
    assert balance(alice) == 100
    assert Alert.objects.filter(cause=f"order:{order.pk}:loss").exists()


def test_a_failed_order_that_was_sent_again_begins_its_day_anew(shop: Shop, alice: User) -> None:
    order, now = bought(shop, alice), database_now()
    failed(shop, order, now, remains=1000)
    failed(shop, order, now + 20 * HOUR, ProviderOrderState.IN_PROGRESS, remains=900)
    failed(shop, order, now + 21 * HOUR, remains=900)
    assert failed(shop, order, now + 40 * HOUR, remains=900).refunded == 0
    assert failed(shop, order, now + 46 * HOUR, remains=900).refunded == order.charge


@pytest.fixture
def doubted(shop: Shop, alice: User) -> Refill:
    order = shop.buys(alice, link="https://example.com/p/1?fate=completed&after=1")
    shop.forwards()
    shop.simulator.control(advance=30)
    shop.follows()
    refill = request_refill(order=order, actor="alice@example.com", now=database_now())
    shop.simulator.control(script=["close_no_answer"], actions=["refill"])
    refill_sends.send_due()
    refill.refresh_from_db()
    assert refill.state == RefillState.IN_DOUBT
    return refill


def test_a_refill_nobody_answered_is_closed_after_a_day_and_may_be_asked_for_again(doubted: Refill) -> None:
    now = database_now()
    assert timeouts.give_up(now=now + 23 * HOUR) == 0
    with pytest.raises(NotRefillable):
        request_refill(order=doubted.order, actor="alice@example.com", now=now)
    assert timeouts.give_up(now=now + 25 * HOUR) == 1
    doubted.refresh_from_db()
    assert doubted.state == RefillState.UNANSWERED
    assert doubted.attempts.get().outcome == Outcome.IN_DOUBT
    again = request_refill(order=doubted.order, actor="alice@example.com", now=now)
    assert again.pk != doubted.pk


def test_a_closed_refill_is_never_sent_by_itself(shop: Shop, doubted: Refill) -> None:
    timeouts.give_up(now=database_now() + 2 * DAY)
    before = shop.simulator.record()["requests"]["actions"]["refill"]
    refill_sends.send_due()
    assert shop.simulator.record()["requests"]["actions"]["refill"] == before


def test_a_refill_id_in_a_spoiled_answer_closes_the_doubt(shop: Shop, doubted: Refill) -> None:
    [made] = shop.simulator.record()["refills"]
    doubted.attempts.update(unconfirmed_id=made["refill"])
    Refill.objects.update(next_poll_at=database_now())
    shop.simulator.control(advance=60)
    refills.follow_due()
    doubted.refresh_from_db()
    assert (doubted.state, doubted.upstream_id) == (RefillState.COMPLETED, made["refill"])
    attempt = doubted.attempts.get()
    assert (attempt.outcome, attempt.upstream_id) == (Outcome.PLACED, made["refill"])


def test_a_refill_id_that_nobody_knows_closes_nothing(shop: Shop, doubted: Refill) -> None:
    doubted.attempts.update(unconfirmed_id="987654321")
    Refill.objects.update(next_poll_at=database_now())
    refills.follow_due()
    doubted.refresh_from_db()
    assert (doubted.state, doubted.upstream_id) == (RefillState.IN_DOUBT, None)


def test_attempts_of_refunded_doubts_stay_live_for_the_database(shop: Shop, alice: User) -> None:
    order = in_doubt(shop, alice)
    timeouts.give_up(now=database_now() + 2 * DAY)
    assert ForwardAttempt.objects.filter(order=order, outcome=Outcome.IN_DOUBT).exists()
