"""The answers to `refill` and `refill_status`."""

from __future__ import annotations

from collections.abc import Sequence

from upstream.dialect import Dialect
from upstream.error_texts import error_inside, find_error
from upstream.errors import ErrorClass, InDoubt, Unavailable, bounded, word
from upstream.exchange import Exchange
from upstream.ids import canonical_id, mentioned_ids
from upstream.items import items_by_id, object_for, row_id
from upstream.messages import Ignored, ItemError, Refilled, RefillItem, RefillStatus
from upstream.states import refill_state
from upstream.strict_json import Fields
from upstream.verdicts import (
    JsonAnswer,
    command_answer,
    item_class,
    malformed,
    opened,
    question_answer,
    refuse,
    require_success,
)

_SINGLE_ITEM_CLASSES = frozenset({ErrorClass.UNKNOWN_REFILL, ErrorClass.UNKNOWN_ORDER, ErrorClass.NOT_ELIGIBLE})


def read_refill(exchange: Exchange, asked: str, dialect: Dialect) -> Refilled:
    """Return the id of the new refill, or raise NotSent, Refused or InDoubt."""
    answer = command_answer(exchange, "refill")
    value = answer.value
    if isinstance(value, list) and len(value) == 1 and row_id(value[0], ("order",)) == asked:
        value = value[0]
    if not isinstance(value, dict):
        raise _doubt(answer, "not_an_object")
    outer = Fields(value)
    fields = opened(outer, "refill")
    if outer.doubled or fields.doubled:
        raise _doubt(answer, "duplicate_keys")
    given = fields.get("refill")
    error = find_error(outer) or find_error(fields) or error_inside(given)
    if error is not None:
        refuse(answer, error, dialect, candidates=() if isinstance(given, dict) else mentioned_ids([given]))
    refill_id = canonical_id(given)
    if refill_id is None or not answer.is_success:
        raise _doubt(answer, "no_id" if refill_id is None else "http_status")
    return Refilled(refill_id, answer.noise, exchange)


def _doubt(answer: JsonAnswer, reason: str) -> InDoubt:
    candidates = mentioned_ids(answer.value, ("refill",))
    return InDoubt(reason, "", answer.exchange, candidates=candidates, outage=answer.is_outage)


def read_refill_status(exchange: Exchange, asked: str, dialect: Dialect) -> RefillItem:
    """Return the state of one refill. Raises Unavailable if the call as a whole failed."""
    answer = question_answer(exchange)
    value = answer.value
    if isinstance(value, list) and len(value) == 1 and row_id(value[0], ("refill",)) == asked:
        value = value[0]
    if not isinstance(value, dict):
        malformed(answer)
    item = _item(opened(Fields(value), "status", "error", "errors"), asked, dialect, answer.noise)
    if isinstance(item, ItemError):
        if item.error_class not in (*_SINGLE_ITEM_CLASSES, ErrorClass.OTHER) or answer.is_outage:
            raise Unavailable("error", item.text, exchange, error_class=item.error_class, outage=answer.is_outage)
        return item
    require_success(answer)
    return item


def read_refill_statuses(exchange: Exchange, asked: Sequence[str], dialect: Dialect) -> dict[str, RefillItem]:
    """Return an item for every asked refill. Raises Unavailable if the call as a whole failed."""
    answer = question_answer(exchange)
    items = items_by_id(answer, asked, ("refill",), dialect)
    require_success(answer)
    found: dict[str, RefillItem] = {}
    for refill_id in asked:
        fields = object_for(refill_id, items)
        found[refill_id] = _item(fields, refill_id, dialect, answer.noise) if isinstance(fields, Fields) else fields
    return found


def _item(fields: Fields, asked: str, dialect: Dialect, noise: bool) -> RefillItem:
    """Return what one object says of the asked refill."""
    if fields.doubled:
        return Ignored("conflicting_duplicates")
    if canonical_id(fields.get("refill")) not in (None, asked):
        return Ignored("other_refill")
    status = fields.get("status")
    error = find_error(fields) or error_inside(status)
    if error is not None:
        return ItemError(item_class(error, dialect), bounded(error.text))
    raw = word(status)
    if not raw:
        return Ignored("no_state")
    state = refill_state(status) if isinstance(status, str) else None
    return Ignored("unknown_state", raw) if state is None else RefillStatus(state, raw, noise)
