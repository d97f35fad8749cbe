"""The history of a top-up: a row for each step."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.models import TopUp, TopUpEvent
from billing.topups.mail_texts import note_news


def note_step(topup: TopUp, *, old: str, cause: str, now: datetime, facts: Mapping[str, Any] | None = None) -> None:
    """Add a row that ``topup`` went from ``old`` to its present state, and what is news to its customer.

    Part of the caller's transaction.
    """
    TopUpEvent.objects.create(topup=topup, at=now, old=old, new=topup.state, cause=cause[:254], facts=dict(facts or {}))
    if topup.state != old:
        note_news(topup, now=now)
