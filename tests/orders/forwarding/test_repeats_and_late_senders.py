"""Repeated requests whose first sender, or whose own, goes away or records its answer late."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from core.clock import database_now
from orders import decisions
from orders.forwarding import lanes, leases, outcomes, repeats
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome
from tests.orders.cast import Shop
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    LOST_NOT_PLACED,
    ages,
    attempt_of,
    buys_and_sends,
    id_at_provider,
    resolves,
)
from tests.orders.repeating import DUE, OWNER, again, bought, loses, proven, repeats_it, repeats_of
from upstream.errors import ErrorClass, NotSent, Refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


def test_nothing_is_called_not_placed_while_a_repeat_may_still_take_effect(
    shop: Shop, alice: User, settings: Any
) -> None:
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    order = buys_and_sends(shop, alice, fault=LOST_NOT_PLACED)
    ages(shop, 545)
    shop.simulator.control(script=["late_place:500"], actions=["add"])
    patience, settings.FORWARD_DEADLINE_SECONDS = settings.FORWARD_DEADLINE_SECONDS, 1.5  # it is not answered
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        assert repeats.send_next(lane)
    settings.FORWARD_DEADLINE_SECONDS = patience
    ages(shop, 60)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    assert again(order).forward_state != Forward.QUEUED
    with pytest.raises(decisions.TooEarly):
        decisions.decide_not_placed(order_id=order.pk, refund=False, actor=OWNER, reason="r", now=database_now())
    ages(shop, 500)
    shop.forwards()
    assert bought(shop, order) == 1


def test_a_sender_of_a_repeat_that_died_leaves_the_doubt(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_args: Any, **_more: Any) -> None:
        raise Killed

    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    with monkeypatch.context() as patch:
        patch.setattr(repeats, "record", die)
        with pytest.raises(Killed):
            repeats_it(shop)
    assert repeats_of(order) == [(Outcome.SENDING, None)]
    leases.expire(now=database_now() + timedelta(hours=1))
    assert repeats_of(order) == [(Outcome.PLACED, id_at_provider(shop, order)[0])], "its stored answer is read"
    resolves(shop)
    assert again(order).forward_state == Forward.PLACED


@pytest.mark.parametrize(
    "late",
    [
        NotSent("permit", "frozen between permit and first byte"),
        Refused(ErrorClass.RATE_LIMITED, "Too many requests"),
        Refused(ErrorClass.BAD_LINK, "Incorrect link"),
    ],
    ids=["not sent", "refused for now", "refused"],
)
def test_the_first_answer_ends_nothing_once_the_request_was_repeated(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch, late: NotSent | Refused
) -> None:
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    # 1. A worker is stopped before it records what its request came to, and the sweep makes a doubt of it.
    sent = []
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "record", lambda attempt, _result, now: sent.append(attempt))
        order = buys_and_sends(shop, alice, fault=LOST_NOT_PLACED)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        leases.give_up_lane(lane, now=database_now())
    # 2. The repeat places the order; then the worker goes on.
    ages(shop, DUE[0] + 1)
    assert repeats_it(shop) == 1
    outcomes.record(sent[0], late, now=database_now())
    assert again(order).forward_state == Forward.IN_DOUBT
    assert attempt_of(order).evidence["first_request"] == str(late)
    # 3. The repeat's answer decides, and nothing is bought again.
    resolves(shop, 2)
    Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())
    shop.forwards()
    assert again(order).forward_state == Forward.PLACED
    assert id_at_provider(shop, order) == [order.upstream_id]


def test_the_database_ends_no_repeated_attempt_by_its_first_answer(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_NOT_PLACED)
    assert repeats_it(shop) == 1
    attempt = ForwardAttempt.objects.filter(pk=attempt_of(order).pk)
    for outcome in (Outcome.REFUSED, Outcome.NOT_SENT):
        with pytest.raises(IntegrityError, match="repeated"), transaction.atomic():
            attempt.update(outcome=outcome)
