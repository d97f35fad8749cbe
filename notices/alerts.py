"""Raise, repeat and close alerts."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from notices.causes import Cause
from notices.models import Alert, Severity

_RAISE = """
    INSERT INTO notices_alert (cause, severity, title, body, path, times, opened_at, last_at, closed_by)
    VALUES (%(cause)s, %(severity)s, %(title)s, %(body)s, %(path)s, 1, %(now)s, %(now)s, '')
    ON CONFLICT (cause) WHERE closed_at IS NULL
    DO UPDATE SET times = notices_alert.times + 1, last_at = excluded.last_at, body = excluded.body
"""

_REPEAT = """
    UPDATE notices_alert SET times = times + 1, last_at = %(now)s
    WHERE cause = ANY(%(causes)s) AND closed_at IS NULL RETURNING cause
"""


def raise_alert(cause: Cause, *, now: datetime, path: str = "", **data: object) -> None:
    """Open an alert for ``cause``, or count one more time on the one that is open; ``data`` fills its texts.

    Part of the caller's transaction: an alert about a change that was rolled back never existed.
    """
    open_alert(
        cause=cause.key_for(data),
        title=str(cause.title) % data,
        body=(str(cause.body) % data).strip(),
        severity=cause.severity,
        path=path or cause.path_for(data),
        now=now,
    )


def open_alert(
    *, cause: str, title: str, body: str = "", severity: Severity = Severity.ATTENTION, path: str = "", now: datetime
) -> None:
    """Open or repeat the alert stored under ``cause``. For tests and for :func:`raise_alert`, which has the texts."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RAISE,
            {
                "cause": cause,
                "severity": severity,
                "title": title[:200],
                "body": body[:4000],
                "path": path,
                "now": now,
            },
        )


def repeat_alerts(causes: Collection[str], *, now: datetime) -> set[str]:
    """Count one more time on each of these alerts that is open; return their stored causes. One statement for all."""
    with connection.cursor() as cursor:
        cursor.execute(_REPEAT, {"causes": list(causes), "now": now})
        return {cause for (cause,) in cursor.fetchall()}


def close_alert(cause: Cause, *, now: datetime, actor: str = "", **data: object) -> bool:
    """Close the open alert of ``cause``; return False if there was none."""
    return bool(close_alerts([cause.key_for(data)], now=now, actor=actor))


def close_alerts(causes: Collection[str], *, now: datetime, actor: str = "") -> int:
    """Close the open alerts stored under these causes; return how many there were."""
    return Alert.objects.filter(cause__in=causes, closed_at=None).update(closed_at=now, closed_by=actor)
