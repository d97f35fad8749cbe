"""Mails that a server does not take: away, hanging, refusing. Each is kept until it is sent or given up."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from pytest_django.fixtures import Settings

from core.clock import database_now
from notices import causes, outbox
from notices.models import Alert, Outbox, SendState
from notices.outbox import GIVE_UP_AFTER, send_due
from tests.mail_server import MailServer, nobody_listens
from tests.notices.mails import CODE, is_open, queue, queue_code, send


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
#: Far more of them than end a run of mails, or alert anybody.
MANY = 10 * outbox.REFUSALS


def queue_denied(server: MailServer, count: int) -> list[Outbox]:
    addresses = [f"bad{number}@blocked.example" for number in range(count)]
    server.refusals |= dict.fromkeys(addresses, DENIED)
    return [queue(to, to=to) for to in addresses]


@pytest.mark.django_db
@pytest.mark.parametrize("failed_before", [False, True])
def test_any_number_of_refused_recipients_keep_no_code_back(server: MailServer, failed_before: bool) -> None:
    rows = queue_denied(server, MANY)
    if failed_before:
        assert send() == 0
    code = queue_code(key="code", good_until=database_now() + timedelta(minutes=15))
    later = timedelta(minutes=1) if failed_before else timedelta()
    assert send(later=later) == 1
    assert server.ids() == [code.message_id]
    if failed_before:
        assert server.recipients[MANY] == "alice@example.com", "what failed before comes after it"
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
