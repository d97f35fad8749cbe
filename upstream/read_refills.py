"""The answers to `refill` and `refill_status`, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstream.dialect import Dialect
from upstream.errors import ErrorClass, InDoubt, Unavailable, bounded, word
from upstream.exchange import Exchange
from upstream.faults import Fault, fault_inside, find_fault
from upstream.ids import canonical_id, heard_ids
from upstream.items import items_by_id, row_id
from upstream.messages import (
    Ignored,
    InDoubtItem,
    ItemError,
    Missing,
    Refilled,
    RefillItem,
    RefillOutcome,
    RefillStatus,
    RefusedItem,
)
from upstream.states import refill_state
from upstream.strict_json import Fields
from upstream.verdicts import (
    Answer,
    deed_answer,
    item_class,
    malformed,
    opened,
    question_answer,
    refuse,
    require_success,
)

_SINGLE_ITEM_CLASSES = frozenset({ErrorClass.UNKNOWN_REFILL, ErrorClass.UNKNOWN_ORDER, ErrorClass.NOT_ELIGIBLE})


def read_refill(exchange: Exchange, asked: str, dialect: Dialect) -> Refilled:
    """The id of the new refill, or raises NotSent, Refused or InDoubt."""
    answer = deed_answer(exchange, "refill")
    value = answer.value
    if isinstance(value, list) and len(value) == 1 and row_id(value[0], ("order",)) == asked:
        value = value[0]
    if not isinstance(value, dict):
        raise _doubt(answer, "not_an_object")
    outer = Fields(value)
    fields = opened(outer, "refill")
    if outer.doubled or fields.doubled:
        raise _doubt(answer, "duplicate_keys")
    said = fields.get("refill")
    fault = find_fault(outer) or find_fault(fields) or fault_inside(said)
    if fault is not None:
        refuse(answer, fault, dialect, candidates=() if _is_object(said) else heard_ids([said]))
    refill_id = canonical_id(said)
    if refill_id is None or not answer.is_success:
        raise _doubt(answer, "no_id" if refill_id is None else "http_status")
    return Refilled(refill_id, answer.noise, exchange)


def read_refills(exchange: Exchange, asked: Sequence[str], dialect: Dialect) -> dict[str, RefillOutcome]:
    """An outcome for every asked order; raises NotSent, Refused or InDoubt for the whole call."""
    answer = deed_answer(exchange)
    rows = batch_rows(answer, dialect)
    found: dict[str, list[RefillOutcome]] = {}
    for row in rows:
        name, outcome = _outcome(Fields(row), asked, dialect, answer.noise)
        if name is not None:
            found.setdefault(name, []).append(outcome)
    return {one: _only(found.get(one, [])) for one in asked}


def batch_rows(answer: Answer, dialect: Dialect) -> list[dict[str, Any]]:
    """The rows of a batch deed; an error of the whole call is raised."""
    value = answer.value
    if isinstance(value, dict):
        fields = Fields(value)
        if "order" not in fields and (fault := find_fault(fields)) is not None:
            refuse(answer, fault, dialect)
        inner = fields.get("data")
        value = inner if isinstance(inner, list) else [opened(fields, "order", "refill", "cancel")]
    if not isinstance(value, list):
        raise InDoubt("malformed", "", answer.exchange, outage=answer.is_outage)
    if not answer.is_success:
        raise InDoubt("http_status", "", answer.exchange, outage=answer.is_outage)
    return [row for row in value if isinstance(row, dict)]


def _outcome(fields: Fields, asked: Sequence[str], dialect: Dialect, noise: bool) -> tuple[str | None, RefillOutcome]:
    said, status = fields.get("refill"), fields.get("status")
    fault = find_fault(fields) or fault_inside(said) or fault_inside(status)
    name = canonical_id(fields.get("order"))
    if name is None and "order" not in fields and (fault is not None or isinstance(status, str)):
        # One clone names the order in `refill` and uses its id as the refill's id.
        echoed = canonical_id(said)
        name = echoed if echoed in asked else None
    if fields.doubled:
        return name, InDoubtItem("duplicate_keys")
    if fault is not None:
        return name, _refused(fault, dialect)
    refill_id = canonical_id(said)
    return name, InDoubtItem("no_id") if refill_id is None else Refilled(refill_id, noise)


def _refused(fault: Fault, dialect: Dialect) -> RefillOutcome:
    found = item_class(fault, dialect)
    if found is ErrorClass.SERVER_FAULT or not fault.texts:
        return InDoubtItem("server_fault")
    return RefusedItem(found, fault.text[:500])


def _only(outcomes: list[RefillOutcome]) -> RefillOutcome:
    if not outcomes:
        return InDoubtItem("missing")
    return outcomes[0] if all(one == outcomes[0] for one in outcomes) else InDoubtItem("conflicting_duplicates")


def read_refill_status(exchange: Exchange, asked: str, dialect: Dialect) -> RefillItem:
    """The state of one refill. Raises Unavailable if the call as a whole failed."""
    answer = question_answer(exchange)
    value = answer.value
    if isinstance(value, list) and len(value) == 1 and row_id(value[0], ("refill",)) == asked:
        value = value[0]
    if not isinstance(value, dict):
        malformed(answer)
    item = _status_item(opened(Fields(value), "status", "error", "errors"), asked, dialect, answer.noise)
    if isinstance(item, ItemError):
        if item.error_class not in (*_SINGLE_ITEM_CLASSES, ErrorClass.OTHER) or answer.is_outage:
            raise Unavailable("error", item.text, exchange, error_class=item.error_class, outage=answer.is_outage)
        return item
    require_success(answer)
    return item


def read_refill_statuses(exchange: Exchange, asked: Sequence[str], dialect: Dialect) -> dict[str, RefillItem]:
    """A reading for every asked refill. Raises Unavailable if the call as a whole failed."""
    answer = question_answer(exchange)
    found = items_by_id(answer, asked, ("refill",), dialect)
    require_success(answer)
    return {one: _reading(found.get(one, []), one, dialect, answer.noise) for one in asked}


def _reading(values: list[Any], asked: str, dialect: Dialect, noise: bool) -> RefillItem:
    if not values:
        return Missing()
    if any(value != values[0] for value in values[1:]):
        return Ignored("conflicting_duplicates")
    if not isinstance(values[0], dict):
        return Ignored("not_an_object")
    return _status_item(Fields(values[0]), asked, dialect, noise)


def _status_item(fields: Fields, asked: str, dialect: Dialect, noise: bool) -> RefillItem:
    if fields.doubled:
        return Ignored("conflicting_duplicates")
    if canonical_id(fields.get("refill")) not in (None, asked):
        return Ignored("other_refill")
    status = fields.get("status")
    fault = find_fault(fields) or fault_inside(status)
    if fault is not None:
        return ItemError(item_class(fault, dialect), bounded(fault.text))
    raw = word(status)
    if not raw:
        return Ignored("no_state")
    state = refill_state(status) if isinstance(status, str) else None
    return Ignored("unknown_state", raw) if state is None else RefillStatus(state, raw, noise)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _doubt(answer: Answer, reason: str) -> InDoubt:
    heard = heard_ids(answer.value, ("refill",))
    return InDoubt(reason, "", answer.exchange, candidates=heard, outage=answer.is_outage)
