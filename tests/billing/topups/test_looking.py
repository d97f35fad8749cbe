"""Asking gateways: without an answer again and again, never for ever, and nothing is paid twice by that."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Declined, NoAnswer
from billing.gateways.demo import GATEWAY
from billing.models import GatewayEvent, PaymentMethod, TopUp, TopUpState
from billing.topups import looking, refunding, timetable
from billing.topups.deciding import decide
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.topups.cast import DRIVERS, looked, method, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


def no_answer(*_given: Any) -> Any:
    raise NoAnswer("the line broke")


def test_a_start_without_an_answer_is_asked_again_with_the_same_reference(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = GATEWAY.start, []

    def start(what: Any, config: Any) -> Any:
        asked.append(what.reference)
        return no_answer() if len(asked) == 1 else real(what, config)

    monkeypatch.setattr(GATEWAY, "start", start)
    topup = started(alice, method(), "10")
    assert topup.state == TopUpState.CREATED
    assert looked(topup).state == TopUpState.PENDING
    assert asked == [topup.reference] * 2


def test_a_start_that_never_gets_an_answer_ends(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GATEWAY, "start", no_answer)
    topup = started(alice, method(), "10")
    assert looked(topup).state == TopUpState.CREATED
    late = topup.expires_at + timedelta(seconds=1)
    found = looking.look(topup.pk, cause="look", now=late)
    assert (found.state, found.next_look_at) == (TopUpState.FAILED, None)


def test_what_the_gateway_declines_says_why(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GATEWAY, "start", lambda *_given: Declined("Below the smallest amount of this coin."))
    topup = started(alice, method(), "10")
    assert (topup.state, topup.why) == (TopUpState.FAILED, "Below the smallest amount of this coin.")
    assert not Alert.objects.exists()
    monkeypatch.setattr(GATEWAY, "start", lambda *_given: Declined("Choose another.", warning="The key was used."))
    topup = started(alice, topup.method, "10")
    assert "The key was used." in Alert.objects.get(cause=f"topup:{topup.pk}:start").body


def test_without_an_answer_it_is_asked_again_soon_and_then_seldom(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup)
    with monkeypatch.context() as patch:
        patch.setattr(GATEWAY, "fetch", no_answer)
        pauses = []
        for _miss in range(6):
            now = database_now()
            TopUp.objects.update(next_look_at=now)
            looking.look_due(seconds=0.001)
            row = TopUp.objects.get()
            assert row.next_look_at is not None
            pauses.append(round((row.next_look_at - now).total_seconds() / 10) * 10)
    assert pauses == [10, 60, 300, 900, 3600, 3600]
    assert balance(alice) == 0
    [alert] = Alert.objects.filter(closed_at=None)
    assert (alert.title, alert.times) == ("Demo gives no usable answer", 2)
    assert topup.number in alert.body
    assert looked(topup).misses == 0
    assert balance(alice) == 10
    assert not Alert.objects.filter(closed_at=None).exists()


def test_what_may_have_been_paid_waits_for_the_owner_if_no_answer_ever_comes(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup)
    late = topup.watch_until + timedelta(seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(GATEWAY, "fetch", no_answer)
        for _miss in range(looking.MANY_MISSES):
            found = looking.look(topup.pk, cause="look", now=late)
    assert (found.state, found.next_look_at) == (TopUpState.HELD, None)
    assert "no usable answer" in found.why
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:decide", closed_at=None).exists()
    # An answer after that is credited by the owner alone.
    assert looked(topup).state == TopUpState.HELD
    decide(topup_id=topup.pk, accept=True, actor=shell_actor(), reason="It is there", now=database_now())
    assert balance(alice) == 10


def test_what_was_not_paid_in_time_is_cancelled_there(alice: User) -> None:
    topup = started(alice, method(), "10")
    late = topup.expires_at + timedelta(seconds=1)
    assert looking.look(topup.pk, cause="look", now=late).state == TopUpState.EXPIRED
    # What comes all the same is credited.
    DRIVERS["demo"].pays(topup)
    assert looked(topup).state == TopUpState.PAID


def test_an_approved_payment_is_settled_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = GATEWAY.settle, []
    monkeypatch.setattr(GATEWAY, "settle", lambda *given: calls.append(1) or real(*given))
    topup = started(alice, method(), "10")
    DRIVERS["demo"].approves(topup)
    for _again in range(3):
        looked(topup)
    assert (calls, balance(alice)) == ([1], 10)


def test_a_topup_keeps_the_mode_in_which_it_was_started(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watch(name: str) -> None:
        real = getattr(GATEWAY, name)

        def call(*given: Any) -> Any:
            asked.append((name, given[-1].is_live))
            return real(*given)

        monkeypatch.setattr(GATEWAY, name, call)

    with monkeypatch.context() as patch:
        patch.setattr(GATEWAY, "start", no_answer)
        topup = started(alice, method(), "10")
    PaymentMethod.objects.update(is_live=True)
    for name in ("start", "fetch", "refund"):
        watch(name)
    DRIVERS["demo"].pays(looked(topup))
    assert looked(topup).state == TopUpState.PAID
    refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(4), actor=shell_actor(),
        reason="Asked for it", now=database_now(),
    )  # fmt: skip
    refunding.send_due(seconds=5, is_frozen=False)
    assert asked == [("start", False), ("fetch", False), ("fetch", False), ("refund", False)]


def test_a_webhook_that_is_quicker_than_our_record_is_not_lost(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = GATEWAY.start

    def start(asked: Any, config: Any) -> Any:
        answer = real(asked, config)
        row = TopUp.objects.get(reference=asked.reference)
        GatewayEvent.objects.create(
            method=row.method, event_id="evt_1", remote_id=answer.remote_id, body=b"", received_at=database_now()
        )
        return answer

    monkeypatch.setattr(GATEWAY, "start", start)
    topup = started(alice, method(), "10")
    assert topup.next_look_at is not None
    assert topup.next_look_at <= database_now()


def test_the_timetable_of_an_open_topup(alice: User) -> None:
    topup = started(alice, method(), "10")
    looks, now = [], topup.created_at
    for _look in range(6):
        due = timetable.next_look(topup, now=now)
        assert due is not None
        now = due
        looks.append(round((now - topup.created_at).total_seconds() / 60))
    # Its time is an hour; a minute after that it is asked again whether it expired.
    assert looks[:5] == [1, 3, 10, 30, 60]
    topup.state = TopUpState.EXPIRED
    assert timetable.next_look(topup, now=topup.watch_until) is None
