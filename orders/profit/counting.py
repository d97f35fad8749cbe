"""Counts the money of a stretch of time from its transfers: the whole shop by the hour, services and customers by day.

Money counts at the time of its transfer. An order's cost counts when its hold was closed, by the last transfer that
took from it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection

from billing.models import AccountKind, Code
from orders.facts.days import bounds_of
from orders.states import Forward, sql_list

_CLOSING = sql_list((Code.SETTLE, Code.REFUND))

#: What order ``o`` costs, as `orders.books.margins.cost_of` says it, rounded up exactly: a quotient of numerics is not.
COST = f"""CASE
    WHEN o.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))}) THEN 0
    WHEN o.provider_charge IS NOT NULL AND o.expected_charge > 0
         AND o.answered_currency IN ('', o.provider_currency)
    THEN (div(o.expected_cost * o.provider_charge * 100000, o.expected_charge)
          + (mod(o.expected_cost * o.provider_charge * 100000, o.expected_charge) > 0)::int) * 0.00001
    ELSE (div(o.expected_cost * (o.charge - o.refunded) * 100000, o.charge)
          + (mod(o.expected_cost * (o.charge - o.refunded) * 100000, o.charge) > 0)::int) * 0.00001
END"""

# moved: the transfers of the stretch, with the kinds of the shop's own accounts that they touch.
# ended: orders whose hold was closed in it, with their cost.
_MOVED = f"""
    own AS MATERIALIZED (SELECT id, kind FROM billing_account WHERE customer_id IS NULL),
    moved AS MATERIALIZED (
        SELECT t.id, t.code, t.reference, t.amount, s.kind AS source, g.kind AS target,
               date_bin('1 hour', t.created_at, %(begins)s) AS hour
        FROM billing_transfer t LEFT JOIN own s ON s.id = t.source_id LEFT JOIN own g ON g.id = t.target_id
        WHERE t.created_at >= %(begins)s AND t.created_at < %(ends)s
    ),
    ended AS MATERIALIZED (
        SELECT c.reference, c.hour, {COST} AS cost
        FROM (SELECT DISTINCT ON (reference) reference, hour FROM moved WHERE code IN ({_CLOSING})
              ORDER BY reference, id DESC) c
        JOIN billing_hold h ON h.reference = c.reference AND h.charged = h.earned + h.refunded
        JOIN orders_order o ON o.id = split_part(c.reference, ':', 2)::bigint
        WHERE NOT EXISTS (SELECT FROM billing_transfer l WHERE l.reference = c.reference AND l.code IN ({_CLOSING})
                          AND l.created_at >= %(ends)s)
    )
"""  # noqa: S608 - states, codes and names of columns


def _net_of(kind: AccountKind) -> str:
    """What the accounts of a kind paid less what came back."""
    paid, back = (f"sum(amount) FILTER (WHERE {side} = '{kind}')" for side in ("source", "target"))
    return f"coalesce({paid}, 0) - coalesce({back}, 0)"


#: The columns of `MoneyHour`, in the order in which _HOURS selects them.
HOUR_COLUMNS = (
    "hour", "orders", "customers", "earned", "refunded", "late_refunds", "cost", "fees", "bonuses", "losses", "topups",
)  # fmt: skip
_HOURS = f"""
    WITH {_MOVED}, money AS (
        SELECT hour, count(*) FILTER (WHERE code = '{Code.HOLD}') AS orders,
               coalesce(sum(amount) FILTER (WHERE target = '{AccountKind.REVENUE}'), 0) AS earned,
               coalesce(sum(amount) FILTER (WHERE code = '{Code.REFUND}'), 0) AS refunded,
               coalesce(sum(amount) FILTER (WHERE source = '{AccountKind.REVENUE}'), 0) AS late_refunds,
               {_net_of(AccountKind.FEES)} AS fees, {_net_of(AccountKind.BONUS)} AS bonuses,
               {_net_of(AccountKind.LOSS)} AS losses,
               coalesce(sum(amount) FILTER (WHERE code = '{Code.TOPUP}'), 0) AS topups
        FROM moved GROUP BY hour
    ), costs AS (SELECT hour, sum(cost) AS cost FROM ended GROUP BY hour),
    joined AS (
        SELECT date_bin('1 hour', date_joined, %(begins)s) AS hour, count(*) AS customers FROM accounts_user
        WHERE date_joined >= %(begins)s AND date_joined < %(ends)s AND NOT is_staff GROUP BY 1
    )
    SELECT hour, coalesce(orders, 0), coalesce(customers, 0), coalesce(earned, 0), coalesce(refunded, 0),
           coalesce(late_refunds, 0), coalesce(cost, 0), coalesce(fees, 0), coalesce(bonuses, 0), coalesce(losses, 0),
           coalesce(topups, 0)
    FROM money FULL JOIN costs USING (hour) FULL JOIN joined USING (hour)
