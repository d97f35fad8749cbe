"""The history of a top-up: a row for each step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.models import TopUp, TopUpEvent


def note_step(topup: TopUp, *, old: str, cause: str, now: datetime, facts: Mapping[str, Any] | None = None) -> None:
    """Add a row that ``topup`` went from ``old`` to its present state. Part of the caller's transaction."""
    TopUpEvent.objects.create(topup=topup, at=now, old=old, new=topup.state, cause=cause[:254], facts=dict(facts or {}))
