"""The answers to `balance`, `createTicket` and the unofficial `orders`."""

from __future__ import annotations

from typing import Any

from upstream.amounts import NotPlain, OutOfRange, amount, amount_or_none, whole_or_none
from upstream.currencies import currency_code
from upstream.dialect import Dialect
from upstream.errors import ErrorClass, InDoubt, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.faults import Fault, find_fault, texts_in
from upstream.ids import canonical_id
from upstream.messages import Balance, RecentOrder, Ticket
from upstream.strict_json import Fields, clean
from upstream.verdicts import (
    class_of,
    deed_answer,
    malformed,
    opened,
    question_answer,
    refuse,
    require_success,
    unavailable,
)


def read_balance(exchange: Exchange, dialect: Dialect) -> Balance:
    """Raises Unavailable, also when the amount cannot be read: keep the last one and its time."""
    answer = question_answer(exchange, unreadable_is_outage=True)
    if not isinstance(answer.value, dict):
        malformed(answer, "no_balance")
    outer = Fields(answer.value)
    fields = opened(outer, "balance")
    fault = find_fault(outer) or find_fault(fields)
    if fault is not None:
        unavailable(answer, fault, dialect)
    require_success(answer)
    if fields.doubled or fields.get("balance") is None:
        malformed(answer, "duplicate_keys" if fields.doubled else "no_balance")
    try:
        return Balance(amount(fields["balance"]), currency_code(fields.get("currency")), answer.noise)
    except NotPlain as problem:
        raise Unavailable("not_plain", str(problem), exchange) from problem
    except OutOfRange as problem:
        raise Unavailable("out_of_range", str(problem), exchange) from problem


def read_ticket(exchange: Exchange, dialect: Dialect) -> Ticket:
    """Success is an id together with a status of 200 in the body; raises NotSent, Refused or InDoubt."""
    answer = deed_answer(exchange, "ticket_id")
    if not isinstance(answer.value, dict):
        raise InDoubt("not_an_object", "", exchange, outage=answer.is_outage)
    outer = Fields(answer.value)
    fields = opened(outer, "ticket_id")
    ticket_id = canonical_id(fields.get("ticket_id"))
    heard = (ticket_id,) if ticket_id else ()
    if outer.doubled or fields.doubled:
        raise InDoubt("duplicate_keys", "", exchange, candidates=heard)
    status = whole_or_none(outer.get("status", fields.get("status")))
    fault = find_fault(outer) or find_fault(fields)
    if fault is None and status is not None and status >= 400:
        fault = Fault(texts_in(fields.get("message")) or texts_in(fields.get("msg")) or (f"status {status}",))
        if not heard and answer.is_success:
            # The body's own status says that the request was declined, whatever its words.
            found = class_of(answer, fault, dialect) or ErrorClass.OTHER
            raise Refused(found, fault.text, exchange, noise=answer.noise)
    if fault is not None:
        refuse(answer, fault, dialect, candidates=heard)
    if ticket_id is None or status != 200 or not answer.is_success:
        raise InDoubt("no_id" if ticket_id is None else "unclear", "", exchange, candidates=heard)
    return Ticket(ticket_id)


def read_recent_orders(exchange: Exchange, dialect: Dialect) -> list[RecentOrder]:
    """Rows that name an order; an empty list proves nothing. Raises Unavailable."""
    answer = question_answer(exchange)
    rows = answer.value
    if isinstance(rows, dict):
        fields = Fields(rows)
        fault = find_fault(fields)
        if fault is not None:
            unavailable(answer, fault, dialect)
        rows = fields.get("data", fields.get("orders"))
    require_success(answer)
    if not isinstance(rows, list):
        malformed(answer)
    found = [_recent(Fields(row)) for row in rows if isinstance(row, dict)]
    return [row for row in found if row is not None]


def _recent(fields: Fields) -> RecentOrder | None:
    order_id = canonical_id(fields.get("order", fields.get("id")))
    if order_id is None or fields.doubled:
        return None
    return RecentOrder(
        order_id=order_id,
        service=canonical_id(fields.get("service")) or "",
        link=_text(fields.get("link"), 2000),
        quantity=whole_or_none(fields.get("quantity")),
        raw_state=_text(fields.get("status"), 500),
        charge=amount_or_none(fields.get("charge")),
        date=_text(fields.get("date"), 100),
    )


def _text(value: Any, limit: int) -> str:
    return clean(value, limit).strip() if isinstance(value, str) else ""
