from typing import Any

from django.core import mail

from core.clock import database_now
from notices.outbox import send_due


def sent_mails() -> list[Any]:
    """Send what is due, as a worker would, and return all mails that Django's test runner kept."""
    send_due(now=database_now(), only_alerts=False)
    return list(mail.outbox)
