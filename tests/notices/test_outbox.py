"""Each mail is queued once, and sent to a real SMTP server. Sent mails are deleted, or sent again by hand."""

from datetime import timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from core import broker
from core.clock import database_now
from core.models import ShopSettings
from notices import causes, outbox
from notices.alert_mails import mail_open_alerts
from notices.alerts import open_alert
from notices.models import Outbox, SendState
from notices.outbox import delete_old, is_due, queue_mail, render, send_again
from storefront import rounds
from tests.mail_server import MailServer
from tests.notices.mails import CODE, is_open, queue, queue_code, send


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
def test_letters_of_any_plane_count_as_one() -> None:
    text = "\N{GOTHIC LETTER AHSA}" * 15_000
    queue_mail(key="x", to="a@example.com", template="x", data={"text": text}, language="en", now=database_now())
    assert Outbox.objects.get().data == {"text": text}


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


TEMPLATES = Path(__file__).parents[2] / "templates"


MAILS = sorted(
    str(path.relative_to(TEMPLATES)).removesuffix("_subject.txt") for path in TEMPLATES.rglob("email/*_subject.txt")
)


@pytest.mark.django_db
@pytest.mark.parametrize("template", MAILS)
def test_every_mail_of_the_shop_can_be_made_of_plain_words(template: str) -> None:
    urls = dict.fromkeys(("activate_url", "password_reset_url", "signup_url"), "https://shop.example/x")
    names = ("title", "body", "path", "code", "ip", "timestamp", "from_email", "to_email", "deleted_email", "prefix")
    names += ("subject",)
    mail = render(queue(template=template, data=dict.fromkeys(names, "word"), secret=urls))
    assert len(mail.subject) > len("[Permille] ")
    assert django_settings.SHOP_URL in str(mail.body)


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
