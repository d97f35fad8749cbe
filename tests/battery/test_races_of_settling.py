"""Part C, at the owner's desk: orders that no answer settles, decided by several at once, and heard of meanwhile."""

from decimal import Decimal
from fractions import Fraction

import pytest

from accounts.models import User
from billing.models import Hold, Transfer
from core.clock import database_now
from core.staff_actions import Actor
from orders import settling_by_hand
from orders.following import order_answers
from orders.models import EventKind, Order
from orders.settling_by_hand import NothingToDecide, Stale
from orders.states import Progress
from tests.actors import OWNER, owner_named
from tests.battery.crowd import *  # noqa: F403 - its fixtures
from tests.battery.crowd import ROUNDS, Crowd, Operation, of_round
from tests.battery.judge import Judge, Said, must_hold
from tests.orders.cast import Shop, balance
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)

#: So many send the form, so that one of them comes before the answers as often as after them.
OWNERS = 8


def hears(shop: Shop, order: Order, state: ProviderOrderState, remains: int | None = None) -> None:
    now, said = database_now(), OrderStatus(state=state, raw_state=state.value, remains=remains)
    order_answers.apply_answers({order.pk: said}, provider=shop.provider, asked_at=now, now=now)


def answering(shop: Shop, order: Order, state: ProviderOrderState, remains: int | None = None) -> Operation:
    return lambda: hears(shop, order, state, remains)


def unclear(shop: Shop, who: User, number: int) -> Order:
    """A thousand, partial, and nobody says how many did not arrive."""
    order = shop.buys(who, link=of_round(number, "?fate=stuck"))
    shop.forwards()
    hears(shop, order, ProviderOrderState.PARTIAL)
    order.refresh_from_db()
    assert order.needs_review
    return order


def settling(order: Order, missing: int, seen: str, actor: Actor = OWNER) -> Operation:
    return lambda: settling_by_hand.settle_by_hand(
        order_id=order.pk, missing=missing, seen=seen, actor=actor, reason="their panel", now=database_now()
    )


def seen(order: Order) -> str:
    return settling_by_hand.choice_of(order).seen


def due(order: Order, missing: int) -> Fraction:
    return Fraction(order.charge) * missing / order.total


def moved(order: Order) -> list[str]:
    return sorted(Transfer.objects.filter(reference=order.reference).values_list("code", flat=True))


def decided(order: Order) -> int:
    return order.events.filter(kind=EventKind.DECIDED).count()


def heard(judge: Judge, order: Order, *missing: int) -> None:
    """The judge is told which ends the provider said; what a person decided it reads from the order."""
    judge.truth.said = judge.truth.said or {}
    dues = tuple(due(order, m) for m in missing)
    judge.truth.said[order.link] = Said(dues, dues[-1] if dues else None)


