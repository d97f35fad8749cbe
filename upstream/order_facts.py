"""The numbers in a status answer. One that cannot be read is None with a flag, never a guess and never zero."""

from __future__ import annotations

from typing import Any

from upstream.amounts import amount_or_none, whole_or_none
from upstream.currencies import currency_code
from upstream.ids import ids_in
from upstream.strict_json import Fields

RESULT_KEYS = ("charge", "remains", "start_count", "start_counter")


def facts(fields: Fields, currency: str) -> dict[str, Any]:
    """Return keyword arguments for OrderStatus; `currency` is the one that our charges should be in."""
    flags: list[str] = []
    given_currency = currency_code(fields.get("currency"))
    if given_currency and currency and given_currency != currency.upper():
        flags.append("currency_differs")

    charge = amount_or_none(fields.get("charge"))
    if charge is None and _is_given(fields.get("charge")):
        flags.append("charge_unreadable")
    if charge is not None and charge < 0:
        flags.append("charge_negative")
        charge = None

    start = fields["start_count"] if "start_count" in fields else fields.get("start_counter")
    start_count = whole_or_none(start)
    if start_count is None and _is_given(start):
        flags.append("start_unreadable")

    remains = whole_or_none(fields.get("remains"))
    if remains is None and _is_given(fields.get("remains")):
        flags.append("remains_unreadable")

    listed = fields.get("orders")
    children = None
    if isinstance(listed, dict | list):
        children = ids_in(listed)
        if len(children) != len(listed):
            flags.append("children_unreadable")
    elif listed:
        # Something is listed, in an unknown shape: that is not the same as no children.
        flags.append("children_unreadable")

    return {
        "charge": charge,
        "start_count": start_count,
        "remains": remains,
        "remains_raw": "" if fields.get("remains") is None else str(fields["remains"])[:100],
        "currency": given_currency,
        "children": children,
        "runs": whole_or_none(fields.get("runs")),
        "posts": whole_or_none(fields.get("posts")),
        "flags": tuple(flags),
    }


def _is_given(value: Any) -> bool:
    return value is not None and value != ""
