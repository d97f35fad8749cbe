"""Whose turn it is to ask a provider about orders: pace and number of calls, over all workers, in one row.

A turn is taken and the next one set in the same statement, so that two workers never count on the same one. A worker
that dies keeps its place only until its call must have ended.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from core.clock import SteadyClock, elapsed_clock
from orders.models import PollSchedule

#: What a call may last beyond its deadline, until its answer is applied.
_SLACK = timedelta(seconds=30)
_MOST_HALVINGS = 6
#: A pace that was halved doubles again after so many times POLL_SECONDS without a complaint.
_PATIENCE = 5

# The pace as it is now: each complaint halves it, and time takes the halvings back one by one.
_HALVINGS = """greatest(0, d.halvings - floor(
    extract(epoch FROM %(now)s - coalesce(d.halved_at, %(now)s)) / %(patience)s
))::int"""

_TAKE = f"""
    UPDATE orders_pollschedule d SET
        next_call_at = greatest(d.next_call_at, %(now)s) + %(gap)s * power(2, {_HALVINGS}),
        busy = array_append(
            ARRAY(SELECT b FROM unnest(d.busy) b WHERE b > %(now)s AND b IS DISTINCT FROM %(mine)s),
            greatest(d.next_call_at, %(now)s) + %(lasts)s
        )
    WHERE d.provider_id = %(provider)s AND d.next_call_at <= %(latest)s
        AND (SELECT count(*) FROM unnest(d.busy) b WHERE b > %(now)s AND b IS DISTINCT FROM %(mine)s) < %(lanes)s
        AND (
            %(anyway)s
            OR EXISTS (SELECT FROM orders_order o WHERE o.provider_id = d.provider_id AND o.next_poll_at <= %(now)s)
            OR EXISTS (SELECT FROM orders_childorder c WHERE c.provider_id = d.provider_id
                AND c.next_poll_at <= %(now)s)
        )
    RETURNING d.busy[cardinality(d.busy)]
"""  # noqa: S608 - a constant of this module

_SLOW_DOWN = f"""
    UPDATE orders_pollschedule d SET
        halvings = least({_HALVINGS} + 1, %(most)s), halved_at = %(now)s,
        next_call_at = greatest(d.next_call_at, %(now)s + %(wait)s)
    WHERE d.provider_id = %(provider)s
"""  # noqa: S608 - a constant of this module


@dataclass
class Turns:
    """The turns of one thread at one provider."""

    provider_id: int
    clock: SteadyClock
    _mine: datetime | None = None

    def take(self, until: float, *, anyway: bool = False) -> bool:
        """Wait for a turn; False, without waiting, when there is none before ``until`` or nothing to ask about.

        ``anyway`` when the caller knows of something to ask. Ends the turn taken before. Who has had none may have one
        that is free even when the time is over: a share that is too short must not mean never.
        """
        if self._mine is not None and elapsed_clock() >= until:
            return False
        now, lasts = self.clock.now(), timedelta(seconds=settings.READ_DEADLINE_SECONDS) + _SLACK
        values: dict[str, Any] = {
            "provider": self.provider_id,
            "now": now,
            "latest": now + timedelta(seconds=max(0.0, until - elapsed_clock())),
            "gap": timedelta(minutes=1) / settings.POLL_CALLS_PER_MINUTE,
            "lasts": lasts,
            "lanes": settings.POLL_LANES,
            "patience": _PATIENCE * settings.POLL_SECONDS,
            "mine": self._mine,
            "anyway": anyway,
        }
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            row = cursor.fetchone()
        if row is None:
            return False
        self._mine = row[0]
        time.sleep(max(0.0, (row[0] - lasts - self.clock.now()).total_seconds()))
        return True

    def end(self) -> None:
        """Give the last turn back."""
        if self._mine is not None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE orders_pollschedule SET busy = array_remove(busy, %s) WHERE provider_id = %s",
                    [self._mine, self.provider_id],
                )


@contextmanager
def turns_at(provider_id: int) -> Iterator[Turns]:
    """The turns of this thread at a provider, the last one given back at the end."""
    clock = SteadyClock()
    add_schedule(provider_id, now=clock.now())
    turns = Turns(provider_id, clock)
    try:
        yield turns
    finally:
        turns.end()


def add_schedule(provider_id: int, *, now: datetime) -> None:
    """Make the row of a provider that was never asked before."""
    PollSchedule.objects.bulk_create([PollSchedule(provider_id=provider_id, next_call_at=now)], ignore_conflicts=True)


def slow_down(provider_id: int, *, wait: float, now: datetime) -> None:
    """The provider complained of too many calls: half the pace from now on, and none for ``wait`` seconds."""
    values: dict[str, Any] = {
        "provider": provider_id,
        "now": now,
        "wait": timedelta(seconds=wait),
        "most": _MOST_HALVINGS,
        "patience": _PATIENCE * settings.POLL_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SLOW_DOWN, values)