"""  # noqa: S608 - codes, kinds and names of columns

#: What the orders of a day moved: one row for each order.
_ORDERS = f"""
    WITH {_MOVED}, per_order AS (
        SELECT o.service_id, o.provider_id, o.customer_id, m.*, (e.reference IS NOT NULL)::int AS ended,
               coalesce(e.cost, 0) AS cost
        FROM (
            SELECT reference, count(*) FILTER (WHERE code = '{Code.HOLD}') AS orders,
                   coalesce(sum(amount) FILTER (WHERE code = '{Code.SETTLE}'), 0) AS earned,
                   coalesce(sum(amount) FILTER (WHERE code = '{Code.REFUND}'), 0) AS refunded,
                   coalesce(sum(amount) FILTER (WHERE code = '{Code.LATE_REFUND}'), 0) AS late_refunds
            FROM moved
            WHERE code IN ({sql_list((Code.HOLD, Code.SETTLE, Code.REFUND, Code.LATE_REFUND))})
            GROUP BY reference
        ) m
        JOIN orders_order o ON o.id = split_part(m.reference, ':', 2)::bigint
        LEFT JOIN ended e ON e.reference = m.reference
    )
"""  # noqa: S608 - codes and names of columns
_SUMS = "sum(orders), sum(ended), sum(earned), sum(refunded), sum(late_refunds), sum(cost)"
_KEEP_DAY = f"""
    {_ORDERS}, by_customer AS (
        INSERT INTO orders_customermoneyday
               (day, customer_id, orders, ended, earned, refunded, late_refunds, cost)
        SELECT %(day)s, customer_id, {_SUMS} FROM per_order GROUP BY customer_id
    )
    INSERT INTO orders_moneyday (day, service_id, provider_id, orders, ended, earned, refunded, late_refunds, cost)
    SELECT %(day)s, service_id, provider_id, {_SUMS} FROM per_order GROUP BY service_id, provider_id
"""  # noqa: S608 - names of columns
#: What a report may ask of a day that is not over.
_LIVE_BY: Mapping[str, str] = {
    "service": "service_id, provider_id",
    "customer": "customer_id",
}


def hours_between(begins: datetime, ends: datetime) -> list[tuple[Any, ...]]:
    """Count a stretch that begins with an hour; return a row of HOUR_COLUMNS for each hour with a movement."""
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, {"begins": begins, "ends": ends})
        return cursor.fetchall()


def live_sums(by: str, begins: datetime, ends: datetime) -> list[tuple[Any, ...]]:
    """Count what orders moved in a stretch; return keys and orders, ended, earned, refunded, late refunds and cost.

    ``by`` is "service", whose keys are service and provider, or "customer".
    """
    keys = _LIVE_BY[by]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_ORDERS} SELECT {keys}, {_SUMS} FROM per_order GROUP BY {keys}",  # noqa: S608 - names of columns
            {"begins": begins, "ends": ends},
        )
        return cursor.fetchall()


def keep_hours(begins: datetime, ends: datetime) -> None:
    """Count the hours of a stretch anew, in the caller's transaction."""
    names = ", ".join(HOUR_COLUMNS)
    values = {"begins": begins, "ends": ends}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_moneyhour WHERE hour >= %(begins)s AND hour < %(ends)s", values)
        cursor.execute(f"INSERT INTO orders_moneyhour ({names}) {_HOURS}", values)  # noqa: S608 - names of columns


def keep_day(day: date, until: datetime) -> None:
    """Count what services and customers moved on a day, up to a moment of it, anew, in the caller's transaction."""
    values = {"day": day, "begins": bounds_of(day)[0], "ends": until}
    with connection.cursor() as cursor:
        for table in ("orders_moneyday", "orders_customermoneyday"):
            cursor.execute(f"DELETE FROM {table} WHERE day = %(day)s", values)  # noqa: S608 - one of two names
        cursor.execute(_KEEP_DAY, values)
