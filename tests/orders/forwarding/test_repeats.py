"""A request is repeated only where a test order proved that the provider knows it again, and then decides the doubt."""

import itertools
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider
from catalog.providers import repeatable
from core.clock import database_now
from notices.models import Alert
from orders import decisions, freezing
from orders.forwarding import dispatch, lanes, leases, outcomes, repeats
from orders.models import ForwardAttempt, Order, OwnId, RepeatAttempt, ThawScan
from orders.states import Forward, Outcome
from orders.thawing import thaw
from tests.billing import cast as rows
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
from tests.orders.repeating import DUE, OWNER, knows_the_field, loses, proven, repeats_it, repeats_of
from tests.roles import unguarded
from upstream.errors import ErrorClass, NotSent, Refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


def again(order: Order) -> Order:
    order.refresh_from_db()
    return order


def bought(shop: Shop, order: Order) -> int:
    return len(id_at_provider(shop, order))


def is_withdrawn(shop: Shop) -> bool:
    is_alerted = Alert.objects.filter(cause=f"provider:{shop.provider.pk}:request_id", closed_at=None).exists()
    return is_alerted and Provider.objects.get(pk=shop.provider.pk).request_id_proof == ""


# Where the provider knows a repeated request.


@pytest.mark.parametrize("fault", [LOST_BUT_PLACED, LOST_NOT_PLACED])
def test_a_repeat_decides_a_doubt(shop: Shop, alice: User, fault: str) -> None:
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    order = loses(shop, alice, fault)
    assert repeats_it(shop) == 1
    assert again(order).forward_state == Forward.IN_DOUBT, "the range in between is searched first"
    resolves(shop)
    assert again(order).forward_state == Forward.PLACED
    assert id_at_provider(shop, order) == [order.upstream_id]
    assert attempt_of(order).evidence["resolved"]["how"] == "repeat"
    assert order.attempts.count() == 1, "it is the same attempt"
    assert Alert.objects.filter(closed_at=None, cause__contains=":request_id").count() == 0


def test_the_owner_sees_each_repeat_below_its_attempt(shop: Shop, alice: User, owner: Client) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    shop.simulator.control(script=["h504_np"], actions=["add"])
    repeats_it(shop)
    ages(shop, DUE[1])
    repeats_it(shop)
    html = owner.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    headings = ("Attempt 1: ", "Attempt 1, repeat 1: In doubt", "Attempt 1, repeat 2: Answered with an order number")
    places = [html.index(f"<h3>{heading}") for heading in headings]
    assert places == sorted(places)
    named = html[places[-1] :]
    assert "Order number in the answer" in named
    assert id_at_provider(shop, order)[0] in named
    assert "add · HTTP 200" in named


