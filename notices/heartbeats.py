"""Signs of life, as rows: a log line that stops is noticed by nobody."""

from datetime import datetime

from notices.models import Heartbeat


def beat(*, part: str, now: datetime) -> None:
    """Note that ``part`` (for instance "beat" or "queue:forward") is alive."""
    Heartbeat.objects.update_or_create(part=part, defaults={"at": now})


def last_beats() -> dict[str, datetime]:
    """The last sign of life of every part that ever gave one."""
    return dict(Heartbeat.objects.values_list("part", "at"))
