"""Currency codes as providers write them."""

from __future__ import annotations

from typing import Any

from upstream.strict_json import clean


def currency_code(value: Any) -> str | None:
    """Return the code in upper case, without outer spaces, at most 10 characters; None if there is nothing usable."""
    if not isinstance(value, str):
        return None
    return clean(value, 40).strip().upper()[:10] or None