def test_two_people_settle_one_order_once_and_the_other_is_told(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    for number in range(ROUNDS):
        order, before = unclear(shop, rich, number), balance(rich)
        saw = seen(order)
        operations = [settling(order, missing, saw, owner_named(f"owner {missing}")) for missing in (100, 300)]
        answers = all_at_once(operations * 4)
        order.refresh_from_db()
        assert order.missing_by_hand in (100, 300)
        won = 0 if order.missing_by_hand == 100 else 1
        assert answers[won::2].count(True) == 1
        assert answers[won::2].count(False) == 3, "the same decision once more is no mistake"
        assert {type(answer) for answer in answers[1 - won :: 2]} == {NothingToDecide}
        assert balance(rich) - before == order.refunded
        assert moved(order) == ["hold", "release", "settle"]
        assert decided(order) == 1
        heard(judge, order)
        must_hold(judge.each_step())


def test_one_form_sent_16_times_settles_once(shop: Shop, rich: User, judge: Judge, all_at_once: Crowd) -> None:
    for number in range(ROUNDS):
        order = unclear(shop, rich, number)
        answers = all_at_once([settling(order, 157, seen(order))] * 16)
        assert sorted(map(str, answers)) == ["False"] * 15 + ["True"]
        assert moved(order) == ["hold", "release", "settle"]
        assert decided(order) == 1
        heard(judge, order)
        must_hold(judge.each_step())


@pytest.mark.parametrize(("state", "remains"), [(ProviderOrderState.PARTIAL, 400), (ProviderOrderState.CANCELED, None)])
def test_an_answer_that_pays_more_and_a_decision_pay_the_larger_of_both(
    shop: Shop,
    rich: User,
    judge: Judge,
    all_at_once: Crowd,
    state: ProviderOrderState,
    remains: int | None,
) -> None:
    """The decision first: the answer pays the difference. The answer first: nothing is left to decide."""
    missing = 1000 if remains is None else remains
    for number in range(ROUNDS):
        order, before = unclear(shop, rich, number), balance(rich)
        answer = answering(shop, order, state, remains)
        answers = all_at_once([settling(order, 157, seen(order))] * OWNERS + [answer] * 2)[:OWNERS]
        order.refresh_from_db()
        assert order.refunded == Decimal(balance(rich) - before)
        assert order.needs_review == ""
        if True in answers:
            assert (order.missing_by_hand, moved(order)) == (157, ["hold", "late_refund", "release", "settle"])
        else:
            assert {type(told) for told in answers} == {NothingToDecide}
            assert order.missing_by_hand is None
            assert moved(order)[:2] == ["hold", "release"]
            assert "late_refund" not in moved(order)
        heard(judge, order, missing)
        must_hold(judge.at_rest())


def test_an_answer_that_pays_less_takes_nothing_back_from_a_decision(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    for number in range(ROUNDS):
        order = unclear(shop, rich, number)
        answer = answering(shop, order, ProviderOrderState.COMPLETED)
        answers = all_at_once([settling(order, 157, seen(order))] * OWNERS + [answer] * 2)[:OWNERS]
        order.refresh_from_db()
        hold = Hold.objects.get(reference=order.reference)
        assert hold.earned + hold.refunded == hold.charged
        if True in answers:
            assert (order.progress, moved(order)) == (Progress.PARTIAL, ["hold", "release", "settle"])
        else:
            assert {type(told) for told in answers} == {NothingToDecide}
            assert (order.progress, moved(order)) == (Progress.COMPLETED, ["hold", "settle"])
        heard(judge, order, 0)
        must_hold(judge.each_step())


def test_an_answer_that_leaves_it_unclear_and_a_decision_never_decide_on_what_was_not_shown(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    for number in range(ROUNDS):
        order = unclear(shop, rich, number)
        answer = answering(shop, order, ProviderOrderState.IN_PROGRESS, 400)
        answers = all_at_once([settling(order, 157, seen(order))] * OWNERS + [answer] * 2)[:OWNERS]
        order.refresh_from_db()
        if True in answers:
            assert moved(order) == ["hold", "release", "settle"]
        else:
            assert {type(told) for told in answers} == {Stale}
            assert (moved(order), order.missing_by_hand) == (["hold"], None)
        heard(judge, order)
        must_hold(judge.each_step())


def test_one_settles_and_one_says_that_nothing_is_to_do(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    """The order is over with 80 missing, and unclear again: both decisions are offered."""
    for number in range(ROUNDS):
        order = unclear(shop, rich, number)
        hears(shop, order, ProviderOrderState.PARTIAL, 80)
        hears(shop, order, ProviderOrderState.PARTIAL)
        order.refresh_from_db()
        saw = seen(order)
        nothing: Operation = lambda order=order, saw=saw: settling_by_hand.nothing_to_do(  # type: ignore[misc]  # noqa: E731
            order_id=order.pk, seen=saw, actor=OWNER, reason="right as it is", now=database_now()
        )
        answers = all_at_once([settling(order, 300, saw), nothing] * 4)
        order.refresh_from_db()
        assert answers.count(True) == 1
        assert decided(order) == 1
        if True in answers[::2]:
            assert order.missing_by_hand == 300
            assert {type(answer) for answer in answers[1::2]} == {NothingToDecide}, "it was decided otherwise"
            assert moved(order).count("late_refund") == 1
        else:
            assert order.missing_by_hand is None
            assert {type(answer) for answer in answers[::2]} == {NothingToDecide}
            assert "late_refund" not in moved(order)
        heard(judge, order, 80)
        must_hold(judge.each_step())
