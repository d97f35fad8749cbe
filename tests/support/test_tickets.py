"""What customers asked, as the owner finds it."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts.models import User
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.alert_mails import mail_open_alerts
from notices.models import Alert
from support.models import Ticket
from support.tickets import answer, close_ticket, open_ticket
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
    client.post(f"/admin/support/ticket/{ticket.pk}/change/", {"subject": "x"})
    assert Ticket.objects.get(pk=ticket.pk).subject == "Order is slow"
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


def test_tickets_from_before_get_their_place_in_batches(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    step = import_module("support.migrations.0005_old_tickets_and_indexes")
    monkeypatch.setattr(step, "_BATCH", 2)
    tickets = [asked(alice, f"Ticket {n}") for n in range(5)]
    close_ticket(ticket_id=tickets[1].pk, actor="owner", now=database_now())
    answer(ticket_id=tickets[3].pk, text="Look again.", actor=shell_actor(), close=False, now=database_now())
    answered = Ticket.objects.get(pk=tickets[3].pk).last_at
    Ticket.objects.exclude(pk=tickets[3].pk).update(last_at=database_now(), waits_since=None)
    for _repeat in range(2):
        step.fill_in(apps, connection.schema_editor())
    assert [t.waits_since is not None for t in Ticket.objects.order_by("pk")] == [True, False, True, False, True]
    assert [t.last_at for t in Ticket.objects.order_by("pk")] == [
        answered if t.pk == tickets[3].pk else t.created_at for t in tickets
    ]
