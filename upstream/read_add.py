"""The answer to `add`: accepted means a usable id and nothing that contradicts it; the rest is refused or in doubt."""

from __future__ import annotations

from typing import Any

from upstream.amounts import amount_or_none
from upstream.dialect import Dialect
from upstream.error_texts import find_error
from upstream.errors import InDoubt
from upstream.exchange import Exchange
from upstream.ids import ADD_KEYS, canonical_id, mentioned_ids
from upstream.messages import AcceptedOrder
from upstream.strict_json import Fields
from upstream.verdicts import JsonAnswer, command_answer, inside_text, opened, refuse

_ID_KEYS = ("order", "order_id")


def read_add(exchange: Exchange, dialect: Dialect) -> AcceptedOrder:
    """Return the accepted order, or raise NotSent, Refused or InDoubt."""
    # 1. One object, without a key that occurs twice.
    answer = command_answer(exchange, *ADD_KEYS)
    if not isinstance(answer.value, dict):
        raise _doubt(answer, "not_an_object")
    outer = Fields(answer.value)
    fields = opened(outer, *_ID_KEYS)
    if outer.doubled or fields.doubled:
        raise _doubt(answer, "duplicate_keys")

    # 2. An error refuses the order only where no id, and nothing that may be meant as one, stands in the same answer.
    error = find_error(outer) or find_error(fields)
    if error is not None:
        given: list[Any] = [fields[key] for key in _ID_KEYS if key in fields]
        if any(value and value != "0" and not mentioned_ids([value]) for value in given):
            raise _doubt(answer, "id_and_error")
        values = [part.get(key) for part in (outer, fields) for key in ADD_KEYS]
        candidates = mentioned_ids([value for value in values if value is not None])
        refuse(answer, error, dialect, on_add=True, candidates=candidates)

    # 3. Without an error, exactly one id under a success status.
    ids = {canonical_id(fields[key]) for key in _ID_KEYS if fields.get(key) is not None}
    order_id = ids.pop() if len(ids) == 1 else None
    if order_id is None:
        raise _doubt(answer, "no_id")
    if not answer.is_success:
        raise _doubt(answer, "http_status")
    charge = amount_or_none(fields.get("charge"))
    return AcceptedOrder(order_id, None if charge is None or charge < 0 else charge, answer.noise, answer.exchange)


def _doubt(answer: JsonAnswer, reason: str) -> InDoubt:
    candidates = mentioned_ids(inside_text(answer.value))
    return InDoubt(reason, "", answer.exchange, candidates=candidates, outage=answer.is_outage)
