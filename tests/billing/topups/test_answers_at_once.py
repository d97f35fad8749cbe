"""Two workers ask at once: the answer to the later question holds, whichever is recorded last."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Dispute, Reading
from billing.gateways.demo import GATEWAY, remote
from billing.models import TopUp, TopUpPayment, TopUpState
from billing.topups import looking
from billing.topups.applying import apply
from core.clock import database_now
from tests.billing.cast import balance
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, reading, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def topup(alice: User) -> TopUp:
    topup = started(alice, method(), "50")
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def before_and_after(topup: TopUp, **after: str) -> list[Callable[[], TopUp]]:
    """Two answers, each with the time before it was asked for: without what went back, and with it."""

    def answered(asked_at: datetime, **back: str) -> Callable[[], TopUp]:
        answer = about(topup, **back)
        return lambda: apply(topup.pk, answer, cause="test", now=asked_at, seen=topup.next_look_at)

    return [answered(database_now()), answered(database_now(), **after)]


def about(topup: TopUp, **back: str) -> Reading:
    """What the demo would say of the one payment that is recorded."""
    answer = reading(topup, "50", **back)
    return replace(answer, payments=(replace(answer.payments[0], payment_id=topup.payments.get().payment_id),))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1), (0, 1, 0)], ids=str)
@pytest.mark.parametrize(
    ("after", "state"),
    [({"refunded": "25"}, TopUpState.PART_REFUNDED), ({"charged_back": "50"}, TopUpState.CHARGED_BACK)],
    ids=["refunded", "charged back"],
)
def test_the_answer_to_the_later_question_holds_in_any_order(
    topup: TopUp, alice: User, order: tuple[int, ...], after: dict[str, str], state: TopUpState
) -> None:
    answers = before_and_after(topup, **after)
    for n in order:
        answers[n]()
    found, went = TopUp.objects.get(), Decimal(next(iter(after.values())))
    assert (found.state, found.taken, balance(alice)) == (state, went, 50 - went)
    assert "chargeback_back" not in moved(topup)
    assert broken() == []


def test_an_answer_that_is_dropped_leaves_nothing_and_the_next_look_is_due(topup: TopUp) -> None:
    older, newer = before_and_after(topup, refunded="25")
    newer()
    before = TopUp.objects.values().get()
    steps = topup.history.count()
    older()
    after = TopUp.objects.values().get()
    assert after["next_look_at"] <= database_now()
    assert {**after, "next_look_at": None} == {**before, "next_look_at": None}
    assert TopUpPayment.objects.get().refunded == 25
    assert topup.history.count() == steps


def test_answers_of_the_same_moment_are_both_recorded(topup: TopUp, alice: User) -> None:
    now = database_now()
    for refunded in ("0", "25", "25"):
        apply(topup.pk, about(topup, refunded=refunded), cause="test", now=now)
    assert balance(alice) == 25
    assert moved(topup) == {"topup": 50, "topup_refund": 25}


def test_an_older_answer_opens_no_dispute_again(topup: TopUp) -> None:
    now = database_now()
    looked(topup)
    found = apply(topup.pk, reading(topup, "50", dispute=Dispute.OPEN), cause="test", now=now)
    assert (found.state, found.is_disputed) == (TopUpState.PAID, False)


def test_a_look_that_overtakes_another_is_not_undone_by_it(
    topup: TopUp, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has its answer, and is slow to record it; the money goes back, and a second one looks."""
    real, is_first = GATEWAY.fetch, [True]

    def fetch(*given: Any) -> Reading:
        answer = real(*given)
        if is_first:
            is_first.clear()
            remote.refund(topup.remote_id, Decimal(25), "a-key")
            assert looked(topup).state == TopUpState.PART_REFUNDED
        return answer

    monkeypatch.setattr(GATEWAY, "fetch", fetch)
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert balance(alice) == 25
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert moved(topup) == {"topup": 50, "topup_refund": 25}
    assert broken() == []


def test_an_earlier_question_that_learned_more_is_asked_again_at_once(
    topup: TopUp, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway was slow to answer the earlier question, and answered it after the money had gone back."""
    real, earlier = GATEWAY.fetch, [database_now()]

    def fetch(*given: Any) -> Reading:
        answer = real(*given)
        if earlier:
            remote.refund(topup.remote_id, Decimal(25), "a-key")
            apply(topup.pk, about(topup, refunded="25"), cause="test", now=earlier.pop())
            assert balance(alice) == 25
        return answer

    monkeypatch.setattr(GATEWAY, "fetch", fetch)
    looked(topup)
    assert looking.look_due(seconds=5) == 1
    assert (TopUp.objects.get().state, balance(alice)) == (TopUpState.PART_REFUNDED, 25)
    assert looking.look_due(seconds=5) == 0
    assert broken() == []


def test_a_clock_that_was_set_back_stops_no_answer(topup: TopUp, alice: User) -> None:
    TopUp.objects.update(looked_at=database_now() + timedelta(hours=1))
    remote.refund(topup.remote_id, Decimal(25), "a-key")
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert balance(alice) == 25