def test_the_repeat_is_the_same_bytes_with_the_same_key(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    repeats_it(shop)
    adds = [row["sha256"] for row in shop.simulator.record()["requests"]["newest"] if row["action"] == "add"]
    assert adds[-1] == adds[-2]
    first, repeated = attempt_of(order).exchanges.get(), RepeatAttempt.objects.get().exchange
    assert repeated is not None
    assert first.transcript["request_fields"] == repeated.transcript["request_fields"]
    assert first.transcript["request_fields"]["request_id"] == str(attempt_of(order).token)


def test_each_attempt_has_a_key_of_its_own(shop: Shop, alice: User) -> None:
    knows_the_field(shop)
    order = buys_and_sends(shop, alice, fault="h503_np")
    ages(shop, 700)
    decisions.decide_not_placed(
        order_id=order.pk, refund=False, actor=OWNER, reason="not in the panel", now=database_now()
    )
    shop.forwards()
    keys = [e.transcript["request_fields"]["request_id"] for e in _exchanges(order)]
    assert len(set(keys)) == len(keys) == 2


def _exchanges(order: Order) -> list[Any]:
    return [a.exchanges.get() for a in order.attempts.order_by("n")]


def test_where_ids_prove_nothing_the_answer_alone_counts(shop: Shop, alice: User) -> None:
    shop.simulator.control(ids="text")
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    repeats_it(shop)
    resolves(shop)
    assert again(order).forward_state == Forward.PLACED


def test_repeats_are_few_and_grow_apart(shop: Shop, alice: User) -> None:
    proven(shop)
    order = buys_and_sends(shop, alice, fault="h504_np")
    shop.simulator.control(every=1, fault="h504_np", actions=["add"])
    Provider.objects.update(outages=0)
    sent_at, passed = [], 0
    looks = [due + beside for due in DUE for beside in (-20, 20)]
    for second in (*looks, 580, 620, 700):
        Provider.objects.update(outages=0)
        ages(shop, second - passed)
        passed = second
        if repeats_it(shop):
            sent_at.append(second)
    assert sent_at == looks[1::2], "once each, and not before it is due"
    pauses = [later - sooner for sooner, later in itertools.pairwise([0, *sent_at])]
    assert pauses == sorted(pauses), "each pause is longer than the one before"
    assert repeats._pauses() == [timedelta(seconds=due) for due in DUE]
    assert [outcome for outcome, _id in repeats_of(order)] == [Outcome.IN_DOUBT] * 4
    assert again(order).forward_state == Forward.IN_DOUBT


def test_a_lane_that_is_busy_with_orders_repeats_as_well(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    later = shop.buys(alice, link="https://example.com/later")
    assert shop.forwards() == 1
    assert [outcome for outcome, _id in repeats_of(order)] == [Outcome.PLACED]
    assert again(later).forward_state == Forward.PLACED


def test_two_workers_never_repeat_at_once(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    one = _under_way(order, 1)
    assert repeats_it(shop) == 0
    with pytest.raises(IntegrityError, match="repeat_one_under_way_per_provider"), transaction.atomic():
        _under_way(order, 2)
    assert one.outcome == Outcome.CLAIMED


def _under_way(order: Order, n: int) -> RepeatAttempt:
    claim = {**rows._claim(order, n), "leased_until": database_now() + timedelta(hours=1)}
    return RepeatAttempt.objects.create(attempt=attempt_of(order), **claim)


def test_a_refusal_of_the_repeat_refuses_nothing(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    shop.simulator.control(script=["error_known:Duplicate request"], actions=["add"])
    assert repeats_it(shop) == 1
    assert [outcome for outcome, _id in repeats_of(order)] == [Outcome.REFUSED]
    assert again(order).forward_state == Forward.IN_DOUBT
    assert attempt_of(order).outcome == Outcome.IN_DOUBT
    ages(shop, 200)
    assert repeats_it(shop) == 0, "a provider that refuses repeats says no more"


def test_an_open_breaker_lets_one_repeat_through_at_a_time(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_DOUBTS = 1
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    assert repeats_it(shop) == 1
    resolves(shop)
    assert again(order).forward_state == Forward.PLACED


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


# The rules.


def test_without_a_proof_nothing_is_repeated(shop: Shop, alice: User) -> None:
    knows_the_field(shop, "ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    for _look in range(6):
        repeats_it(shop)
        ages(shop, 60)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_an_order_from_before_the_proof_is_not_repeated(shop: Shop, alice: User) -> None:
    knows_the_field(shop, "ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    digest = repeatable.settings_digest(shop.provider)
    assert repeatable.note_proven(shop.provider.pk, digest, actor="owner", now=database_now())
    assert repeats_it(shop) == 0
    assert bought(shop, order) == 1


def test_after_ten_minutes_nothing_is_repeated(shop: Shop, alice: User) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    ages(shop, 600)
    repeats_it(shop)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_a_repeat_that_was_claimed_in_time_does_not_leave_late(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    honest = repeats.send

    def waits_first(repeat: RepeatAttempt, lane: Any) -> None:
        with unguarded():
            ForwardAttempt.objects.update(sent_at=database_now() - timedelta(seconds=601))
        honest(repeat, lane)

    monkeypatch.setattr(repeats, "send", waits_first)
    repeats_it(shop)
    assert repeats_of(order) == [(Outcome.RELEASED, None)]
    assert bought(shop, order) == 1


def test_nothing_is_repeated_while_frozen_or_after_a_thaw(shop: Shop, alice: User) -> None:
    freezing.check(now=database_now())
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    freezing.freeze(why="by hand", now=database_now())
    assert repeats_it(shop) == 0
    freezing.unfreeze(now=database_now(), actor=OWNER, reason="looked at it")
    repeats_it(shop)
    assert bought(shop, order) == 1, "F1 is broken: a request was repeated against the rules, and bought twice"
    assert repeats_of(order) == []


def test_what_came_back_with_a_dump_is_not_repeated(shop: Shop, alice: User) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    ForwardAttempt.objects.filter(order=order).update(evidence={"restored": True})
    assert repeats_it(shop) == 0
    assert bought(shop, order) == 1


def test_a_parked_provider_gets_no_repeat(shop: Shop, alice: User) -> None:
    proven(shop)
    loses(shop, alice, LOST_BUT_PLACED)
    Provider.objects.update(parked_at=database_now(), parked_reason="outage")
    assert repeats_it(shop) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1:9/api/v2"},
        {"body_encoding": "json"},
        {"dialect": {"request_id_field": "ref"}},
        {"dialect": {"request_id_field": "request_id", "field_names": {"media": "media_url"}}},
        {"dialect": {}},
    ],
)
def test_changed_settings_take_the_proof_away(shop: Shop, alice: User, change: dict[str, Any]) -> None:
    proven(shop)
    order = loses(shop, alice, LOST_BUT_PLACED)
    before = {name: getattr(shop.provider, name) for name in change}
    Provider.objects.update(**change)
    assert repeats_it(shop) == 0
    Provider.objects.update(**before)
    assert repeats_it(shop) == 0, "nor once they are changed back"
    assert Provider.objects.get().request_id_proof == ""
    assert bought(shop, order) == 1


def test_another_key_takes_the_proof_away(shop: Shop, alice: User) -> None:
    proven(shop)
    loses(shop, alice, LOST_BUT_PLACED)
    shop.provider.set_key("another key")
    shop.provider.save(update_fields=["sealed_key"])
    assert repeats_it(shop) == 0


def test_words_of_its_answers_leave_the_proof(shop: Shop) -> None:
    proven(shop)
    Provider.objects.update(dialect={"request_id_field": "request_id", "error_map": {"pas de fonds": "bad_link"}})
    assert not repeatable.forget_other_proof(shop.provider.pk)
    shop.provider.refresh_from_db()
    assert repeatable.is_proven(shop.provider)


# Contradictions.


def test_a_provider_that_forgets_the_field_buys_one_second_order_and_no_more(shop: Shop, alice: User) -> None:
    """It passed the test and then ignores the field: the first second order is found, and is the last one."""
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    shop.simulator.control(request_id="ignored")
    lost = [buys_and_sends(shop, alice, quantity=n, fault=LOST_BUT_PLACED) for n in (500, 700)]
    ages(shop, DUE[0] + 1)
    repeats_it(shop)
    assert RepeatAttempt.objects.count() == 1, "the other one waits for the search"
    resolves(shop)
    assert is_withdrawn(shop)
    assert repeats_it(shop) == 0
    assert sorted(bought(shop, order) for order in lost) == [1, 2]
    twice = next(order for order in lost if bought(shop, order) == 2)
    assert again(twice).forward_state in (Forward.IN_DOUBT, Forward.REVIEW)
    both = set(id_at_provider(shop, twice))
    assert (
        set(
            OwnId.objects.filter(upstream_id__in=both, explained__in=["", "orphan"]).values_list(
                "upstream_id", flat=True
            )
        )
        == both
    )


def test_a_number_that_another_order_has_is_a_contradiction(shop: Shop, alice: User) -> None:
    proven(shop)
    other = buys_and_sends(shop, alice, quantity=300)
    order = loses(shop, alice, LOST_BUT_PLACED)
    shop.simulator.simulator.books.by_request[str(attempt_of(order).token)] = str(other.upstream_id)
    repeats_it(shop)
    assert again(order).forward_state == Forward.IN_DOUBT
    assert is_withdrawn(shop)
    resolves(shop)
    assert attempt_of(order).evidence.get("resolved", {}).get("how") != "repeat"


def test_a_late_answer_that_names_another_order_is_a_contradiction(shop: Shop, alice: User) -> None:
    proven(shop)
    shop.simulator.control(request_id="ignored")
    order = loses(shop, alice, LOST_BUT_PLACED)
    repeats_it(shop)
    first = id_at_provider(shop, order)[0]
    decisions.decide_placed(order_id=order.pk, upstream_id=first, actor=OWNER, reason="seen", now=database_now())
    assert again(order).upstream_id == first
    assert is_withdrawn(shop)


def test_an_id_in_a_spoiled_answer_that_differs_is_a_contradiction(shop: Shop, alice: User) -> None:
    proven(shop)
    order = loses(shop, alice, "h500_p")
    ForwardAttempt.objects.filter(order=order).update(unconfirmed_id="77")
    repeats_it(shop)
    resolves(shop)
    assert again(order).forward_state == Forward.IN_DOUBT
    assert is_withdrawn(shop)


# A sender that went away.


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


def test_the_number_that_a_repeat_named_is_never_given_to_another_order(shop: Shop, alice: User) -> None:
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    shop.simulator.control(request_id="ignored")
    first = buys_and_sends(shop, alice, fault=LOST_BUT_PLACED, quantity=500)
    ages(shop, 5)
    other = buys_and_sends(shop, alice, fault=LOST_NOT_PLACED, quantity=500)
    ages(shop, DUE[0] - 4)
    assert repeats_it(shop) == 1
    resolves(shop, 2)
    both = id_at_provider(shop, first)
    assert len(both) == 2
    # The owner decides; the other number stays the first order's, and the other order waits for the owner.
    now = database_now()
    decisions.decide_placed(order_id=first.pk, upstream_id=both[0], actor=OWNER, reason="seen there", now=now)
    ages(shop, 620)
    buys_and_sends(shop, alice, quantity=900)
    for _round in range(4):
        resolves(shop)
        ages(shop, 30)
    assert again(other).upstream_id not in both
    assert attempt_of(other).outcome == Outcome.IN_DOUBT
    assert OwnId.objects.get(upstream_id=both[1]).explained != "attempt"


def test_an_order_whose_number_a_repeat_named_is_not_called_not_placed(shop: Shop, alice: User) -> None:
    proven(shop)
    buys_and_sends(shop, alice, quantity=300)
    order = loses(shop, alice, LOST_BUT_PLACED)
    assert repeats_it(shop) == 1
    ages(shop, 700)
    [number] = id_at_provider(shop, order)
    decide = partial(
        decisions.decide_not_placed, order_id=order.pk, refund=False, actor=OWNER, reason="it is not there",
        now=database_now(),
    )  # fmt: skip
    with pytest.raises(decisions.NumberNamed, match=number):
        decide()
    # Once the owner knows that the number is somebody else's, it stands in nobody's way.
    OwnId.objects.filter(upstream_id=number).update(explained="foreign", decided_by="owner@example.com")
    assert decide()


def test_a_shorter_or_longer_window_takes_the_proof_away(shop: Shop, alice: User, settings: Any) -> None:
    proven(shop)
    settings.DOUBT_SETTLE_SECONDS = 120
    loses(shop, alice, LOST_BUT_PLACED)
    assert repeats_it(shop) == 0
    assert not repeatable.is_proven(Provider.objects.get(pk=shop.provider.pk))


def test_a_thaw_after_a_restore_takes_all_proofs_away(shop: Shop) -> None:
    proven(shop)
    freezing.freeze(why="it came back from a dump", now=database_now(), is_restored=True)
    for provider in Provider.objects.all():
        ThawScan.objects.create(provider=provider, at=database_now(), actor="owner", reason="looked", is_complete=True)
    thaw.thaw(actor=OWNER, reason="looked", now=database_now())
    assert not Provider.objects.exclude(request_id_proof="").exists()


def test_a_provider_without_the_field_is_sent_no_key(shop: Shop, alice: User) -> None:
    order = buys_and_sends(shop, alice)
    assert "request_id" not in shop.accepted()[-1]["fields"]
    assert attempt_of(order).request_digest == ""
    assert dispatch.forward_due(seconds=1) == 0
