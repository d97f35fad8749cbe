"""The breaker: too much doubt stops sending, and one clear answer lets the others follow."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import timeouts
from orders.forwarding import breaker, dispatch, lanes, permits
from orders.models import BreakerState, ForwardAttempt, Order
from orders.states import Forward, Outcome
from tests.orders.cast import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def narrow(settings: Any) -> None:
    settings.BREAKER_TRIAL_SECONDS = 600
    settings.BREAKER_DOUBTS = 3
    settings.BREAKER_STREAK = 5
    settings.BREAKER_COST = 1000


def states(orders: list[Order]) -> list[str]:
    found = dict(Order.objects.values_list("pk", "forward_state"))
    return [found[o.pk] for o in orders]


def settle_time_passes(only: list[Order] | None = None) -> None:
    """Every order, or only these, was sent longer ago than doubts need to settle."""
    sent = ForwardAttempt.objects.exclude(sent_at=None)
    for attempt in sent if only is None else sent.filter(order__in=only):
        ForwardAttempt.objects.filter(pk=attempt.pk).update(sent_at=attempt.sent_at - timedelta(seconds=601))


def lose(shop: Shop, count: int) -> None:
    shop.simulator.control(script=["close_no_answer"] * count, actions=["add"])


def test_the_third_doubt_trips_the_breaker_and_the_rest_waits(shop: Shop, alice: User) -> None:
    lose(shop, 10)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 3 + [Forward.QUEUED] * 3
    assert BreakerState.objects.get().tripped_because == "doubts"
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:breaker", closed_at=None).exists()
    shop.forwards()
    assert states(orders)[3:] == [Forward.QUEUED] * 3
    assert not orders[3].attempts.exists()


def test_one_trial_goes_after_the_settle_time_and_a_clear_answer_resets(shop: Shop, alice: User) -> None:
    lose(shop, 3)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    settle_time_passes()
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 3 + [Forward.PLACED] * 3
    assert [a.is_trial for a in ForwardAttempt.objects.order_by("order_id")] == [False] * 3 + [True, False, False]
    assert BreakerState.objects.get().tripped_at is None
    assert Alert.objects.get(cause=f"provider:{shop.provider.pk}:breaker").closed_at is not None


def test_no_trial_follows_a_lost_one_that_has_not_settled(shop: Shop, alice: User) -> None:
    lose(shop, 4)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    settle_time_passes()
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 4 + [Forward.QUEUED] * 2


def test_the_first_of_too_many_doubts_decides_when_a_trial_goes(shop: Shop, alice: User) -> None:
    lose(shop, 3)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(5)]
    shop.forwards()
    settle_time_passes(only=orders[:1])
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 3 + [Forward.PLACED] * 2
    assert [a.is_trial for a in ForwardAttempt.objects.order_by("order_id")] == [False] * 3 + [True, False]


def test_a_lost_trial_delays_the_next_though_the_first_doubt_has_settled(shop: Shop, alice: User) -> None:
    lose(shop, 4)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    settle_time_passes(only=orders[:1])
    for _ in range(2):
        shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 4 + [Forward.QUEUED] * 2
    settle_time_passes(only=orders[3:4])
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 4 + [Forward.PLACED] * 2


def test_the_last_of_several_unclear_answers_has_to_settle(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_DOUBTS = 100
    settings.BREAKER_STREAK = 3
    lose(shop, 3)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(4)]
    shop.forwards()
    assert BreakerState.objects.get().tripped_because == "streak"
    settle_time_passes(only=orders[:2])
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 3 + [Forward.QUEUED]
    settle_time_passes(only=orders[2:3])
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 3 + [Forward.PLACED]


def test_doubtful_cost_is_capped_and_passed_by_one_trial_at_most(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_DOUBTS = 100
    settings.BREAKER_STREAK = 100
    settings.BREAKER_COST = 2.6  # an order costs 0.90
    lose(shop, 10)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    assert states(orders).count(Forward.IN_DOUBT) == 2
    assert BreakerState.objects.get().tripped_because == "cost"
    for _ in range(3):
        settle_time_passes()
        shop.forwards()
    assert states(orders).count(Forward.IN_DOUBT) == 3


def test_refunded_doubts_stop_no_order(shop: Shop, alice: User, settings: Any) -> None:
    """Their attempts stay in doubt for good, but no longer count towards the cap."""
    settings.BREAKER_COST = 1.7
    lose(shop, 2)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(2)]
    shop.forwards()
    settle_time_passes()
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT] * 2
    timeouts.give_up(now=database_now() + timedelta(seconds=settings.DOUBT_REFUND_SECONDS + 1))
    assert states(orders) == [Forward.REFUNDED] * 2
    later = [shop.buys(alice, link=f"https://example.com/later/{n}") for n in range(2)]
    shop.forwards()
    assert states(later) == [Forward.PLACED] * 2
    assert BreakerState.objects.get().tripped_at is None


def test_an_order_above_the_cap_waits_and_one_below_it_goes(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_COST = 1.7
    lose(shop, 1)
    lost = shop.buys(alice, link="https://example.com/p/1")
    shop.forwards()
    dear = shop.buys(alice, link="https://example.com/p/2")
    cheap = shop.buys(alice, quantity=100, link="https://example.com/p/3")
    shop.forwards()
    assert states([lost, dear, cheap]) == [Forward.IN_DOUBT, Forward.QUEUED, Forward.PLACED]


def test_a_trial_goes_when_no_waiting_order_fits(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_COST = 1.7
    lose(shop, 1)
    lost = shop.buys(alice, link="https://example.com/p/1")
    shop.forwards()
    assert not BreakerState.objects.filter(tripped_at__isnull=False).exists()
    dear = shop.buys(alice, link="https://example.com/p/2")
    shop.forwards()
    assert BreakerState.objects.get().tripped_because == "cost"
    assert states([lost, dear]) == [Forward.IN_DOUBT, Forward.QUEUED]
    settle_time_passes()
    shop.forwards()
    assert states([lost, dear]) == [Forward.IN_DOUBT, Forward.PLACED]


def test_an_order_dearer_than_the_cap_goes_while_nothing_is_in_doubt(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_COST = 0.5
    order = shop.buys(alice)
    shop.forwards()
    assert states([order]) == [Forward.PLACED]


def test_without_a_cap_no_cost_stops_anything(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_COST = 0
    lose(shop, 2)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(3)]
    shop.forwards()
    assert states(orders) == [Forward.IN_DOUBT, Forward.IN_DOUBT, Forward.PLACED]


def test_the_cap_is_a_twentieth_of_the_balance_when_that_is_less(shop: Shop) -> None:
    shop.provider.balance = Decimal(100)
    shop.provider.exchange_rate = Decimal(2)
    assert breaker.cap_of(shop.provider) == Decimal(10)
    shop.provider.balance = None
    assert breaker.cap_of(shop.provider) == Decimal(1000)


def test_a_clear_answer_in_between_ends_the_row_of_unclear_ones(shop: Shop, alice: User, settings: Any) -> None:
    settings.BREAKER_DOUBTS = 100
    shop.simulator.control(every=2, fault="close_no_answer", actions=["add"])
    for n in range(14):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    shop.forwards()
    assert Order.objects.filter(forward_state=Forward.IN_DOUBT).count() == 7
    assert not BreakerState.objects.filter(tripped_at__isnull=False).exists()
    lose(shop, 20)
    for n in range(8):
        shop.buys(alice, quantity=10, link=f"https://example.com/q/{n}")
    shop.forwards()
    assert Order.objects.filter(forward_state=Forward.QUEUED).count() in (3, 4)
    assert BreakerState.objects.get().tripped_because == "streak"


def test_a_breaker_that_trips_after_the_claim_stops_the_send_as_well(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        BreakerState.objects.create(provider=shop.provider, tripped_at=database_now(), tripped_because="doubts")
        with pytest.raises(permits.PermitRefused):
            permits.permit(permits.FORWARD, lane, attempt.token)()
        dispatch.send(attempt, lane)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert order.attempts.get().outcome == Outcome.RELEASED
    assert shop.accepted() == []


def test_each_provider_has_a_breaker_of_its_own(shop: Shop, alice: User) -> None:
    BreakerState.objects.create(provider=shop.provider, tripped_at=database_now(), tripped_because="doubts", streak=9)
    other = Provider.objects.create(name="Other", url=shop.provider.url, sealed_key=shop.provider.sealed_key)
    assert breaker.admit(other, now=database_now()) is breaker.Admission.FREE
