"""Ids are text. One canonical form, so that `1`, `"1"` and `" 0001 "` are one order and `true` is none."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from upstream.amounts import whole_or_none
from upstream.strict_json import Fields

_DIGITS = re.compile(r"[0-9]{1,20}")
_OPAQUE = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9_-]{1,64}")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+[eE][+-]?[0-9]+")


def canonical_id(value: Any) -> str | None:
    """Return the canonical form of a provider's id, or None if the value is no id.

    A positive JSON integer, 1 to 20 digits not all zero, or 1 to 64 characters `A-Z a-z 0-9 _ -` with a letter
    and a digit that are no number in scientific notation.
    """
    if type(value) is int:
        text = str(value) if value > 0 else ""
    elif isinstance(value, str):
        text = value.strip()
    else:
        return None
    if _DIGITS.fullmatch(text):
        return text.lstrip("0") or None
    if _OPAQUE.fullmatch(text) and not _SCIENTIFIC.fullmatch(text):
        return text
    return None


def ids_in(value: Any) -> tuple[str, ...]:
    """Return the ids in a list, or in the object that PHP makes of a list with gaps, without what is no id."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return tuple(dict.fromkeys(found for item in items if (found := canonical_id(item))))


ADD_KEYS = ("order", "order_id", "id")


def mentioned_ids(value: Any, keys: tuple[str, ...] = ADD_KEYS) -> tuple[str, ...]:
    """Return the ids that an answer gives in unusual places. They are candidates to ask for and prove nothing."""
    found: dict[str, None] = {}
    _collect_ids(value, keys, found, depth=0)
    return tuple(found)[:20]


def _collect_ids(value: Any, keys: tuple[str, ...], found: dict[str, None], depth: int) -> None:
    if depth > 6:
        return
    if isinstance(value, dict):
        fields = Fields(value)
        for name, item in fields.items():
            for given in fields.doubled.get(name, [item]):
                if name in keys or (name not in ("error", "errors") and isinstance(given, dict | list)):
                    _collect_ids(given, keys, found, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _collect_ids(item, keys, found, depth + 1)
    elif (candidate := canonical_id(value) or _scientific_id(value)) is not None:
        found[candidate] = None


def _scientific_id(value: Any) -> str | None:
    if isinstance(value, Decimal) or (isinstance(value, str) and _SCIENTIFIC.fullmatch(value.strip())):
        number = whole_or_none(value)
        return str(number) if number and number > 0 else None
    return None
