"""Each mail is queued once, sent by a real SMTP server's answers, and kept until it is sent or given up."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat
from pytest_django.fixtures import Settings

from core import broker
from core.clock import database_now
from core.models import ShopSettings
from notices import causes, outbox
from notices.alert_mails import mail_open_alerts
from notices.alerts import open_alert
from notices.models import Alert, Outbox, SendState
from notices.outbox import GIVE_UP_AFTER, LEASE, delete_old, is_due, queue_mail, render, send_again, send_due
from storefront import rounds
from tests.mail_server import MailServer, nobody_listens

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


# Queued.


@pytest.mark.django_db
def test_a_repeated_key_queues_nothing(server: MailServer) -> None:
    first = queue()
    assert not queue_mail(
        key="one", to="bob@example.com", template="x", data={}, language="en", now=database_now()
    )  # fmt: skip
    assert list(Outbox.objects.values_list("to", "message_id")) == [("alice@example.com", first.message_id)]


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_on_commit_and_a_rollback_leaves_neither_row_nor_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(broker, "publish", lambda task, **_more: rung.append(task))
    with transaction.atomic():
        queue()
        assert rung == []
    assert rung == [outbox.SEND]
    with transaction.atomic():
        queue("two")
        transaction.set_rollback(True)
    assert (rung, Outbox.objects.count()) == ([outbox.SEND], 1)


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_queued_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_words: Any, **_more: Any) -> None:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(broker, "publish", away)
    assert queue().state == SendState.WAITING
    assert is_due(now=database_now(), only_alerts=False)


@pytest.mark.django_db
def test_data_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="may have"):
        queue(data={"body": "x" * 20_000})


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad", [{"next_at": None}, {"state": "sent"}, {"state": "given_up", "next_at": None}, {"sealed": "x"}]
)
def test_the_database_refuses_a_row_in_no_state(bad: dict[str, Any]) -> None:
    row = queue()
    with pytest.raises(IntegrityError), transaction.atomic():
        Outbox.objects.filter(pk=row.pk).update(**bad)


# Sent.


@pytest.mark.django_db
def test_a_mail_has_a_text_a_sender_and_marks_of_a_machine(server: MailServer, settings: Settings) -> None:
    settings.SHOP_URL, settings.DEFAULT_FROM_EMAIL = "https://shop.example", "mail@shop.example"
    ShopSettings.objects.filter(pk=1).update(name="Şirin, Ltd.", sender_name="")
    row = queue(data={"title": "5 < 6 & so on", "body": "A & B", "path": "/admin/"})
    assert send() == 1
    [mail] = server.received
    assert mail["Message-ID"] == row.message_id
    assert row.message_id.endswith("@shop.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["To"] == "alice@example.com"
    text = str(mail.get_payload(decode=True), "utf-8").replace("\r\n", "\n")  # type: ignore[arg-type]
    assert text.startswith("A & B\n\nhttps://shop.example/admin/")
    assert "Şirin, Ltd." in text
    assert str(make_header(decode_header(mail["Subject"]))) == "[Şirin, Ltd.] 5 < 6 & so on"
    assert "mail@shop.example" in mail["From"]
    row.refresh_from_db()
    assert (row.state, row.tries, row.next_at, row.error) == (SendState.SENT, 1, None, "")
    assert row.sent_at is not None
    assert send() == 0


@pytest.mark.django_db
def test_a_code_is_stored_sealed_and_wiped_once_it_is_sent(server: MailServer) -> None:
    row = queue_code()
    assert CODE not in f"{row.data}{row.sealed}"
    assert send() == 1
    assert CODE in server.received[0].as_string()
    row.refresh_from_db()
    assert (row.sealed, row.has_secret) == ("", True)


@pytest.mark.django_db
def test_a_server_that_is_away_is_asked_once_a_run_and_the_owner_is_told_once(
    settings: Settings, server: MailServer
) -> None:
    settings.MAILERS = nobody_listens()
    rows = [queue(str(number)) for number in range(3)]
    assert send() == 0
    assert list(Outbox.objects.order_by("pk").values_list("tries", flat=True)) == [1, 0, 0]
    rows[0].refresh_from_db()
    assert "Connection refused" in rows[0].error
    assert send() == 0
    assert Alert.objects.filter(cause=causes.MAIL_FAILS.key).count() == 1
    settings.MAILERS = server.mailer
    assert send(later=timedelta(minutes=1)) == 3
    assert not is_open(causes.MAIL_FAILS)
    assert Counter(server.ids()) == Counter({row.message_id: 1 for row in rows})


@pytest.mark.django_db
def test_a_server_that_failed_is_left_alone_for_a_moment(server: MailServer) -> None:
    server.hangs = True
    queue()
    send()
    for number in range(5):
        queue(f"more {number}")
        send()
    assert server.connections == 1
    server.hangs = False
    assert send(later=timedelta(minutes=1)) == 6


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


@pytest.mark.django_db
def test_a_server_that_hangs_costs_a_run_its_patience_and_no_mail(server: MailServer) -> None:
    server.hangs = True
    row = queue()
    assert send() == 0
    row.refresh_from_db()
    assert (row.state, "timed out" in row.error) == (SendState.WAITING, True)
    server.hangs = False
    assert send(later=timedelta(minutes=1)) == 1


@pytest.mark.django_db
def test_a_server_that_dies_after_data_gets_the_mail_again_under_its_message_id(server: MailServer) -> None:
    server.after_data = None
    row = queue()
    assert send() == 0
    server.after_data = "250 Ok"
    assert send(later=timedelta(minutes=1)) == 1
    assert server.ids() == [row.message_id] * 2


@pytest.mark.django_db
def test_a_refused_address_is_final_at_once_and_the_others_go_out(server: MailServer) -> None:
    server.refusals["typo@example.com"] = "550 5.1.1 <typo@example.com>: no such\x1b user"
    refused = queue_code(key="typo", to="typo@example.com")
    queue("two")
    assert send() == 1
    refused.refresh_from_db()
    assert (refused.state, refused.sealed) == (SendState.REFUSED, "")
    assert refused.error == "550 5.1.1 <typo@example.com>: no such? user"
    assert not Alert.objects.exists()
    assert send(later=timedelta(days=1)) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", ["\u202ealice@example.com", "alice@example.com\u202e", "ö@example.com", "a@b\nTo: c@d"]
)
def test_an_address_that_smtp_cannot_write_is_refused(server: MailServer, address: str) -> None:
    row = queue(to=address)
    assert send() == 0
    row.refresh_from_db()
    assert row.state == SendState.REFUSED


@pytest.mark.django_db
def test_a_server_that_refuses_our_sender_is_not_taken_for_a_wrong_address(server: MailServer) -> None:
    server.sender_answer = "550 5.1.8 Sender address rejected"
    row = queue()
    assert send() == 0
    row.refresh_from_db()
    assert row.state == SendState.WAITING
    assert is_open(causes.MAIL_FAILS)


DENIED = "554 5.7.1 Recipient address rejected: Access denied"


def queue_denied(server: MailServer, count: int) -> list[Outbox]:
    addresses = [f"bad{number}@blocked.example" for number in range(count)]
    server.refusals |= dict.fromkeys(addresses, DENIED)
    return [queue(to, to=to) for to in addresses]


@pytest.mark.django_db
@pytest.mark.parametrize("failed_before", [False, True])
def test_any_number_of_refused_recipients_keep_no_code_back(server: MailServer, failed_before: bool) -> None:
    rows = queue_denied(server, 120)
    if failed_before:
        assert send() == 0
    code = queue_code(key="code", good_until=database_now() + timedelta(minutes=15))
    later = timedelta(minutes=1) if failed_before else timedelta()
    assert send(later=later) == 1
    assert server.ids() == [code.message_id]
    if failed_before:
        assert server.recipients[120] == "alice@example.com", "what failed before comes after it"
    assert not is_open(causes.MAIL_FAILS)
    assert set(Outbox.objects.filter(pk__in=[row.pk for row in rows]).values_list("state", "tries")) == {
        (SendState.WAITING, 2 if failed_before else 1)
    }


@pytest.mark.django_db
def test_a_server_that_refuses_every_recipient_is_an_alert_until_it_takes_a_mail(server: MailServer) -> None:
    queue_denied(server, 2)
    assert send() == 0
    assert not is_open(causes.MAIL_FAILS), "two may be two bad addresses"
    queue("two", to="bad2@blocked.example")
    server.refusals["bad2@blocked.example"] = DENIED
    assert send(later=timedelta(minutes=1)) == 0
    assert is_open(causes.MAIL_FAILS)
    server.refusals.clear()
    assert send(later=timedelta(minutes=3)) == 3
    assert not is_open(causes.MAIL_FAILS)
    Outbox.objects.update(key=Concat(Value("old "), "key"))
    queue_denied(server, 3)
    assert send(later=timedelta(minutes=4)) == 0
    assert not is_open(causes.MAIL_FAILS), "it took mails some minutes ago"


@pytest.mark.django_db
def test_a_lone_code_that_the_server_never_took_is_an_alert(server: MailServer) -> None:
    server.refusals["alice@example.com"] = DENIED
    queue_code(good_until=database_now() + timedelta(minutes=15))
    assert send() == 0
    assert not is_open(causes.MAIL_FAILS)
    assert send(later=timedelta(minutes=16)) == 0
    assert is_open(causes.MAIL_FAILS)


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["recipient", "text"])
def test_a_mail_that_is_put_off_keeps_no_other_back(server: MailServer, where: str) -> None:
    if where == "recipient":
        server.refusals["alice@example.com"] = "450 4.2.1 Greylisted"
    else:
        server.after_data = "554 5.6.0 Looks like spam"
    row, other = queue(), queue("two", to="bob@example.com")
    assert send() == (1 if where == "recipient" else 0)
    assert server.recipients == ["alice@example.com", "bob@example.com"]
    row.refresh_from_db()
    assert (row.state, row.tries) == (SendState.WAITING, 1)
    assert not is_open(causes.MAIL_FAILS)
    if where == "text":
        # Nothing at all gets through for an hour: that is the server, not the mail.
        send(later=timedelta(hours=1, minutes=1))
        assert is_open(causes.MAIL_FAILS)
    assert other.key == "two"


@pytest.mark.django_db
def test_tries_become_rarer_and_end_after_three_days_with_an_alert(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LONGEST_WAIT", timedelta(hours=6))  # fewer tries for the test
    settings.MAILERS = nobody_listens()
    row, now, waits = queue_code(), database_now(), []
    while row.state == SendState.WAITING:
        assert row.next_at is not None
        send_due(now=max(now, row.next_at), only_alerts=False)
        before, row = row.next_at, Outbox.objects.get(pk=row.pk)
        waits.append(row.next_at - before if row.next_at else None)
    assert row.state == SendState.GIVEN_UP
    assert row.sealed == ""
    assert row.gave_up_at is not None
    assert GIVE_UP_AFTER < row.gave_up_at - row.queued_at < GIVE_UP_AFTER + timedelta(hours=7)
    steps = [wait for wait in waits if wait is not None]
    assert timedelta(seconds=29) < steps[0] < timedelta(seconds=40)
    assert timedelta(hours=5.9) < steps[-1] < timedelta(hours=6.1)
    assert is_open(causes.MAIL_UNDELIVERED)


@pytest.mark.django_db
def test_a_code_that_no_longer_works_is_not_sent(server: MailServer) -> None:
    row = queue_code(good_until=database_now() + timedelta(minutes=15))
    assert send(later=timedelta(minutes=16)) == 0
    row.refresh_from_db()
    assert (row.state, row.sealed, server.received) == (SendState.GIVEN_UP, "", [])
    assert not Alert.objects.exists()


@pytest.mark.django_db
def test_a_broken_template_keeps_no_other_mail_back(server: MailServer) -> None:
    broken = queue(template="notices/email/nothing")
    queue("two")
    assert send() == 1
    broken.refresh_from_db()
    assert (broken.state, broken.tries) == (SendState.WAITING, 1)
    assert Alert.objects.get().cause == "failure:rendering mails"


@pytest.mark.django_db
def test_no_log_line_has_a_code_or_an_address(
    server: MailServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    queue_code(to="typo@example.com")
    server.refusals["typo@example.com"] = f"450 try later {CODE}"
    send()
    settings.MAILERS = nobody_listens()
    send(later=timedelta(minutes=1))
    assert caplog.records
    assert not any(word in caplog.text for word in (CODE, "typo@example.com"))


TEMPLATES = Path(__file__).parents[2] / "templates"
MAILS = sorted(
    str(path.relative_to(TEMPLATES)).removesuffix("_subject.txt") for path in TEMPLATES.rglob("email/*_subject.txt")
)


@pytest.mark.django_db
@pytest.mark.parametrize("template", MAILS)
def test_every_mail_of_the_shop_can_be_made_of_plain_words(template: str) -> None:
    urls = dict.fromkeys(("activate_url", "password_reset_url", "signup_url"), "https://shop.example/x")
    names = ("title", "body", "path", "code", "ip", "timestamp", "from_email", "to_email", "deleted_email", "prefix")
    mail = render(queue(template=template, data=dict.fromkeys(names, "word"), secret=urls))
    assert len(mail.subject) > len("[Permille] ")
    assert django_settings.SHOP_URL in str(mail.body)


# Crashes and races.


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


# Alerts, freezing, the sweep.


@pytest.mark.django_db
def test_each_alert_is_mailed_once_to_each_owner_and_a_failing_server_is_not_told_by_mail(
    server: MailServer, settings: Settings
) -> None:
    settings.OWNER_EMAILS = ["owner@example.com", "partner@example.com"]
    open_alert(cause="a", title="First", now=database_now())
    open_alert(cause=causes.MAIL_FAILS.key, title="Mail", now=database_now())
    assert mail_open_alerts(now=database_now()) == 1
    open_alert(cause="a", title="First", now=database_now())
    assert mail_open_alerts(now=database_now()) == 0
    assert send(later=timedelta(minutes=1)) == 2
    assert sorted(server.recipients) == ["owner@example.com", "partner@example.com"]


@pytest.mark.django_db
def test_an_owner_whose_address_is_refused_sees_it_in_the_admin(server: MailServer, settings: Settings) -> None:
    settings.OWNER_EMAILS = ["wrong@example.com"]
    server.refusals["wrong@example.com"] = "550 5.1.1 no such user"
    open_alert(cause="a", title="First", now=database_now())
    mail_open_alerts(now=database_now())
    send()
    assert is_open(causes.MAIL_UNDELIVERED)
    mail_open_alerts(now=database_now())
    send()
    assert mail_open_alerts(now=database_now()) == 0, "an alert about alerts has an end"


@pytest.mark.django_db
def test_a_frozen_shop_sends_alerts_only(server: MailServer) -> None:
    queue()
    alert = queue("alert", is_alert=True)
    assert send(only_alerts=True) == 1
    assert server.ids() == [alert.message_id]
    assert not is_due(now=database_now(), only_alerts=True)
    assert send() == 1


@pytest.mark.django_db
def test_the_round_without_a_broker_mails_alerts(server: MailServer, settings: Settings) -> None:
    settings.OWNER_EMAILS = ["owner@example.com"]
    open_alert(cause="a", title="First", now=database_now())
    assert rounds.work_round(seconds=1)["mailed"] == 1
    assert server.recipients == ["owner@example.com"]


@pytest.mark.django_db
def test_without_a_mail_server_mails_wait_and_the_owner_sees_why(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    row = queue()
    rounds.ring_round()
    assert send() == 0
    row.refresh_from_db()
    assert (row.state, row.tries) == (SendState.WAITING, 0)
    assert is_open(causes.MAIL_NOT_SET_UP)


@pytest.mark.django_db
def test_old_mails_are_deleted_but_not_those_that_wait(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    long_ago = database_now() - timedelta(days=15)
    for number in range(5):
        queue(str(number))
    send()
    Outbox.objects.update(queued_at=long_ago)
    queue("waits", now=long_ago)
    queue("new")
    assert delete_old(now=database_now()) == 5
    assert set(Outbox.objects.values_list("key", flat=True)) == {"waits", "new"}


@pytest.mark.django_db
def test_a_mail_is_sent_again_under_its_message_id_unless_its_code_is_wiped(server: MailServer) -> None:
    row, code = queue(), queue_code(key="code")
    assert send() == 2
    assert [again.pk for again in send_again([row, code], now=database_now())] == [row.pk]
    assert send() == 1
    assert server.ids().count(row.message_id) == 2
