"""A repeated request decides a doubt where a test order proved that the provider knows it again."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import decisions
from orders.forwarding import repeat_rules
from orders.models import Order, RepeatAttempt
from orders.states import Forward, Outcome
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
from tests.orders.repeating import DUE, OWNER, again, knows_the_field, loses, proven, repeats_it, repeats_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


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
    places = [html.index(heading) for heading in headings]
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
    assert repeat_rules.pauses() == [timedelta(seconds=due) for due in DUE]
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
