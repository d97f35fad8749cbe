"""Several sends and several questions at once, in one process and over many."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from core.clock import SteadyClock, database_now, elapsed_clock
from notices.models import Alert
from orders.following import poll, rate_limit
from orders.forwarding import dispatch, lanes, leases
from orders.models import BreakerState, ForwardAttempt, Order, PollSchedule
from orders.states import Forward, Outcome
from tests.orders.cast import Shop, until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def in_background(action: Callable[[], object]) -> Iterator[None]:
    """Do it in a thread; at the end of the block wait for it, and raise what it raised."""
    with ThreadPoolExecutor(1) as threads:
        doing = threads.submit(_and_close, action)
        yield
        doing.result(30)


def _and_close(action: Callable[[], object]) -> None:
    try:
        action()
    finally:
        connection.close()


def asked(shop: Shop, action: str) -> int:
    found: int = shop.simulator.record()["requests"]["actions"].get(action, 0)
    return found


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        number: int = cursor.fetchone()[0]
    return number


def test_one_run_sends_through_several_lanes_and_keeps_one_session(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LANES = 4
    shop.simulator.hold_next_add(4)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(12)]
    before = sessions()
    with in_background(lambda: dispatch.forward_due(seconds=20)):
        assert len(shop.simulator.wait_for_held(4)) == 4
        assert ForwardAttempt.objects.filter(outcome=Outcome.SENDING).count() == 4
        shop.simulator.release()
    assert Order.objects.filter(forward_state=Forward.PLACED).count() == len(orders) == len(shop.accepted())
    assert {a.lane for a in ForwardAttempt.objects.all()} == {1, 2, 3, 4}
    until(lambda: sessions() <= before + 1)
    lanes.end_kept()
    until(lambda: sessions() <= before)


def test_the_session_of_a_lane_serves_the_next_one_and_holds_no_lane_meanwhile(shop: Shop) -> None:
    def session_of(provider: int) -> tuple[int, int, bool]:
        with lanes.take(provider) as lane:
            assert lane is not None
            return lane.number, lane.pid, lane.session.closed

    assert len({session_of(number) for number in (1, 2, 1)}) == 1
    with connection.cursor() as cursor:
        # Of this database: another test on the same server may hold a lane at the same time.
        here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        query = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND {here}"  # noqa: S608
        cursor.execute(query, [lanes.NAMESPACE])
        assert cursor.fetchone() == (0,)


def test_a_kept_session_that_ended_meanwhile_is_replaced(shop: Shop) -> None:
    with lanes.take(1) as lane:
        assert lane is not None
        kept = lane.pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [kept])
    with lanes.take(1) as lane:
        assert lane is not None
        assert lane.pid != kept
        lane.session.execute("SELECT 1")


def test_a_session_whose_work_broke_is_not_kept(shop: Shop) -> None:
    with suppress(ZeroDivisionError), lanes.take(1) as lane:
        assert lane is not None
        broken = lane
        raise ZeroDivisionError
    assert broken.session.closed
    with lanes.take(1) as lane:
        assert lane is not None
        assert lane.pid != broken.pid


def test_more_lanes_join_when_orders_come_while_one_is_busy(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LANES = 3
    shop.simulator.hold_next_add(3)
    for n in range(2):
        shop.buys(alice, link=f"https://example.com/p/{n}")
    with in_background(lambda: dispatch.forward_due(seconds=20)):
        shop.simulator.wait_for_held(2)
        shop.buys(alice, link="https://example.com/p/late")
        assert len(shop.simulator.wait_for_held(3)) == 3
        shop.simulator.release()
    assert len(shop.accepted()) == 3


def test_doubts_pass_the_breakers_limit_by_one_for_each_lane_at_most(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LANES, settings.BREAKER_DOUBTS = 4, 1
    shop.simulator.control(faults={"close_no_answer": 1.0}, actions=["add"])
    for n in range(30):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    dispatch.forward_due(seconds=20)
    assert 1 <= Order.objects.filter(forward_state=Forward.IN_DOUBT).count() <= 1 + 4
    assert ForwardAttempt.objects.filter(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]).count() == 0


def test_a_trial_begins_with_one_balance(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LANES = 3
    BreakerState.objects.create(provider=shop.provider, tripped_at=database_now(), tripped_because="streak", streak=9)
    for n in range(3):
        shop.buys(alice, link=f"https://example.com/p/{n}")
    assert shop.forwards() >= 1
    assert asked(shop, "balance") == 1
    assert [a.is_trial for a in ForwardAttempt.objects.order_by("id")][0]
    assert BreakerState.objects.get().tripped_at is None


def test_no_trial_goes_to_a_provider_that_does_not_answer_about_the_balance(shop: Shop, alice: User) -> None:
    BreakerState.objects.create(provider=shop.provider, tripped_at=database_now(), tripped_because="streak", streak=9)
    shop.simulator.control(faults={"h502_html": 1.0}, actions=["balance"])
    order = shop.buys(alice)
    assert shop.forwards() == 0
    assert not order.attempts.exists()
    shop.simulator.control(calm=True)
    assert shop.forwards() == 1
    assert BreakerState.objects.get().tripped_at is None


def test_a_lane_whose_process_is_stopped_between_two_sends_is_freed(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LEASE_SECONDS, settings.READ_DEADLINE_SECONDS = 0.3, 0.1
    shop.buys(alice)
    with lanes.take(shop.provider.pk) as stopped:
        assert stopped is not None
        assert shop.forwards() == 0
        until(lambda: (leases.expire(now=database_now()), stopped_is_gone(stopped))[1])
        assert shop.forwards() == 1


def stopped_is_gone(lane: lanes.Lane) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [lane.pid])
        return bool(cursor.fetchone()[0] == 0)


def followed(shop: Shop, alice: User, number: int) -> None:
    """Placed orders that are due to be asked about, all of them."""
    for n in range(number):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    shop.forwards()
    Order.objects.update(next_poll_at=database_now())


def test_several_calls_ask_about_every_order_once(shop: Shop, alice: User, settings: Any) -> None:
    settings.POLL_LANES, settings.POLL_SECONDS = 4, 60
    shop.provider.batch_size = 5
    shop.provider.save()
    followed(shop, alice, 30)
    assert poll.follow_due(seconds=20) == 30
    assert asked(shop, "status") == 6
    assert not Order.objects.filter(answered_at=None).exists()
    assert PollSchedule.objects.get().busy == []


def test_calls_of_other_workers_count_and_those_of_dead_ones_do_not(shop: Shop, alice: User, settings: Any) -> None:
    settings.POLL_LANES = 2
    followed(shop, alice, 1)
    now = database_now()
    others = [now + timedelta(seconds=60)] * 2
    PollSchedule.objects.create(provider=shop.provider, next_call_at=now, busy=others)
    assert poll.follow_due(seconds=5) == 0
    PollSchedule.objects.update(busy=[now - timedelta(seconds=1)] * 2)
    assert poll.follow_due(seconds=5) == 1


def test_the_pace_is_one_for_all_workers(shop: Shop, settings: Any) -> None:
    settings.POLL_CALLS_PER_MINUTE = 60
    rate_limit.add_schedule(shop.provider.pk, now=database_now())
    workers = [rate_limit.Turns(shop.provider.pk, SteadyClock()) for _ in range(2)]
    assert workers[0].take(elapsed_clock(), anyway=True)
    assert not workers[1].take(elapsed_clock() + 0.3, anyway=True)


def test_a_complaint_halves_the_pace_for_a_while(shop: Shop, settings: Any) -> None:
    settings.POLL_CALLS_PER_MINUTE, settings.POLL_SECONDS = 6000, 120
    clock = SteadyClock()
    rate_limit.add_schedule(shop.provider.pk, now=clock.now())
    for _ in range(2):
        rate_limit.slow_down(shop.provider.pk, wait=0, now=clock.now())
    before = clock.now()
    rate_limit.Turns(shop.provider.pk, clock).take(elapsed_clock() + 1, anyway=True)
    next_call_at = PollSchedule.objects.get().next_call_at
    assert next_call_at - before > timedelta(milliseconds=20)
    assert next_call_at - clock.now() <= timedelta(milliseconds=40)
    PollSchedule.objects.update(halved_at=clock.now() - timedelta(seconds=5 * 120 * 2), next_call_at=clock.now())
    rate_limit.Turns(shop.provider.pk, clock).take(elapsed_clock() + 1, anyway=True)
    assert PollSchedule.objects.get().next_call_at - clock.now() <= timedelta(milliseconds=10)


def test_a_provider_that_says_429_is_left_alone_as_long_as_it_asks(shop: Shop, alice: User) -> None:
    followed(shop, alice, 3)
    shop.simulator.control(script=["h429"], actions=["status"])
    poll.follow_due(seconds=1)
    schedule = PollSchedule.objects.get()
    assert schedule.halvings == 1
    assert Order.objects.filter(answered_at=None).count() == 3
    assert not Alert.objects.filter(cause__startswith="failure:").exists()


def test_a_flood_of_young_orders_never_starves_an_old_one(shop: Shop, alice: User, settings: Any) -> None:
    """Young orders come due again faster than they can be asked about; the old one still gets its turn."""
    settings.POLL_LANES, settings.POLL_SECONDS = 1, 60
    shop.provider.batch_size = 5
    shop.provider.save()
    followed(shop, alice, 40)
    old = Order.objects.order_by("id").last()
    assert old is not None
    now = database_now()
    Order.objects.filter(pk=old.pk).update(next_poll_at=now, placed_at=now - timedelta(days=40))
    taken = 0
    while taken < 12:
        taken += 1
        # Whatever was asked about is due again at once, as in a shop with more young orders than calls.
        young = Order.objects.exclude(pk=old.pk)
        young.filter(next_poll_at__gt=database_now()).update(next_poll_at=database_now())
        batch = poll.claim_batch(shop.provider, now=database_now())
        assert len(batch.asked) == 5
        if old.pk in batch.ids.values():
            break
    assert taken <= 8, "it waited longer than the orders that were due before it"


@pytest.mark.parametrize("number", [1, 511, 512, 40_000, 2**31 - 1])
def test_a_provider_of_any_number_has_its_lanes(number: int) -> None:
    with lanes.take(number) as lane:
        assert lane is not None
