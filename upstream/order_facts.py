"""The numbers beside an order's state. What cannot be read is None with a flag, never a guess and never zero."""

from __future__ import annotations

from typing import Any

from upstream.amounts import amount_or_none, whole_or_none
from upstream.currencies import currency_code
from upstream.ids import ids_in
from upstream.strict_json import Fields

RESULT_KEYS = ("charge", "remains", "start_count", "start_counter")


def facts(fields: Fields, currency: str) -> dict[str, Any]:
    """Keyword arguments for OrderStatus."""
    flags: list[str] = []
    remains = fields.get("remains")
    named = currency_code(fields.get("currency"))
    if named and currency and named != currency.upper():
        flags.append("currency_differs")
    return {
        "charge": _charge(fields.get("charge"), flags),
        "start_count": _count(_start(fields), "start_unreadable", flags),
        "remains": _count(remains, "remains_unreadable", flags),
        "remains_raw": "" if remains is None else str(remains)[:100],
        "currency": named,
        "children": _children(fields.get("orders"), flags),
        "runs": whole_or_none(fields.get("runs")),
        "posts": whole_or_none(fields.get("posts")),
        "flags": tuple(flags),
    }


def _charge(value: Any, flags: list[str]) -> Any:
    charge = amount_or_none(value)
    if charge is None and _was_given(value):
        flags.append("charge_unreadable")
    if charge is not None and charge < 0:
        flags.append("charge_negative")
        return None
    return charge


def _count(value: Any, flag: str, flags: list[str]) -> int | None:
    number = whole_or_none(value)
    if number is None and _was_given(value):
        flags.append(flag)
    return number


def _start(fields: Fields) -> Any:
    return fields["start_count"] if "start_count" in fields else fields.get("start_counter")


def _children(value: Any, flags: list[str]) -> tuple[str, ...] | None:
    if not isinstance(value, dict | list):
        if value:  # something is listed, in a shape that nobody knows: not the same as nothing
            flags.append("children_unreadable")
        return None
    found = ids_in(value)
    if len(found) != len(value):
        flags.append("children_unreadable")
    return found


def _was_given(value: Any) -> bool:
    return value is not None and value != ""
