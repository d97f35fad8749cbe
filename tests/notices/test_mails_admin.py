"""The owner's view of the outbox: every mail's fate, none of its words, and "send again"."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.models import StaffAction
from notices.models import Outbox, SendState
from tests.mail_server import MailServer
from tests.notices.mails import CODE, queue, queue_code, send
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
LIST = "admin:notices_outbox_changelist"


@pytest.fixture
def admin() -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def send_again(client: Client, *rows: Outbox) -> str:
    chosen = {"action": "send_again", "_selected_action": [str(row.pk) for row in rows]}
    return client.post(reverse(LIST), chosen, follow=True).content.decode()


def test_mails_are_listed_with_their_fate_and_without_their_words(admin: Client, server: MailServer) -> None:
    server.refusals["typo@example.com"] = "550 5.1.1 <script>no such user"
    queue(data={"title": "Very secret news", "body": "", "path": ""})
    refused, code = queue(key="two", to="typo@example.com"), queue_code(key="code")
    send()
    page = admin.get(reverse(LIST)).content.decode()
    assert "550 5.1.1 &lt;script&gt;no such user" in page
    assert "Address refused" in page
    only = admin.get(reverse(LIST), {"state__exact": "refused"}).context["cl"].result_list
    assert [row.pk for row in only] == [refused.pk]
    for row in (refused, code):
        page += admin.get(reverse("admin:notices_outbox_change", args=[row.pk])).content.decode()
    assert "Very secret" not in page
    assert CODE not in page
    assert admin.post(reverse("admin:notices_outbox_change", args=[code.pk]), {"to": "x"}).status_code == 403


def test_a_mail_is_sent_again_and_that_is_written_down(admin: Client, server: MailServer) -> None:
    server.refusals["alice@example.com"] = "550 5.1.1 no such user"
    row, code = queue(), queue_code(key="code")
    send()
    server.refusals.clear()
    page = send_again(admin, row, code)
    assert "1 mail is sent again." in page
    assert "1 mail is not" in page
    assert send() == 1
    row.refresh_from_db()
    assert (row.state, row.gave_up_at, row.error) == (SendState.SENT, None, "")
    assert [action.object_id for action in StaffAction.objects.filter(action="mail.send_again")] == [str(row.pk)]


def test_sending_again_needs_its_permission(server: MailServer) -> None:
    row = queue()
    send()
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_outbox"))
    send_again(sign_in_staff(clerk), row)
    row.refresh_from_db()
    assert row.state == SendState.SENT
