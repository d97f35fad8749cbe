"""The one statement that writes an order: its row, its first event, and its hold. All of it, or nothing.

It writes only if nothing the order was computed from has changed (`catalog.prices.terms`), the wallet is not frozen and
covers the charge without deposits that are held, and no order has the same nonce. The triggers of the ledger move the
balance in the same statement.
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache

from django.db import connection
from django.db.models import NOT_PROVIDED
from psycopg import sql as literals

from accounts.key_use import counted
from billing.ledger import HOLD_SQL, WALLET_SQL
from catalog.prices.terms import version_sql
from core.prepared import Part, Values, write
from orders.checkout.offers import CUSTOMER
from orders.checkout.quotes import Quote
from orders.models import EventKind, Order

#: Columns whose values come with each order; all others begin with the model's own default.
GIVEN = (
    "customer_id", "service_id", "provider_id", "external_service_id", "service_name", "service_type", "unit", "link",
    "link_key", "quantity", "runs", "interval", "total", "fields", "price", "charge", "expected_cost",
    "expected_charge", "provider_currency", "nonce", "source", "api_key_id", "created_at", "next_at",
    "refill_days", "refill_opens_hours", "waits_for_id",
)  # fmt: skip

#: Postgres reads it as the time at which the transaction began, which here is that of this statement.
_STATEMENT_TIME = "now"


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
    waits_for: int | None = None,
    api_key_id: int | None = None,
) -> int | None:
    """Return the number of the new order; None, with nothing written, if something changed or the nonce is taken.

    ``now`` is None where this statement itself reads the clock. ``also`` is written with it, and may select from
    ``placed``, the part with the new order's id. ``only_while`` is one more condition. An order that ``waits_for``
    another one gets no time to be sent. One that came through an API key is counted for it. Raises IntegrityError for
    what only the database noticed, such as two orders that spend the same money.
    """
    key = counted(api_key_id) if api_key_id is not None else None
    row = row_of(customer_id=customer_id, quote=quote, nonce=nonce, source=source, now=now, waits_for=waits_for)
    values: Values = {
        **row,
        # What the statement compares, and the first event.
        "service": row["service_id"],
        "customer": row["customer_id"],
        "version": quote.version,
        "detail": json.dumps({"source": source}),
        "actor": actor,
        **(key.values if key else {}),
        **(also.values if also else {}),
        **(only_while.values if only_while else {}),
    }
    statement = _statement(also.sql if also else "", only_while.sql if only_while else "", key.sql if key else "")
    number: int | None = write(statement, values)[0][0]
    return number


def row_of(
    *, customer_id: int, quote: Quote, nonce: str | None, source: str, now: datetime | None, waits_for: int | None
) -> dict[str, str | None]:
    """Return the values of :data:`GIVEN` for an order, as texts that Postgres casts."""
    origin, fields = quote.origin, quote.fields
    at = now.isoformat() if now else _STATEMENT_TIME
    return {
        "customer_id": str(customer_id),
        "service_id": str(quote.service.pk),
        "provider_id": str(origin.provider_id),
        "external_service_id": origin.external_id,
        "service_name": quote.service.name,
        "service_type": origin.type,
        "unit": origin.unit,
        "link": fields.link,
        "link_key": fields.link_key,
        "quantity": str(fields.quantity),
        "runs": None if fields.runs is None else str(fields.runs),
        "interval": None if fields.interval is None else str(fields.interval),
        "total": str(fields.total),
        "fields": json.dumps(fields.sent),
        "price": str(quote.price),
        "charge": str(quote.charge),
        "expected_cost": str(quote.cost),
        "expected_charge": f"{quote.provider_charge:f}",
        "provider_currency": origin.provider.currency,
        "nonce": nonce,
        "source": source,
        "api_key_id": None,
        "created_at": at,
        "next_at": None if waits_for else at,
        "waits_for_id": str(waits_for) if waits_for else None,
        "refill_days": str(quote.service.refill_days),
        "refill_opens_hours": str(quote.service.refill_opens_hours),
    }


def columns_of(expression: Callable[[str, str], str]) -> tuple[str, str]:
    """Return the columns of an order that need a value, and SQL of their values, without the number.

    ``expression`` makes SQL of the name and the type of one of :data:`GIVEN`. All others have the model's own defaults,
    so that none is forgotten here.
    """
    columns, values = [], []
    for field in Order._meta.concrete_fields:
        if field.attname in GIVEN:
            # The type without its length: a cast to it would cut a text that is too long, which the column refuses.
            kind = str(field.db_type(connection)).partition("(")[0]
            columns.append(f'"{field.column}"')
            values.append(expression(field.attname, "text" if kind == "varchar" else kind))
        elif not (field.primary_key or field.null or field.db_default is not NOT_PROVIDED):
            columns.append(f'"{field.column}"')
            values.append(literals.Literal(field.get_prep_value(field.get_default())).as_string())
    return ", ".join(columns), ", ".join(values)


@cache
def _statement(also: str, only_while: str, counts: str) -> str:
    columns, values = columns_of(lambda name, kind: f"%({name})s::{kind}")
    # terms: the version of everything the price was computed from, in this statement's snapshot.
    # purse: the wallet and the account that holds money of open orders.
    # placed: the order, if all conditions are met. event: its first line of the timeline.
    # held, paid: the hold and the transfer from the wallet. counted: the use of the API key.
    # also: what the caller writes with it.
    return f"""
        WITH terms AS MATERIALIZED ({version_sql(CUSTOMER)}),
        purse AS MATERIALIZED ({WALLET_SQL.format(customer=CUSTOMER)}),
        placed AS (
            INSERT INTO orders_order ({columns}) SELECT {values} FROM terms, purse
            WHERE terms.version = %(version)s::bigint AND NOT purse.is_frozen
              AND purse.spendable >= %(charge)s::numeric AND purse.held_id IS NOT NULL
              {f"AND {only_while}" if only_while else ""}
            ON CONFLICT ON CONSTRAINT order_once_per_nonce DO NOTHING
            RETURNING id
        ),
        event AS (
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
        {f", counted AS ({counts})" if counts else ""}
        {f", also AS ({also})" if also else ""}
        SELECT max(id) FROM placed
    """  # noqa: S608 - constants of ours
