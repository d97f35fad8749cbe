"""The answer to `cancel`: at best a note that our wish was heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstream.dialect import Dialect
from upstream.errors import ErrorClass
from upstream.exchange import Exchange
from upstream.faults import fault_inside, find_fault
from upstream.ids import canonical_id
from upstream.messages import CancelOutcome, CancelRequested, InDoubtItem, RefusedItem
from upstream.read_refills import batch_rows
from upstream.strict_json import Fields
from upstream.verdicts import deed_answer, item_class


def read_cancel(exchange: Exchange, asked: Sequence[str], dialect: Dialect) -> dict[str, CancelOutcome]:
    """An outcome for every asked order; raises NotSent, Refused or InDoubt for the whole call."""
    answer = deed_answer(exchange)
    found: dict[str, list[CancelOutcome]] = {}
    for row in batch_rows(answer, dialect):
        fields = Fields(row)
        name = canonical_id(fields.get("order")) or _single_name(fields, asked)
        if name is not None:
            found.setdefault(name, []).append(_outcome(fields, name, dialect))
    return {one: _only(found.get(one, [])) for one in asked}


def _single_name(fields: Fields, asked: Sequence[str]) -> str | None:
    """A row that names no order can only speak of the one order that was asked about."""
    return asked[0] if len(asked) == 1 and "order" not in fields else None


def _outcome(fields: Fields, name: str, dialect: Dialect) -> CancelOutcome:
    if fields.doubled:
        return InDoubtItem("duplicate_keys")
    said = fields.get("cancel")
    fault = find_fault(fields) or fault_inside(said)
    if fault is not None:
        found = item_class(fault, dialect)
        if found is ErrorClass.SERVER_FAULT or not fault.texts:
            return InDoubtItem("server_fault")
        return RefusedItem(found, fault.text[:500])
    if "cancel" in fields:
        return CancelRequested() if _says_yes(said, name) else InDoubtItem("unclear")
    return CancelRequested() if _success_said(fields) else InDoubtItem("unclear")


def _says_yes(said: Any, name: str) -> bool:
    if said is True or (isinstance(said, str) and said.strip().lower() in ("true", "yes", "success", "ok")):
        return True
    return canonical_id(said) in ("1", name)


def _success_said(fields: Fields) -> bool:
    status = fields.get("status")
    if isinstance(status, str) and status.strip().lower() == "success":
        return True
    success = fields.get("success")
    return success is True or bool(isinstance(success, str) and success.strip())


def _only(outcomes: list[CancelOutcome]) -> CancelOutcome:
    if not outcomes:
        return InDoubtItem("missing")
    return outcomes[0] if all(one == outcomes[0] for one in outcomes) else InDoubtItem("conflicting_duplicates")
