"""Raise, repeat and close alerts; mail each one once."""

import logging
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils.translation import gettext as _

from notices.causes import Cause
from notices.models import Alert, Severity

log = logging.getLogger(__name__)

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


def recipients() -> list[str]:
    """OWNER_EMAILS, or every active superuser when none is set."""
    if settings.OWNER_EMAILS:
        return list(settings.OWNER_EMAILS)
    owners = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return list(owners.values_list("email", flat=True))


def mail_open_alerts(*, now: datetime) -> int:
    """Mail the open alerts not mailed yet; return how many. Rows are marked first, so that a crash repeats no mail."""
    with transaction.atomic():
        due = list(Alert.objects.select_for_update(skip_locked=True).filter(closed_at=None, mailed_at=None)[:50])
        Alert.objects.filter(pk__in=[a.pk for a in due]).update(mailed_at=now)
    to = recipients()
    if not due or not to:
        return 0
    for alert in due:
        _mail(alert, to)
    return len(due)


def _mail(alert: Alert, to: list[str]) -> None:
    body = f"{alert.body}\n\n{settings.SHOP_URL}{alert.path}\n" if alert.path else f"{alert.body}\n"
    subject = _("[%(shop)s] %(title)s") % {"shop": settings.SHOP_NAME, "title": " ".join(alert.title.split())}
    try:
        EmailMessage(subject, body, to=to).send()
    except OSError:
        # The row in the admin is the alert; a mail server that is down must not stop the sweep that called us.
        log.exception("alert %s could not be mailed", alert.pk)
        Alert.objects.filter(pk=alert.pk).update(mailed_at=None)
