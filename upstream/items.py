"""Items of a batch answer by the id that was asked for. Never by position: a list without ids tells nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstream.dialect import Dialect
from upstream.faults import find_fault
from upstream.ids import canonical_id
from upstream.strict_json import Doubled, Fields
from upstream.verdicts import Answer, malformed, unavailable


def items_by_id(
    answer: Answer, asked: Sequence[str], id_keys: tuple[str, ...], dialect: Dialect
) -> dict[str, list[Any]]:
    """Everything that was said for each id, asked for or not, in a list, in an object keyed by id, or inside `data`.

    Raises Unavailable if the answer is one error, has rows without ids or has another shape.
    """
    value = answer.value
    if isinstance(value, dict):
        found = _keyed(value)
        if any(one in found for one in asked):
            return found
        fault = find_fault(Fields(value))
        if fault is not None:
            unavailable(answer, fault, dialect)
        inner = Fields(value).get("data")
        if not isinstance(inner, dict | list):
            return found if found or not value else malformed(answer)
        value = inner
    if isinstance(value, list):
        return _listed(answer, value, id_keys)
    return _keyed(value) if isinstance(value, dict) else malformed(answer)


def _keyed(value: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, item in value.pairs if isinstance(value, Doubled) else value.items():
        if (name := canonical_id(key)) is not None:
            found.setdefault(name, []).append(item)
    return found


def _listed(answer: Answer, rows: list[Any], id_keys: tuple[str, ...]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        if (name := row_id(row, id_keys)) is not None:
            found.setdefault(name, []).append(row)
    if rows and not found:
        malformed(answer, "rows_without_ids")
    return found


def row_id(row: Any, id_keys: tuple[str, ...]) -> str | None:
    """The id that a row itself names, by the first of the keys that holds one."""
    if not isinstance(row, dict):
        return None
    fields = Fields(row)
    return next((name for key in id_keys if (name := canonical_id(fields.get(key)))), None)
