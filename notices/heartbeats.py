"""Heartbeats, as rows: nobody notices log lines that stop."""

from datetime import datetime

from notices.models import Heartbeat


def beat(*, part: str, now: datetime) -> None:
    """Record that ``part`` (for instance "beat" or "queue:forward") is alive."""
    Heartbeat.objects.update_or_create(part=part, defaults={"at": now})


def last_beats() -> dict[str, datetime]:
    """The last heartbeat of each part that ever had one."""
    return dict(Heartbeat.objects.values_list("part", "at"))
