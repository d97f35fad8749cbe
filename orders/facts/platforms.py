"""What became of the orders for each platform: day by day, in the last hour, and of those that were held back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from catalog.facts.figures import ENOUGH
from orders.facts.days import IS_HELD, bounds_of
from orders.models.order import SUBSCRIPTIONS
from orders.states import Forward, Progress, sql_list

_HOUR = timedelta(hours=1)

_DAYS = """
    SELECT s.platform, d.day, sum(d.orders)::int, sum(d.held)::int,
           sum(d.whole)::int, sum(d.whole + d.partial + d.canceled)::int
    FROM catalog_serviceday d JOIN catalog_service s ON s.id = d.service_id
    WHERE d.day > %(since)s AND d.day <= %(today)s GROUP BY s.platform, d.day
"""
_STARTS = """
    SELECT s.platform, d.day, t.key::int, sum(t.value::int)::int
    FROM catalog_serviceday d JOIN catalog_service s ON s.id = d.service_id, jsonb_each_text(d.start_times) t
    WHERE d.day > %(since)s AND d.day <= %(today)s GROUP BY s.platform, d.day, t.key
"""
# An order that has not started yet has waited for as long as it is old. Children of drip-feeds and subscriptions have
# times of their own, and the time of one that waits for another order of its customer is not the shop's.
_LAST_HOUR = f"""
    SELECT s.platform, count(*)::int,
           percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM coalesce(o.started_at, %(now)s) - o.created_at))::float8
    FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
    WHERE o.created_at > %(since)s AND o.runs IS NULL AND o.service_type <> '{SUBSCRIPTIONS}'
      AND o.waits_for_id IS NULL
      AND o.forward_state NOT IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))})
    GROUP BY s.platform
"""  # noqa: S608 - states
_WAITING = f"""
    SELECT s.platform, count(*)::int, min(o.created_at)
    FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
    WHERE o.forward_state = '{Forward.QUEUED}' AND {IS_HELD} GROUP BY s.platform
"""  # noqa: S608 - a state and a condition of ours
_HELD = f"""
    SELECT count(*)::int,
           count(*) FILTER (WHERE o.forward_state = '{Forward.PLACED}'
                            AND o.progress IN ('{Progress.COMPLETED}', '{Progress.PARTIAL}'))::int,
           count(*) FILTER (WHERE o.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))})
                            OR o.progress IN ({sql_list((Progress.CANCELED, Progress.REFUNDED))}))::int,
           coalesce(sum(o.refunded), 0), min(o.created_at), max(coalesce(o.sent_at, o.finished_at))
    FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
    WHERE o.created_at >= %(begins)s AND o.created_at < %(ends)s AND s.platform = %(platform)s AND {IS_HELD}
"""  # noqa: S608 - states and a condition of ours


@dataclass
class PlatformDay:
    """One day of a platform's orders; ``whole`` of ``ended`` were delivered whole."""

    orders: int = 0
    held: int = 0
    whole: int = 0
    ended: int = 0
    starts: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOrders:
    """What became of orders that were held back; ``refunded`` is in the shop's currency.

    ``last`` is when the last of them was sent or ended, None while none was. Of a few, no amount and no time is shown:
    they may be one customer's.
    """

    n: int
    delivered: int
    canceled: int
    refunded: Decimal
    first: datetime | None
    last: datetime | None

    @property
    def is_few(self) -> bool:
        return self.n < ENOUGH


def days_of_platforms(*, since: date, today: date) -> dict[str, dict[date, PlatformDay]]:
    """Return the days after ``since`` of each platform that had orders; two queries."""
    found: dict[str, dict[date, PlatformDay]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"since": since, "today": today})
        for platform, day, orders, held, whole, ended in cursor.fetchall():
            found.setdefault(platform, {})[day] = PlatformDay(orders, held, whole, ended)
        cursor.execute(_STARTS, {"since": since, "today": today})
        for platform, day, step, n in cursor.fetchall():
            found.setdefault(platform, {}).setdefault(day, PlatformDay()).starts[step] = n
    return found


def starts_in_last_hour(*, now: datetime) -> dict[str, tuple[int, timedelta]]:
    """Return how many orders each platform got in the last hour, and the median time that they took to start."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_HOUR, {"now": now, "since": now - _HOUR})
        return {platform: (n, timedelta(seconds=max(0, half))) for platform, n, half in cursor.fetchall()}


def waiting_by_platform() -> dict[str, tuple[int, datetime]]:
    """Return how many orders of each platform the shop holds back now, and when the oldest of them was placed."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return {platform: (n, since) for platform, n, since in cursor.fetchall()}


def held_orders(platform: str, first: date, last: date) -> HeldOrders:
    """Return what became of the orders of a platform that were placed on these days and held back."""
    values: dict[str, Any] = {"platform": platform, "begins": bounds_of(first)[0], "ends": bounds_of(last)[1]}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, values)
        return HeldOrders(*cursor.fetchone())


def added_starts(days: Iterable[PlatformDay]) -> dict[int, int]:
    """Return the times to start of several days as one histogram."""
    total: dict[int, int] = {}
    for day in days:
        for step, n in day.starts.items():
            total[step] = total.get(step, 0) + n
    return total
