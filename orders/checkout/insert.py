"""The one statement that writes an order: its row, its first event, and its hold. All of it, or nothing.

It writes only if nothing the order was computed from has changed (`catalog.prices.terms`), the wallet is not frozen and
covers the charge, and no order has the same nonce. The triggers of the ledger move the balance in the same statement.
"""

import json
from datetime import datetime
from functools import cache

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
    "link_key", "quantity", "runs", "interval", "total", "fields", "price", "charge", "expected_cost",
    "expected_charge", "provider_currency", "nonce", "source", "created_at", "next_at",
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
) -> int | None:
    """Return the number of the new order; None, with nothing written, if something changed or the nonce is taken.

    ``now`` is None where this statement itself reads the clock. ``also`` is written with it, and may select from
    ``placed``, the part with the new order's id. ``only_while`` is one more condition. An order that ``waits_for``
    another one gets no time to be sent. Raises IntegrityError for what
    only the database noticed, such as two orders that spend the same money.
    """
    origin, fields = quote.origin, quote.fields
    at = now.isoformat() if now else _STATEMENT_TIME
    values: Values = {
        # The columns of the order.
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
        "created_at": at,
        "next_at": None if waits_for else at,
        "waits_for_id": str(waits_for) if waits_for else None,
        "refill_days": str(quote.service.refill_days),
        "refill_opens_hours": str(quote.service.refill_opens_hours),
        # What the statement compares, and the first event.
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


@cache
def _statement(also: str, only_while: str) -> str:
    # Every column that needs a value. The defaults are the model's own, so that none is forgotten here.
    columns, values = [], []
    for field in Order._meta.concrete_fields:
        if field.attname in _GIVEN:
            # The type without its length: a cast to it would cut a text that is too long, which the column refuses.
            kind = str(field.db_type(connection)).partition("(")[0]
            columns.append(f'"{field.column}"')
            values.append(f"%({field.attname})s::{'text' if kind == 'varchar' else kind}")
        elif not (field.primary_key or field.null or field.db_default is not NOT_PROVIDED):
            columns.append(f'"{field.column}"')
            values.append(literals.Literal(field.get_prep_value(field.get_default())).as_string())
    # terms: the version of everything the price was computed from, in this statement's snapshot.
    # purse: the wallet and the account that holds money of open orders.
    # placed: the order, if all conditions are met. event: its first line of the timeline.
    # held, paid: the hold and the transfer from the wallet. also: what the caller writes with it.
    return f"""
        WITH terms AS MATERIALIZED ({version_sql(CUSTOMER)}),
        purse AS MATERIALIZED ({WALLET_SQL.format(customer=CUSTOMER)}),
        placed AS (
            INSERT INTO orders_order ({", ".join(columns)}) SELECT {", ".join(values)} FROM terms, purse
            WHERE terms.version = %(version)s::bigint AND NOT purse.is_frozen
              AND purse.balance >= %(charge)s::numeric AND purse.held_id IS NOT NULL
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
        {f", also AS ({also})" if also else ""}
        SELECT max(id) FROM placed
    """  # noqa: S608 - constants of ours
