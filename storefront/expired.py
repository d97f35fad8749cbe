"""Delete rows that have no use any more: expired counters and sessions, and accounts that nobody verified."""

from datetime import datetime

from django.contrib.sessions.models import Session

from core import counters

#: Rows deleted by one statement, so that none holds locks for long.
BATCH = 1_000


def delete_expired(*, now: datetime) -> int:
    """Delete in batches whatever has expired; return how many rows."""
    return counters.delete_expired(now=now) + _sessions(now)


def _sessions(now: datetime) -> int:
    deleted = 0
    while keys := list(Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:BATCH]):
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    return deleted
