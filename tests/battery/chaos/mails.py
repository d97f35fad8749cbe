"""The mails of a run: a mail server that keeps what it got, and notices queued while the workers that send them die."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import override_settings

from core.clock import database_now
from notices.models import Alert, Outbox, SendState
from notices.outbox import LEASE, queue_mail, send_due
from tests.battery.chaos.world import forgiving
from tests.mail_server import MailServer

OWNER = "owner@example.com"
#: Two notices a second make some hundreds in a run.
_PAUSE = 0.5


def environment(server: MailServer) -> dict[str, str]:
    """What the shop's processes have to know of the mail server."""
    return {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}", "OWNER_EMAILS": OWNER}


@contextmanager
def notices() -> Iterator[Counter[str]]:
    """Queue one notice after the other, each of them twice, for the length of the ``with``; count what was queued."""
    ended, queued = threading.Event(), Counter[str]()

    def queue() -> None:
        number = 0
        while not ended.wait(_PAUSE):
            number += 1
            for _time in range(2):
                with forgiving():
                    words = {"template": "notices/email/test", "data": {}, "language": "en", "now": database_now()}
                    queue_mail(key=f"notice:{number}", to=f"customer{number}@example.com", **words)
                    queued[f"notice:{number}"] += 1
        connection.close()

    thread = threading.Thread(target=queue, name="notices")
    thread.start()
    try:
        yield queued
    finally:
        ended.set()
        thread.join()


def at_rest(server: MailServer, queued: Counter[str]) -> dict[str, Any]:
    """Send what dead senders had claimed, then compare the outbox with the server; return figures and what is broken.

    Each mail is one row, delivered at least once, and never more often than it was tried.
    """
    with override_settings(MAILERS=server.mailer):
        # A clock that is ahead ends the leases of the dead.
        send_due(now=database_now() + LEASE + timedelta(minutes=15), only_alerts=False, seconds=60)
    rows, received = list(Outbox.objects.all()), Counter(server.ids())
    keys = {row.key for row in rows}
    mailed = Alert.objects.filter(mailed_at__isnull=False).values_list("pk", flat=True)
    broken = [f"{row.key} is {row.state}: {row.error}" for row in rows if row.state != SendState.SENT]
    broken += [f"{row.key} never arrived" for row in rows if not received[row.message_id]]
    broken += [f"{row.key} arrived more often than sent" for row in rows if received[row.message_id] > row.tries]
    broken += [f"{key} has no row" for key in {*queued, *(f"alert:{pk}:{OWNER}" for pk in mailed)} - keys]
    broken += [f"{known} belongs to no row" for known in received.keys() - {row.message_id for row in rows}]
    again = sum(times > 1 for times in received.values())
    return {
        "rows": len(rows),
        "arrived": received.total(),
        "again": again,
        "lost_or_wrong": len(broken),
        "broken": broken,
    }
