"""The answers to `balance` and the unofficial `orders`."""

from __future__ import annotations

from typing import Any

from upstream.amounts import NotPlain, NumberOutOfRange, amount, amount_or_none, whole_or_none
from upstream.currencies import currency_code
from upstream.dialect import Dialect
from upstream.error_texts import find_error
from upstream.errors import Unavailable
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import ProviderBalance, RecentOrder
from upstream.strict_json import Fields, clean
from upstream.verdicts import malformed, opened, question_answer, require_success, unavailable


def read_balance(exchange: Exchange, dialect: Dialect) -> ProviderBalance:
    """Return the balance. Raises Unavailable, also for an unreadable amount: the last one known stays valid then."""
    answer = question_answer(exchange, unreadable_is_outage=True)
    if not isinstance(answer.value, dict):
        malformed(answer, "no_balance")
    outer = Fields(answer.value)
    fields = opened(outer, "balance")
    error = find_error(outer) or find_error(fields)
    if error is not None:
        unavailable(answer, error, dialect)
    require_success(answer)
    if fields.doubled or fields.get("balance") is None:
        malformed(answer, "duplicate_keys" if fields.doubled else "no_balance")
    try:
        return ProviderBalance(amount(fields["balance"]), currency_code(fields.get("currency")), answer.noise)
    except NotPlain as problem:
        raise Unavailable("not_plain", str(problem), exchange) from problem
    except NumberOutOfRange as problem:
        raise Unavailable("out_of_range", str(problem), exchange) from problem


def read_recent_orders(exchange: Exchange, dialect: Dialect) -> list[RecentOrder]:
    """Return the rows that name an order; an empty list proves nothing. Raises Unavailable."""
    answer = question_answer(exchange)
    rows = answer.value
    if isinstance(rows, dict):
        wrapper = Fields(rows)
        error = find_error(wrapper)
        if error is not None:
            unavailable(answer, error, dialect)
        rows = wrapper.get("data", wrapper.get("orders"))
    require_success(answer)
    if not isinstance(rows, list):
        malformed(answer)
    found = []
    for fields in (Fields(row) for row in rows if isinstance(row, dict)):
        order_id = canonical_id(fields.get("order", fields.get("id")))
        if order_id is not None and not fields.doubled:
            found.append(
                RecentOrder(
                    order_id=order_id,
                    service=canonical_id(fields.get("service")) or "",
                    link=_clean_text(fields.get("link"), 2000),
                    quantity=whole_or_none(fields.get("quantity")),
                    raw_state=_clean_text(fields.get("status"), 500),
                    charge=amount_or_none(fields.get("charge")),
                    date=_clean_text(fields.get("date"), 100),
                )
            )
    return found


def _clean_text(value: Any, limit: int) -> str:
    return clean(value, limit).strip() if isinstance(value, str) else ""
