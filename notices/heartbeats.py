"""Heartbeats, as rows: nobody notices log lines that stop."""

from datetime import datetime, timedelta

from django.conf import settings

from notices.models import Heartbeat


def beat(*parts: str, now: datetime) -> None:
    """Record that these parts (for instance "sweep" or "queue:forward") are alive: one statement."""
    beats = [Heartbeat(part, at=now) for part in sorted(parts)]
    Heartbeat.objects.bulk_create(beats, update_conflicts=True, unique_fields=["part"], update_fields=["at"])


def last_beats() -> dict[str, datetime]:
    """Return the last heartbeat of each part that ever had one."""
    return dict(Heartbeat.objects.values_list("part", "at"))


def silent_after() -> timedelta:
    """Return the age at which a heartbeat means silence: two minutes, or four sweeps if that is longer."""
    return timedelta(seconds=max(120.0, 4 * settings.SWEEP_SECONDS))
