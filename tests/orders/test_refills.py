"""Refills: one at a time, sent at most once, followed to the provider's last word, no money moved."""

import contextlib
import threading

import pytest
from django.db import connection

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import refills
from orders.following.answers import MISSES_TO_REVIEW
from orders.forwarding import lanes, leases, permits, refill_sends
from orders.models import EventKind, Order, Refill
from orders.refills import NotRefillable, request_refill
from orders.states import Outcome, Progress, RefillState
from tests.orders.cast import Shop, balance, until
from upstream.errors import ErrorClass
from upstream.messages import Ignored, ItemError, Missing, RefillItem, RefillStatus
from upstream.states import ProviderRefillState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def completed(shop: Shop, alice: User) -> Order:
    order = shop.buys(alice, link="https://example.com/p/1?fate=completed&after=1")
    shop.forwards()
    shop.simulator.control(advance=30)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.COMPLETED
    return order


def asked(order: Order) -> Refill:
    return request_refill(order=order, actor="alice@example.com", now=database_now())


def follow() -> None:
    Refill.objects.filter(state=RefillState.REQUESTED).update(next_poll_at=database_now())
    refills.follow_due()


def test_a_refill_is_passed_on_and_followed_to_its_end(shop: Shop, alice: User, completed: Order) -> None:
    before = balance(alice)
    refill = asked(completed)
    assert refill_sends.send_due() == 1
    refill.refresh_from_db()
    assert refill.state == RefillState.REQUESTED
    assert [r["refill"] for r in shop.simulator.record()["refills"]] == [refill.upstream_id]
    shop.simulator.control(advance=60)
    follow()
    refill.refresh_from_db()
    assert refill.state == RefillState.COMPLETED
    assert balance(alice) == before
    kinds = list(completed.events.values_list("kind", flat=True))[-3:]
    assert kinds == [EventKind.REFILL_ASKED, EventKind.REFILL_REQUESTED, EventKind.REFILL_DONE]


def test_one_at_a_time(completed: Order) -> None:
    asked(completed)
    with pytest.raises(NotRefillable):
        asked(completed)


def test_only_completed_orders_of_services_that_promise_it(shop: Shop, alice: User, completed: Order) -> None:
    with pytest.raises(NotRefillable):
        asked(shop.buys(alice))
    Provider.objects.update(can_refill=False)
    with pytest.raises(NotRefillable):
        asked(completed)


def test_a_lost_answer_is_a_doubt_and_never_asked_again(shop: Shop, completed: Order) -> None:
    shop.simulator.control(script=["close_no_answer"], actions=["refill"])
    refill = asked(completed)
    refill_sends.send_due()
    Refill.objects.update(next_at=database_now())
    refill_sends.send_due()
    refill.refresh_from_db()
    assert refill.state == RefillState.IN_DOUBT
    assert len(shop.simulator.record()["refills"]) <= 1
    with pytest.raises(NotRefillable):
        asked(completed)


def test_a_declined_refill_closes_and_may_be_asked_for_again(shop: Shop, completed: Order) -> None:
    shop.simulator.control(script=["refill_rejected"], actions=["refill"])
    refill = asked(completed)
    refill_sends.send_due()
    shop.simulator.control(advance=60)
    follow()
    refill.refresh_from_db()
    assert refill.state == RefillState.REJECTED
    asked(completed)


@pytest.mark.parametrize(
    "silence", [ItemError(ErrorClass.UNKNOWN_REFILL), Ignored("unknown_state", "Zawieszone"), Missing(), None]
)
def test_a_refill_without_any_answer_is_shown_to_the_owner(
    shop: Shop, completed: Order, silence: RefillItem | None
) -> None:
    refill = asked(completed)
    refill_sends.send_due()
    for _poll in range(MISSES_TO_REVIEW - 1):
        refills.apply_answer(refill.pk, silence, now=database_now())
    assert not Alert.objects.filter(closed_at=None)
    for _poll in range(5):
        refills.apply_answer(refill.pk, silence, now=database_now())
    [alert] = Alert.objects.filter(closed_at=None)
    assert (alert.cause, alert.times) == (f"provider:{shop.provider.pk}:refill_untold", 1)
    refill.refresh_from_db()
    assert refill.state == RefillState.REQUESTED
    refills.apply_answer(refill.pk, RefillStatus(ProviderRefillState.IN_PROGRESS, "In progress"), now=database_now())
    assert not Alert.objects.filter(closed_at=None)


def test_a_panel_without_refills_loses_the_capability(shop: Shop, completed: Order) -> None:
    shop.simulator.control(capabilities={"refill": False})
    refill = asked(completed)
    refill_sends.send_due()
    refill.refresh_from_db()
    assert refill.state == RefillState.REJECTED
    assert not Provider.objects.get().can_refill


def test_a_dead_sender_is_noticed(shop: Shop, completed: Order) -> None:
    asked(completed)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = refill_sends.claim_next(lane, now=database_now())
        assert attempt is not None
        permits.permit(permits.REFILL, lane, attempt.token)()
    until(lambda: leases.expire(now=database_now()))
    attempt.refresh_from_db()
    assert attempt.outcome == Outcome.IN_DOUBT
    assert Refill.objects.get().state == RefillState.IN_DOUBT


@pytest.mark.parametrize(
    ("script", "state"),
    [
        (["honest"], RefillState.REQUESTED),
        (["error_known"], RefillState.REJECTED),
        (["close_no_answer"], RefillState.IN_DOUBT),
    ],
)
def test_what_a_dead_sender_had_stored_is_recorded_for_it(
    shop: Shop, completed: Order, script: list[str], state: RefillState, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script != ["honest"]:
        shop.simulator.control(script=script, actions=["refill"])
    asked(completed)

    class Killed(BaseException):
        pass

    def die(*_args: object, **_kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as worker:
        worker.setattr(refill_sends, "record", die)
        with pytest.raises(Killed):
            refill_sends.send_due()
    assert Refill.objects.get().state == RefillState.SENDING
    until(lambda: leases.expire(now=database_now()))
    assert Refill.objects.get().state == state
    assert len(shop.simulator.record()["refills"]) <= 1
    refill_sends.send_due()
    assert Refill.objects.get().state == state


def test_sixteen_requests_and_senders_make_one_refill(shop: Shop, completed: Order) -> None:
    def run() -> None:
        try:
            with contextlib.suppress(NotRefillable):
                asked(completed)
            refill_sends.send_due()
        finally:
            connection.close()

    crowd = [threading.Thread(target=run) for _ in range(16)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    refill_sends.send_due()
    assert Refill.objects.count() == 1
    assert len(shop.simulator.record()["refills"]) == 1
