"""Senders that are killed, that wake late, and that work at the same time."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection

from core.clock import database_now
from notices import outbox
from notices.models import SendState
from notices.outbox import LEASE
from tests.mail_server import MailServer
from tests.notices.mails import queue, send


@pytest.mark.django_db(transaction=True)
def test_one_process_at_a_time_is_busy_with_mails(server: MailServer) -> None:
    queue()
    seen: list[int] = []

    def meanwhile() -> None:
        def other() -> None:
            queue("two")
            seen.append(send())
            connection.close()

        server.on_mail = lambda: None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    server.on_mail = meanwhile
    assert send() == 2, "the mail that came meanwhile is sent by who was at work"
    assert seen == [0]


def _killed_at(point: str, server: MailServer) -> None:
    """Let a process send what is due and be killed there; return when it is dead."""
    sender = os.fork()
    if sender == 0:  # pragma: no cover - the child
        connection.connection = None  # its socket belongs to the parent
        die: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        if point == "claimed":
            outbox.render = lambda _row: die()  # type: ignore[assignment,return-value]
        elif point == "taken":
            real = outbox.Transport.deliver
            outbox.Transport.deliver = lambda *words: (real(*words), die())  # type: ignore[assignment,method-assign]
        try:
            send()
        finally:
            os._exit(1)
    server.on_mail = (lambda: os.kill(sender, signal.SIGKILL)) if point == "data" else (lambda: None)
    _pid, status = os.waitpid(sender, 0)
    assert os.WIFSIGNALED(status), point
    server.on_mail = lambda: None


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(("point", "arrived"), [("claimed", 1), ("data", 2), ("taken", 2)])
def test_a_sender_killed_anywhere_loses_no_mail_and_a_double_has_the_same_message_id(
    server: MailServer, point: str, arrived: int
) -> None:
    row = queue()
    connection.close()
    _killed_at(point, server)
    assert send() == 0, "it belongs to the dead sender until the end of its lease"
    assert send(later=LEASE + timedelta(seconds=1)) == 1
    assert server.ids() == [row.message_id] * arrived
    row.refresh_from_db()
    assert (row.state, row.tries) == (SendState.SENT, 2)


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_send_each_mail_once(server: MailServer) -> None:
    rows = [queue(str(number)) for number in range(30)]
    sent: list[int] = []

    def work() -> None:
        try:
            sent.append(send())
        finally:
            close_old_connections()
            connection.close()

    senders = [threading.Thread(target=work) for _number in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(sent) == 30
    assert Counter(server.ids()) == Counter({row.message_id: 1 for row in rows})


@pytest.mark.django_db
def test_a_sender_that_wakes_after_its_lease_does_not_overwrite_the_next_one(server: MailServer) -> None:
    row = queue()
    claimed = outbox._claim(database_now(), False)
    assert claimed is not None
    assert send(later=LEASE + timedelta(seconds=1)) == 1
    outbox._put_off(claimed, "late", now=database_now())
    row.refresh_from_db()
    assert row.state == SendState.SENT
