"""What was measured about a category over seven days: how soon orders start, and how many are delivered whole."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from catalog.facts.figures import ENOUGH, WEEK
from catalog.facts.histogram import size, within
from core.clock import database_now

# One row for each step of the times to start, and one without a step for how the orders ended.
_WEEK = """
    WITH week AS MATERIALIZED (
        SELECT d.whole, d.partial, d.canceled, d.start_times
        FROM catalog_serviceday d JOIN catalog_service s ON s.id = d.service_id
        WHERE s.category_id = %(category)s AND s.is_visible AND d.day > %(since)s AND d.day <= %(today)s
    )
    SELECT NULL::int, coalesce(sum(whole), 0)::int, coalesce(sum(whole + partial + canceled), 0)::int FROM week
    UNION ALL
    SELECT t.key::int, sum(t.value::int)::int, NULL FROM week, jsonb_each_text(start_times) t GROUP BY t.key
"""


@dataclass(frozen=True)
class CategoryFacts:
    """``starts`` is the median time to start of ``started`` orders, ``whole`` the percent delivered whole of ``ended``.

    Both are None where fewer than `ENOUGH` orders say.
    """

    starts: timedelta | None
    started: int
    whole: int | None
    ended: int


def category_facts(category_id: int) -> CategoryFacts:
    """Return what was measured about the shown services of a category; one query, and one for the time."""
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    starts: dict[int, int] = {}
    whole = ended = 0
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"category": category_id, "since": today - timedelta(days=WEEK), "today": today}
        cursor.execute(_WEEK, values)
        for step, n, of in cursor.fetchall():
            if step is None:
                whole, ended = n, of
            else:
                starts[step] = n
    seconds = within(starts, 5) if size(starts) >= ENOUGH else None
    return CategoryFacts(
        starts=None if seconds is None else timedelta(seconds=seconds),
        started=size(starts),
        whole=whole * 100 // ended if ended >= ENOUGH else None,
        ended=ended,
    )
