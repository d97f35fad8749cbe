"""The items of a batch answer by the id that was asked for. Never by position: a list without ids says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from upstream.dialect import Dialect
from upstream.error_texts import find_error
from upstream.ids import canonical_id
from upstream.messages import Ignored, Missing
from upstream.strict_json import Doubled, Fields
from upstream.verdicts import JsonAnswer, malformed, unavailable


def items_by_id(
    answer: JsonAnswer, asked: Sequence[str], id_keys: tuple[str, ...], dialect: Dialect
) -> dict[str, list[Any]]:
    """Return all items for each id, asked for or not: from a list, an object keyed by id, or either inside `data`.

    Raises Unavailable if the answer is one error, has rows without ids or has another shape.
    """
    value = answer.value
    if isinstance(value, dict):
        found = _keyed(value)
        if any(asked_id in found for asked_id in asked):
            return found
        error = find_error(Fields(value))
        if error is not None:
            unavailable(answer, error, dialect)
        inner = Fields(value).get("data")
        if not isinstance(inner, dict | list):
            return found if found or not value else malformed(answer)
        value = inner
    if isinstance(value, list):
        listed: dict[str, list[Any]] = {}
        for row in value:
            if (name := row_id(row, id_keys)) is not None:
                listed.setdefault(name, []).append(row)
        return listed if listed or not value else malformed(answer, "rows_without_ids")
    return _keyed(value) if isinstance(value, dict) else malformed(answer)


def _keyed(value: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, item in value.pairs if isinstance(value, Doubled) else value.items():
        if (name := canonical_id(key)) is not None:
            found.setdefault(name, []).append(item)
    return found


def object_for(asked: str, items: dict[str, list[Any]]) -> Fields | Missing | Ignored:
    """Return the one object about an id, Missing if there is none, Ignored if there are several or it is no object."""
    values = items.get(asked)
    if not values:
        return Missing()
    if any(value != values[0] for value in values[1:]):
        return Ignored("conflicting_duplicates")
    return Fields(values[0]) if isinstance(values[0], dict) else Ignored("not_an_object")


def row_id(row: Any, id_keys: tuple[str, ...]) -> str | None:
    """Return the id that a row itself names, by the first of the keys that holds one."""
    if not isinstance(row, dict):
        return None
    fields = Fields(row)
    return next((name for key in id_keys if (name := canonical_id(fields.get(key)))), None)
