"""One measured sentence for the home page."""

from dataclasses import dataclass
from datetime import timedelta

from django import template
from django.core.cache import cache
from django.db import connection

from orders.states import Progress

register = template.Library()

CACHE_SECONDS = 300


@dataclass(frozen=True)
class Week:
    """Orders completed in the last seven days; half of them took no longer than ``half_took`` from placement."""

    completed: int
    half_took: timedelta | None


@register.simple_tag
def week_in_orders() -> Week:
    """Last week's figures, measured anew after CACHE_SECONDS; without a completed order, each time."""
    kept = cache.get("week-in-orders")
    if kept is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*),"
                " extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY finished_at - created_at))"
                " FROM orders_order WHERE progress = %s AND finished_at >= statement_timestamp() - interval '7 days'",
                [Progress.COMPLETED],
            )
            completed, seconds = cursor.fetchone()
        kept = [completed, None if seconds is None else float(seconds)]
        if completed:  # a new shop's first order should not wait to be shown
            cache.set("week-in-orders", kept, CACHE_SECONDS)
    completed, seconds = kept
    return Week(completed, None if seconds is None else timedelta(seconds=seconds))
