"""What customers asked, as the owner finds it."""

import pytest
from django.test import Client

from accounts.models import User
from core.clock import database_now
from notices.alert_mails import mail_open_alerts
from notices.models import Alert
from support.models import Ticket
from support.tickets import close_ticket, open_ticket
from tests.mails import sent_mails
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice@example.com")


def asked(who: User, subject: str = "Order is slow") -> Ticket:
    number = open_ticket(customer=who, subject=subject, message="<b>When?</b>", now=database_now())
    return Ticket.objects.get(pk=number)


def test_a_ticket_mails_the_owner_once(alice: User) -> None:
    User.objects.create_superuser("owner@example.com", "correct horse battery")
    ticket = asked(alice)
    asked(alice, "Another")
    assert mail_open_alerts(now=database_now()) == 2
    subjects = [str(message.subject) for message in sent_mails()]
    assert any(f"Ticket {ticket.pk}: Order is slow" in subject for subject in subjects), subjects
    assert all("When?" not in str(message.body) for message in sent_mails())


def test_the_owner_reads_and_closes_tickets_but_edits_nothing(client: Client, alice: User) -> None:
    sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"), client)
    ticket, other = asked(alice), asked(alice, "Another")
    page = client.get(f"/admin/support/ticket/{ticket.pk}/change/").content.decode()
    assert "&lt;b&gt;When?" in page
    assert alice.email in page
    assert client.post(f"/admin/support/ticket/{ticket.pk}/change/", {"subject": "x"}).status_code == 403
    chosen = {"action": "close", "_selected_action": [str(ticket.pk)]}
    assert "1 ticket closed" in client.post("/admin/support/ticket/", chosen, follow=True).content.decode()
    ticket.refresh_from_db()
    assert ticket.closed_by == "owner@example.com"
    assert [a.cause for a in Alert.objects.filter(closed_at=None)] == [f"ticket:{other.pk}"]
    assert not close_ticket(ticket_id=ticket.pk, actor="owner@example.com", now=database_now())


def test_staff_without_permission_close_nothing(client: Client, alice: User) -> None:
    sign_in_staff(User.objects.create_user("staff@example.com", is_staff=True), client)
    ticket = asked(alice)
    assert client.get("/admin/support/ticket/").status_code == 403
    client.post("/admin/support/ticket/", {"action": "close", "_selected_action": [str(ticket.pk)]})
    assert Ticket.objects.filter(closed_at=None).count() == 1
