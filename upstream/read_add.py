"""The answer to `add`: placed means a usable id and nothing that speaks against it, the rest is refused or in doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from upstream.amounts import amount_or_none
from upstream.dialect import Dialect
from upstream.errors import InDoubt
from upstream.exchange import Exchange
from upstream.faults import find_fault
from upstream.ids import ADD_KEYS, canonical_id, heard_ids
from upstream.messages import Placed
from upstream.strict_json import Fields
from upstream.verdicts import Answer, deed_answer, inside_text, opened, refuse

_ID_KEYS = ("order", "order_id")


def read_add(exchange: Exchange, dialect: Dialect, is_known_id: Callable[[str], bool]) -> Placed:
    """Placed, or raises NotSent, Refused or InDoubt."""
    answer = deed_answer(exchange, *ADD_KEYS)
    if not isinstance(answer.value, dict):
        raise _doubt(answer, "not_an_object")
    outer = Fields(answer.value)
    fields = opened(outer, *_ID_KEYS)
    if outer.doubled or fields.doubled:
        raise _doubt(answer, "duplicate_keys")
    fault = find_fault(outer) or find_fault(fields)
    if fault is not None:
        if _odd_id(fields):
            raise _doubt(answer, "id_and_error")
        refuse(answer, fault, dialect, on_add=True, candidates=_ids_beside_error(outer, fields))
    return _placed(answer, fields, is_known_id)


def _placed(answer: Answer, fields: Fields, is_known_id: Callable[[str], bool]) -> Placed:
    order_id = _order_id(fields)
    if order_id is None:
        raise _doubt(answer, "no_id")
    if not answer.is_success:
        raise _doubt(answer, "http_status")
    if is_known_id(order_id):
        raise InDoubt("known_id", "", answer.exchange, candidates=(order_id,))
    charge = amount_or_none(fields.get("charge"))
    return Placed(order_id, None if charge is None or charge < 0 else charge, answer.noise, answer.exchange)


def _order_id(fields: Fields) -> str | None:
    said = [fields[key] for key in _ID_KEYS if fields.get(key) is not None]
    found = {canonical_id(value) for value in said}
    return found.pop() if len(found) == 1 else None


def _ids_beside_error(outer: Fields, fields: Fields) -> tuple[str, ...]:
    spoken = [part.get(key) for part in (outer, fields) for key in ADD_KEYS]
    return heard_ids([value for value in spoken if value is not None])


def _odd_id(fields: Fields) -> bool:
    """An id that is none, yet more than the empty values a panel puts beside an error."""
    said: list[Any] = [fields[key] for key in _ID_KEYS if key in fields]
    return any(value and value != "0" and not heard_ids([value]) for value in said)


def _doubt(answer: Answer, reason: str) -> InDoubt:
    heard = heard_ids(inside_text(answer.value))
    return InDoubt(reason, "", answer.exchange, candidates=heard, outage=answer.is_outage)
