"""Attempts whose sender is gone: released when nothing can have left, in doubt when something may have."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Manager

from core.existence import any_exists
from notices.containment import contained
from orders import lifecycle
from orders.forwarding import lanes, outcomes, refill_sends, repeats
from orders.forwarding.lanes import Lane
from orders.models import EventKind, ForwardAttempt, Order, RefillAttempt, RepeatAttempt
from orders.states import Forward, Outcome, sql_list
from orders.timetable import backoff

UNDER_WAY = (Outcome.CLAIMED, Outcome.SENDING)

# Asked each time a lane is taken, so in one query for all kinds; written as the partial indexes are.
_OF_LANE = f"WHERE provider_id = %(provider)s AND lane = %(lane)s AND outcome IN ({sql_list(UNDER_WAY)})"
_LEFT = f"""
    SELECT EXISTS (SELECT FROM orders_forwardattempt {_OF_LANE}) OR EXISTS (SELECT FROM orders_refillattempt {_OF_LANE})
        OR EXISTS (SELECT FROM orders_repeatattempt {_OF_LANE})
"""  # noqa: S608 - a constant of this module

_LIVING = """
    SELECT a.pid, a.backend_start FROM pg_stat_activity a
    WHERE (a.pid, a.backend_start) IN (SELECT * FROM unnest(%s::int[], %s::timestamptz[]))
"""
_END_SESSION = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"


def give_up_lane(lane: Lane, *, now: datetime) -> int:
    """Give up what an earlier holder of the lane left under way; return how many attempts.

    For a new holder: the earlier one has lost the lane, so it can send no more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, {"provider": lane.provider_id, "lane": lane.number})
        if cursor.fetchone() == (False,):
            return 0
    given_up = 0
    for attempts, give_up in _KINDS:
        left = attempts.filter(provider_id=lane.provider_id, lane=lane.number, outcome__in=UNDER_WAY).order_by("id")
        given_up += sum([give_up(a, now) for a in left])
    return given_up


def expire(*, now: datetime) -> int:
    """Give up attempts whose session is gone or whose lease is over; return how many.

    A session that outlives its attempt's lease belongs to a process that hangs: it is ended, so that its lane is free
    and a permit it might still ask for fails. So is one that holds a lane and does nothing with it.
    """
    given_up = 0
    lanes.end_idle()
    if not any_exists(*(attempts.filter(outcome__in=UNDER_WAY) for attempts, _give_up in _KINDS)):
        return 0
    for attempts, give_up in _KINDS:
        under_way = list(attempts.filter(outcome__in=UNDER_WAY).order_by("id"))
        if not under_way:
            continue
        with connection.cursor() as cursor:
            cursor.execute(_LIVING, [[a.lane_pid for a in under_way], [a.lane_started for a in under_way]])
            living = set(cursor.fetchall())
        for attempt in under_way:
            session = (attempt.lane_pid, attempt.lane_started)
            if session in living:
                if attempt.leased_until > now:
                    continue
                with connection.cursor() as cursor:
                    cursor.execute(_END_SESSION, session)
            with contained(f"giving up attempt {attempt.pk}"):
                given_up += give_up(attempt, now)
    return given_up


def give_up_forward(attempt: ForwardAttempt, now: datetime) -> int:
    """Queue the order again if nothing can have left, else put it in doubt; return 0 if it was recorded after all."""
    with transaction.atomic():
        order = Order.objects.select_for_update(of=("self",)).select_related("provider").get(pk=attempt.order_id)
        current = ForwardAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.outcome == Outcome.CLAIMED:
            ForwardAttempt.objects.filter(pk=current.pk).update(outcome=Outcome.RELEASED, reason="its sender went away")
            pause = timedelta() if order.tries < 2 else backoff(order.tries)
            lifecycle.move(
                order_id=order.pk,
                old=Forward.CLAIMED,
                new=Forward.QUEUED,
                now=now,
                kind=EventKind.REQUEUED,
                detail={"reason": "lease"},
                next_at=now + pause,
            )
        elif current.outcome == Outcome.SENDING:
            ForwardAttempt.objects.filter(pk=current.pk).update(outcome=Outcome.IN_DOUBT, reason="its sender went away")
            outcomes.put_in_doubt(order, now=now, attempt=current)
        else:
            return 0
    return 1


_KINDS: tuple[tuple[Manager[Any], Callable[[Any, datetime], int]], ...] = (
    (ForwardAttempt.objects, give_up_forward),
    (RefillAttempt.objects, refill_sends.give_up_refill),
    (RepeatAttempt.objects, repeats.give_up_repeat),
)
