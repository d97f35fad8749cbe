"""The one statement that makes an order: its row, its first event, and the money it holds. All of it, or nothing.

It writes only while everything the order was computed from still stands (`catalog.prices.terms`), the wallet is not
frozen and holds the charge, and no order has the same nonce. The triggers of the ledger move the
balance in the same statement.
"""

import json
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import NOT_PROVIDED
from psycopg import sql as literals

from billing.ledger import HOLD_SQL, WALLET_SQL
from catalog.prices.terms import version_sql
from core.prepared import Part, Values, write
from orders.checkout.offers import CUSTOMER
from orders.checkout.quotes import Quote
from orders.models import EventKind, Order

#: Columns whose values come with each order; all others begin with the model's own default.
_GIVEN = (
    "customer_id", "service_id", "provider_id", "external_service_id", "service_name", "service_type", "unit", "link",
    "quantity", "runs", "interval", "total", "fields", "price", "charge", "expected_cost", "expected_charge",
    "provider_currency", "nonce", "source", "created_at", "next_at",
)  # fmt: skip

#: Postgres reads it as the time at which the transaction began, which for a statement of its own is the statement's.
_BEGIN = "now"


def write_order(
    *,
    customer_id: int,
    actor: str,
    quote: Quote,
    nonce: str | None,
    source: str,
    now: datetime | None,
    also: Part | None,
    only_while: Part | None = None,
) -> int | None:
    """The number of the new order; None when nothing was written because something had changed, or a twin was faster.

    ``now`` is None where this statement is the door at which the clock is read. ``also`` is written with it, and may
    select from ``placed``, the part with the new order's id. ``only_while`` is one more condition. Raises
    IntegrityError for what only the database noticed, such as two orders that spend the same money.
    """
    values = {
        **_values(customer_id, quote, nonce, source, now),
        "service": str(quote.service.pk),
        "customer": str(customer_id),
        "version": quote.version,
        "detail": json.dumps({"source": source}),
        "actor": actor,
        **(also.values if also else {}),
        **(only_while.values if only_while else {}),
    }
    statement = _statement(also.sql if also else "", only_while.sql if only_while else "")
    number: int | None = write(statement, values)[0][0]
    return number


def _values(customer_id: int, q: Quote, nonce: str | None, source: str, now: datetime | None) -> Values:
    origin, wish = q.origin, q.wish
    at = now.isoformat() if now else _BEGIN
    return {
        "customer_id": str(customer_id),
        "service_id": str(q.service.pk),
        "provider_id": str(origin.provider_id),
        "external_service_id": origin.external_id,
        "service_name": q.service.name,
        "service_type": origin.type,
        "unit": origin.unit,
        "link": wish.link,
        "quantity": str(wish.quantity),
        "runs": None if wish.runs is None else str(wish.runs),
        "interval": None if wish.interval is None else str(wish.interval),
        "total": str(wish.total),
        "fields": json.dumps(wish.sent),
        "price": str(q.price),
        "charge": str(q.charge),
        "expected_cost": str(q.cost),
        "expected_charge": f"{q.provider_charge:f}",
        "provider_currency": origin.provider.currency,
        "nonce": nonce,
        "source": source,
        "created_at": at,
        "next_at": at,
    }


@cache
def _statement(also: str, only_while: str) -> str:
    columns, values = _columns()
    return f"""
        WITH sale AS MATERIALIZED ({version_sql(CUSTOMER)}),
        purse AS MATERIALIZED ({WALLET_SQL.format(customer=CUSTOMER)}),
        placed AS (
            INSERT INTO orders_order ({columns}) SELECT {values} FROM sale, purse
            WHERE sale.version = %(version)s::bigint AND NOT purse.is_frozen
              AND purse.balance >= %(charge)s::numeric AND purse.held_id IS NOT NULL
              {f"AND {only_while}" if only_while else ""}
            ON CONFLICT ON CONSTRAINT order_once_per_nonce DO NOTHING
            RETURNING id
        ),
        noted AS (
            INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
            SELECT id, %(created_at)s::timestamptz, '{EventKind.ACCEPTED}', %(detail)s::jsonb, %(actor)s::text
            FROM placed
        ),
        held AS (
            SELECT '{Order(pk=0).reference[:-1]}' || placed.id AS reference, purse.wallet_id, purse.held_id,
                   %(charge)s::numeric AS amount
            FROM placed, purse
        ),
        paid AS ({HOLD_SQL})
        {f", also AS ({also})" if also else ""}
        SELECT max(id) FROM placed
    """  # noqa: S608 - constants of ours


def _columns() -> tuple[str, str]:
    """Every column that needs a value, and the values. The defaults are the model's, so none is forgotten here."""
    names, values = [], []
    for field in Order._meta.concrete_fields:
        if field.attname in _GIVEN:
            names.append(f'"{field.column}"')
            values.append(f"%({field.attname})s::{_type(field)}")
        elif not (field.primary_key or field.null or field.db_default is not NOT_PROVIDED):
            names.append(f'"{field.column}"')
            values.append(literals.Literal(field.get_prep_value(field.get_default())).as_string())
    return ", ".join(names), ", ".join(values)


def _type(field: Any) -> str:
    # Without a length: a cast to one would cut a text that is too long, where the column itself refuses it.
    name = str(field.db_type(connection)).partition("(")[0]
    return "text" if name == "varchar" else name
