"""The answer to `cancel`: at best a confirmation that the request was received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstream.dialect import Dialect
from upstream.error_texts import error_inside, find_error
from upstream.errors import ErrorClass, InDoubt
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import CancelOutcome, CancelRequested, InDoubtItem, RefusedItem
from upstream.strict_json import Fields
from upstream.verdicts import JsonAnswer, command_answer, item_class, opened, refuse


def read_cancel(exchange: Exchange, asked: Sequence[str], dialect: Dialect) -> dict[str, CancelOutcome]:
    """Return an outcome for every asked order; raise NotSent, Refused or InDoubt for the whole call."""
    answer = command_answer(exchange)
    found: dict[str, list[CancelOutcome]] = {}
    for row in _rows(answer, dialect):
        fields = Fields(row)
        name = canonical_id(fields.get("order"))
        if not name and len(asked) == 1 and "order" not in fields:
            # A row that names no order can only mean the one order that was asked about.
            name = asked[0]
        if name is not None:
            found.setdefault(name, []).append(_outcome(fields, name, dialect))
    outcomes: dict[str, CancelOutcome] = {}
    for order_id in asked:
        said = found.get(order_id, [InDoubtItem("missing")])
        is_clear = all(outcome == said[0] for outcome in said)
        outcomes[order_id] = said[0] if is_clear else InDoubtItem("conflicting_duplicates")
    return outcomes


def _rows(answer: JsonAnswer, dialect: Dialect) -> list[dict[str, Any]]:
    """Return the rows of the answer; raise Refused or InDoubt for an error of the whole call."""
    value = answer.value
    if isinstance(value, dict):
        fields = Fields(value)
        if "order" not in fields and (error := find_error(fields)) is not None:
            refuse(answer, error, dialect)
        inner = fields.get("data")
        value = inner if isinstance(inner, list) else [opened(fields, "order", "refill", "cancel")]
    if not isinstance(value, list):
        raise InDoubt("malformed", "", answer.exchange, outage=answer.is_outage)
    if not answer.is_success:
        raise InDoubt("http_status", "", answer.exchange, outage=answer.is_outage)
    return [row for row in value if isinstance(row, dict)]


def _outcome(fields: Fields, name: str, dialect: Dialect) -> CancelOutcome:
    """Return what a row says of the order called `name`."""
    if fields.doubled:
        return InDoubtItem("duplicate_keys")
    value = fields.get("cancel")
    error = find_error(fields) or error_inside(value)
    if error is not None:
        error_class = item_class(error, dialect)
        if error_class is ErrorClass.SERVER_FAULT or not error.texts:
            return InDoubtItem("server_fault")
        return RefusedItem(error_class, error.text[:500])
    if "cancel" in fields:
        is_word = isinstance(value, str) and value.strip().lower() in ("true", "yes", "success", "ok")
        is_yes = value is True or is_word or canonical_id(value) in ("1", name)
    else:
        status, success = fields.get("status"), fields.get("success")
        is_word = isinstance(status, str) and status.strip().lower() == "success"
        is_yes = is_word or success is True or (isinstance(success, str) and success.strip() != "")
    return CancelRequested() if is_yes else InDoubtItem("unclear")
