"""Counts one day of placement from its orders and refills: the rows of all services, replaced in one go."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from catalog.facts.histogram import BOUNDS
from orders.states import Forward, Progress, RefillState, sql_list
from upstream.errors import ErrorClass
from upstream.service_types import SERVICE_TYPES, PricedBy, QuantitySource

#: Of smaller orders the time for 1,000 would be a guess.
LEAST_UNITS = 100
_LEFT = "coalesce(o.sent_at, o.finished_at, statement_timestamp()) - interval '15 minutes'"
#: Whether the shop held order ``o`` back. While it waits for another order of its customer's link, it does not: what
#: counts then is the time after the last earlier order for that link has ended, since nothing else says when it did.
IS_HELD = f"""({_LEFT} >= o.created_at AND o.last_refusal <> '{ErrorClass.DUPLICATE_LINK}'
    AND (o.waits_for_id IS NULL
         OR (o.forward_state <> '{Forward.QUEUED}' OR o.next_at IS NOT NULL)
            AND coalesce({_LEFT} >= (SELECT max(coalesce(b.finished_at, 'infinity')) FROM orders_order b
                                     WHERE b.link_key = o.link_key AND b.customer_id = o.customer_id
                                         AND b.service_id = o.service_id AND b.id < o.id), false)))"""  # noqa: S608 - states

_SUBSCRIPTIONS = sql_list(kind.name for kind in SERVICE_TYPES if kind.quantity_from is QuantitySource.NONE)
#: Types that deliver a quantity somebody typed, priced per 1,000: what their orders take can be scaled to 1,000.
_SCALED = sql_list(
    kind.name
    for kind in SERVICE_TYPES
    if kind.quantity_from is QuantitySource.FIELD and kind.priced_by is PricedBy.THOUSAND
)


def _step_of(span: str, scaled: str = "") -> str:
    """The step of a span of time in whole seconds; NULL where it is, since ``greatest`` would make that 0."""
    seconds = f"floor(greatest(0, extract(epoch FROM {span})) {scaled})::bigint"
    return f"CASE WHEN {span} IS NOT NULL THEN width_bucket({seconds}, %(bounds)s::bigint[]) END"


def _counts_by_step(column: str, table: str) -> str:
    """The histogram of a column of steps: one row for each service that has any."""
    return f"""
        SELECT service_id, jsonb_object_agg(step, n) AS times
        FROM (SELECT service_id, {column} AS step, count(*) AS n FROM {table}
              WHERE {column} IS NOT NULL GROUP BY service_id, {column}) s
        GROUP BY service_id
    """  # noqa: S608 - names of this module


# placed: the orders of the day; those that deliver to one link at once are plain.
# refill: their refills.
# A clock that was set back makes no time negative. An order that waited for another one of its customer says nothing of
# how soon orders start.
_COUNT = f"""
    WITH placed AS MATERIALIZED (
        SELECT id, service_id, total, remains, is_plain, is_whole, is_partial, is_canceled, is_held,
               CASE WHEN is_plain AND waits_for_id IS NULL THEN {_step_of("started_at - created_at")} END AS start,
               CASE WHEN is_plain AND progress = '{Progress.COMPLETED}' AND total >= {LEAST_UNITS}
                         AND service_type IN ({_SCALED})
                    THEN {_step_of("finished_at - started_at", "* 1000 / total")} END AS thousand
        FROM orders_order o CROSS JOIN LATERAL (SELECT
            o.runs IS NULL AND o.service_type NOT IN ({_SUBSCRIPTIONS}) AS is_plain,
            o.forward_state = '{Forward.PLACED}' AND (o.progress = '{Progress.COMPLETED}'
                OR (o.progress = '{Progress.EXPIRED}' AND coalesce(o.remains, 0) <= 0)) AS is_whole,
            o.forward_state = '{Forward.PLACED}' AND (o.progress = '{Progress.PARTIAL}'
                OR (o.progress = '{Progress.EXPIRED}' AND o.remains > 0)) AS is_partial,
            o.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))})
                OR (o.forward_state = '{Forward.PLACED}'
                    AND o.progress IN ({sql_list((Progress.CANCELED, Progress.REFUNDED))})) AS is_canceled,
            {IS_HELD} AS is_held
        ) kind
        WHERE o.created_at >= %(begins)s AND o.created_at < %(ends)s
    ), refill AS MATERIALIZED (
        SELECT p.service_id, r.state, CASE WHEN r.state = '{RefillState.COMPLETED}'
                                           THEN {_step_of("r.finished_at - r.created_at")} END AS took
        FROM placed p JOIN orders_refill r ON r.order_id = p.id
    ), counts AS (
        SELECT service_id, count(*) AS orders,
               count(*) FILTER (WHERE is_whole) AS whole,
               count(*) FILTER (WHERE is_partial) AS partial,
               count(*) FILTER (WHERE is_canceled) AS canceled,
               count(*) FILTER (WHERE is_held) AS held,
               coalesce(sum(total) FILTER (WHERE is_plain AND (is_whole OR is_partial OR is_canceled)), 0) AS ordered,
               coalesce(sum(CASE WHEN is_whole THEN total ELSE total - greatest(0, least(remains, total)) END)
                        FILTER (WHERE is_plain AND (is_whole OR (is_partial AND remains IS NOT NULL))), 0) AS delivered
        FROM placed GROUP BY service_id
    ), refills AS (
        SELECT service_id, count(*) AS asked, count(*) FILTER (WHERE state = '{RefillState.COMPLETED}') AS done,
               count(*) FILTER (WHERE state IN ({sql_list((RefillState.REJECTED, RefillState.UNANSWERED))})) AS declined
        FROM refill GROUP BY service_id
    ), start_times AS ({_counts_by_step("start", "placed")}),
    thousand_times AS ({_counts_by_step("thousand", "placed")}),
    refill_times AS ({_counts_by_step("took", "refill")})
    INSERT INTO catalog_serviceday (service_id, day, orders, whole, partial, canceled, held, ordered, delivered,
                                    refills, refilled, refills_declined, start_times, thousand_times, refill_times)
    SELECT c.service_id, %(day)s, c.orders, c.whole, c.partial, c.canceled, c.held, c.ordered, c.delivered,
           coalesce(r.asked, 0), coalesce(r.done, 0), coalesce(r.declined, 0),
           coalesce(s.times, '{{}}'), coalesce(t.times, '{{}}'), coalesce(f.times, '{{}}')
    FROM counts c LEFT JOIN refills r USING (service_id) LEFT JOIN start_times s USING (service_id)
    LEFT JOIN thousand_times t USING (service_id) LEFT JOIN refill_times f USING (service_id)
    ORDER BY c.service_id
    RETURNING service_id
"""  # noqa: S608 - states, types and names of columns


def day_of(moment: datetime) -> date:
    """Return the day of the shop's time zone that a moment lies in."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """Return the moments at which a day of the shop's time zone begins and ends."""
    zone = timezone.get_default_timezone()
    begins, ends = (datetime.combine(d, time.min, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return begins, ends


def count_day(day: date) -> set[int]:
    """Count the day anew, in the caller's transaction; return the services that have, or had, orders on it."""
    begins, ends = bounds_of(day)
    values: dict[str, Any] = {"day": day, "begins": begins, "ends": ends, "bounds": list(BOUNDS)}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_serviceday WHERE day = %(day)s RETURNING service_id", values)
        services = {pk for (pk,) in cursor.fetchall()}
        cursor.execute(_COUNT, values)
        return services | {pk for (pk,) in cursor.fetchall()}
