"""How soon orders started in the last seven days, in the whole shop: added up when days are counted, then only read."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.core.cache import cache
from django.db import connection

from catalog.facts.figures import WEEK
from catalog.facts.histogram import size, within

_KEY = "week-in-orders"
#: Days are counted every ten minutes; when nothing counts them for a day, nothing is said about the week.
_SECONDS = 86_400
_STARTS = """
    SELECT t.key::int, sum(t.value::int)::int
    FROM catalog_serviceday d, jsonb_each_text(d.start_times) t
    WHERE d.day > %(since)s AND d.day <= %(today)s GROUP BY t.key
"""


@dataclass(frozen=True)
class WeekInOrders:
    """``started`` orders of the last seven days, half of them within ``half``; None where none has started."""

    started: int
    half: timedelta | None


def add_up_week(*, today: date) -> None:
    """Add up the starts of the seven days that end with ``today``, for :func:`week_in_orders`."""
    with connection.cursor() as cursor:
        cursor.execute(_STARTS, {"since": today - timedelta(days=WEEK), "today": today})
        times = dict(cursor.fetchall())
    cache.set(_KEY, [size(times), within(times, 5)], _SECONDS)


def week_in_orders() -> WeekInOrders:
    """Return the week as it was added up last; one read by key."""
    started, seconds = cache.get(_KEY) or (0, None)
    return WeekInOrders(started, None if seconds is None else timedelta(seconds=seconds))
