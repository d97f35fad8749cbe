"""The one statement that writes many orders of a customer with their first events and holds: all of them, or nothing.

It asks what `orders.checkout.insert` asks for one order: that nothing they were computed from has changed, and that the
wallet is not frozen and covers them all without deposits that are held.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db import connection

from billing.ledger import HOLD_SQL, WALLET_SQL
from catalog.prices.terms import version_sql
from core.prepared import write
from orders.checkout.insert import GIVEN, columns_of, row_of
from orders.checkout.offers import CUSTOMER
from orders.checkout.quotes import Quote
from orders.models import EventKind, Order


@dataclass(frozen=True)
class NewOrder:
    """An order to write; ``waits_for`` may be another one of the same statement."""

    number: int
    quote: Quote
    nonce: str
    waits_for: int | None = None


def new_numbers(count: int) -> list[int]:
    """Return numbers for orders to come, rising. Numbers that are not used stay free for ever."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('orders_order', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [number for (number,) in cursor.fetchall()]


def write_orders(*, customer_id: int, actor: str, orders: Sequence[NewOrder], source: str, now: datetime) -> bool:
    """Write the orders in their sequence; return False, with nothing written, if something has changed.

    Raises IntegrityError for what only the database noticed, such as two statements that spend the same money.
    """
    versions = {order.quote.service.pk: order.quote.version for order in orders}
    rows = [
        {
            "id": str(order.number),
            **row_of(
                customer_id=customer_id, quote=order.quote, nonce=order.nonce, source=source, now=now,
                waits_for=order.waits_for,
            ),
        }
        for order in orders
    ]  # fmt: skip
    values = {
        "customer": str(customer_id),
        "versions": json.dumps([{"service": pk, "version": version} for pk, version in versions.items()]),
        "rows": json.dumps(rows),
        "charge": str(sum(order.quote.charge for order in orders)),
        "created_at": now.isoformat(),
        "detail": json.dumps({"source": source}),
        "actor": actor,
    }
    return int(write(_statement(), values)[0][0]) == len(orders)


@cache
def _statement() -> str:
    columns, values = columns_of(lambda name, kind: f"given.{name}::{kind}")
    given = ", ".join(f"{name} text" for name in ("id", *GIVEN))
    changed = version_sql(CUSTOMER, service="known.service")
    # changed: how many services differ from what the orders were computed from, in this statement's snapshot.
    # The other parts are those of one order (`orders.checkout.insert`).
    return f"""
        WITH changed AS MATERIALIZED (
            SELECT count(*) AS services
            FROM json_to_recordset(%(versions)s::json) AS known (service bigint, version bigint)
            LEFT JOIN LATERAL ({changed}) AS terms ON true
            WHERE terms.version IS DISTINCT FROM known.version
        ),
        purse AS MATERIALIZED ({WALLET_SQL.format(customer=CUSTOMER)}),
        placed AS (
            INSERT INTO orders_order (id, {columns})
            SELECT given.id::bigint, {values}
            FROM json_to_recordset(%(rows)s::json) AS given ({given}), changed, purse
            WHERE changed.services = 0 AND NOT purse.is_frozen
              AND purse.spendable >= %(charge)s::numeric AND purse.held_id IS NOT NULL
            ORDER BY given.id::bigint
            RETURNING id, charge
        ),
        event AS (
            INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
            SELECT id, %(created_at)s::timestamptz, '{EventKind.ACCEPTED}', %(detail)s::jsonb, %(actor)s::text
            FROM placed ORDER BY id
        ),
        held AS (
            SELECT '{Order(pk=0).reference[:-1]}' || placed.id AS reference, purse.wallet_id, purse.held_id,
                   placed.charge AS amount
            FROM placed, purse ORDER BY placed.id
        ),
        paid AS ({HOLD_SQL})
        SELECT count(*) FROM placed
    """  # noqa: S608 - constants of ours
