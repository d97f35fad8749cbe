"""Queueing and sending mails in tests."""

from datetime import timedelta
from typing import Any

from core.clock import database_now
from notices import causes
from notices.models import Alert, Outbox
from notices.outbox import queue_mail, send_due

CODE = "KX7P-M2QD"


def queue(key: str = "one", to: str = "alice@example.com", **more: Any) -> Outbox:
    words = {"title": "News", "body": "Something happened.", "path": ""}
    more = {"data": words, "template": "notices/email/alert", "language": "en", "now": database_now(), **more}
    queue_mail(key=key, to=to, **more)
    return Outbox.objects.get(key=key)


def queue_code(**more: Any) -> Outbox:
    return queue(template="account/email/email_confirmation", data={}, secret={"code": CODE}, **more)


def send(*, later: timedelta = timedelta(), only_alerts: bool = False) -> int:
    return send_due(now=database_now() + later, only_alerts=only_alerts)


def is_open(cause: causes.Cause) -> bool:
    return Alert.objects.filter(cause=cause.key, closed_at=None).exists()
