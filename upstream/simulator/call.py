"""One request as the actions see it, and the ids in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from upstream.simulator.adding import Rejected
from upstream.simulator.catalog import canonical_id

FINAL = frozenset(["Completed", "Partial", "Canceled", "Refunded"])


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request as read. ``fault`` and ``argument`` are what was drawn for it, ``label`` how it was written."""

    action: str
    fields: Mapping[str, str]
    now: float
    sha256: str
    fault: str = ""
    argument: str = ""
    label: str | None = None


def many_ids(text: str) -> list[str]:
    """Return the ids of a batch, each once. Raise Rejected above a hundred, the limit that several panels document."""
    ids = list(dict.fromkeys(canonical_id(part) for part in text.split(",") if part.strip()))
    if len(ids) > 100:
        raise Rejected("Maximum 100 orders", 400)
    return ids


def shown_id(number: str) -> int | str:
    """Return the id as an answer shows it: a JSON number if it has only digits."""
    return int(number) if number.isascii() and number.isdigit() else number
