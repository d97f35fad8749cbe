"""Answers to repeated requests that contradict what is known."""

from functools import partial

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import decisions
from orders.models import ForwardAttempt, OwnId, RepeatAttempt
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
from tests.orders.repeating import DUE, OWNER, again, bought, loses, proven, repeats_it

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


def is_withdrawn(shop: Shop) -> bool:
    is_alerted = Alert.objects.filter(cause=f"provider:{shop.provider.pk}:request_id", closed_at=None).exists()
    return is_alerted and Provider.objects.get(pk=shop.provider.pk).request_id_proof == ""


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
