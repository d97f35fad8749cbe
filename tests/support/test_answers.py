"""Tickets with answers: what customers and staff write to each other, and what each of them sees."""

import pytest
from django.db import Error, transaction
from django.test import Client

from accounts.mail_choices import TICKET, set_switches
from accounts.models import User
from core.clock import database_now
from core.models import StaffAction
from core.staff_actions import shell_actor
from notices.models import Alert
from orders.models import Order
from support.models import CannedAnswer, Ticket, TicketMessage
from support.tickets import MAX_UNANSWERED, BadMessage, add_note, answer, close_ticket, open_ticket, reply
from tests.mails import sent_mails
from tests.pages.cast import Orders, customer, stock
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer()


@pytest.fixture
def order(alice: User) -> Order:
    return Orders(alice, stock()[0]).completed()


@pytest.fixture
def owner() -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def asked(who: User, order: Order | None = None) -> Ticket:
    now = database_now()
    number = open_ticket(customer=who, subject="Followers dropped", message="When?", order=order, now=now)
    return Ticket.objects.get(pk=number)


def answered(ticket: Ticket, text: str = "Tomorrow.", *, close: bool = False) -> bool:
    return answer(ticket_id=ticket.pk, text=text, actor=shell_actor(), close=close, now=database_now())


def test_a_customer_asks_about_an_order_and_reads_the_answer(alice: User, order: Order, owner: Client) -> None:
    shop = sign_in_customer(alice)
    # 1. From the page of the order to the form, which knows the order and says how it stands.
    assert f"/tickets/new/?order={order.pk}" in shop.get(f"/orders/{order.pk}/").content.decode()
    form = shop.get("/tickets/new/", {"order": str(order.pk)}).content.decode()
    assert f'value="Order #{order.pk}"' in form
    assert "Delivered" in form
    typed = {"order": f"#{order.pk}", "subject": "Followers dropped", "message": "<i>Why?</i>"}
    page = shop.post("/tickets/new/", typed, follow=True).content.decode()
    assert "&lt;i&gt;Why?" in page
    ticket = Ticket.objects.get()
    assert (ticket.order, ticket.is_unread) == (order, False)
    # 2. Staff come from the first page of the admin straight to the ticket that waits longest, and answer it.
    assert "/admin/support/ticket/next/" in owner.get("/admin/").content.decode()
    desk = owner.get("/admin/support/ticket/next/", follow=True)
    assert desk.redirect_chain == [(f"/admin/support/ticket/{ticket.pk}/change/", 302)]
    assert str(order) in desk.content.decode()
    sent = {"text": "It is refilled.", "verb": "answer"}
    assert "The answer was sent." in owner.post(desk.redirect_chain[0][0], sent, follow=True).content.decode()
    # 3. The customer gets a mail, sees it in the menu, and reads it; then it is no news any more.
    [mail] = [mail for mail in sent_mails() if alice.email in mail.to]
    assert "It is refilled." in str(mail.body)
    assert f"/tickets/{ticket.pk}/" in str(mail.body)
    assert "not read:" in shop.get("/orders/").content.decode()
    assert "It is refilled." in shop.get(f"/tickets/{ticket.pk}/").content.decode()
    assert "not read:" not in shop.get("/orders/").content.decode()
    assert owner.get("/admin/support/ticket/next/").headers["Location"] == "/admin/support/ticket/"


def test_a_ticket_waits_from_the_first_message_without_an_answer(alice: User) -> None:
    ticket = asked(alice)
    first = ticket.waits_since
    reply(ticket_id=ticket.pk, customer=alice, text="Still?", now=database_now())
    ticket.refresh_from_db()
    assert ticket.waits_since == first
    assert answered(ticket)
    ticket.refresh_from_db()
    assert (ticket.waits_since, ticket.is_unread) == (None, True)
    assert not Alert.objects.filter(closed_at=None).exists()
    reply(ticket_id=ticket.pk, customer=alice, text="Thanks, and now?", now=database_now())
    ticket.refresh_from_db()
    assert ticket.waits_since is not None
    assert [alert.cause for alert in Alert.objects.filter(closed_at=None)] == [f"ticket:{ticket.pk}"]


def test_a_reply_opens_a_closed_ticket_again(alice: User) -> None:
    ticket = asked(alice)
    assert answered(ticket, close=True)
    ticket.refresh_from_db()
    assert ticket.closed_by == "command"
    shop = sign_in_customer(alice)
    assert "A reply opens it again" in shop.get(f"/tickets/{ticket.pk}/").content.decode()
    shop.post(f"/tickets/{ticket.pk}/", {"text": "It dropped again."})
    ticket.refresh_from_db()
    assert ticket.is_open
    assert "The ticket is closed" in shop.post(f"/tickets/{ticket.pk}/close/", follow=True).content.decode()
    ticket.refresh_from_db()
    assert ticket.closed_by == alice.email


def test_a_second_click_adds_nothing(alice: User) -> None:
    ticket = asked(alice)
    assert [answered(ticket) for _click in range(2)] == [True, False]
    for _click in range(2):
        reply(ticket_id=ticket.pk, customer=alice, text="Thanks", now=database_now())
    assert TicketMessage.objects.count() == 2
    assert StaffAction.objects.filter(action="ticket.answer").count() == 1
    assert len([mail for mail in sent_mails() if alice.email in mail.to]) == 1


def test_a_note_of_staff_is_never_shown_to_the_customer(alice: User, owner: Client) -> None:
    ticket = asked(alice)
    page = f"/admin/support/ticket/{ticket.pk}/change/"
    assert (
        "Third slow order"
        in owner.post(page, {"text": "Third slow order this week", "verb": "note"}, follow=True).content.decode()
    )
    shop = sign_in_customer(alice)
    for path in ("/tickets/", f"/tickets/{ticket.pk}/"):
        assert "Third slow order" not in shop.get(path).content.decode()
    ticket.refresh_from_db()
    assert (ticket.waits_since is None, ticket.is_unread) == (False, False)
    assert not [mail for mail in sent_mails() if alice.email in mail.to]


def test_what_was_typed_is_kept_when_it_is_refused(alice: User, owner: Client, order: Order) -> None:
    shop = sign_in_customer(alice)
    kept = shop.post("/tickets/new/", {"order": str(order.pk + 1), "subject": "", "message": "Look at this"})
    assert kept.status_code == 400
    assert all(
        text in kept.content.decode() for text in ("Look at this", "You have no order", "Please write what it is about")
    )
    ticket = asked(alice)
    assert "Please write a message." in shop.post(f"/tickets/{ticket.pk}/", {"text": " "}).content.decode()
    page = owner.post(f"/admin/support/ticket/{ticket.pk}/change/", {"text": " ", "verb": "answer"})
    assert "Please write a message." in page.content.decode()
    assert not TicketMessage.objects.exists()


def test_a_customer_cannot_bury_staff_in_messages_of_one_ticket(alice: User) -> None:
    ticket = asked(alice)
    for n in range(MAX_UNANSWERED):
        reply(ticket_id=ticket.pk, customer=alice, text=f"Hello {n}", now=database_now())
    with pytest.raises(BadMessage):
        reply(ticket_id=ticket.pk, customer=alice, text="One more", now=database_now())
    assert answered(ticket)
    reply(ticket_id=ticket.pk, customer=alice, text="One more", now=database_now())


def test_a_canned_answer_is_filled_in_from_the_order(alice: User, order: Order, owner: Client) -> None:
    canned = CannedAnswer.objects.create(title="Asked", text="We look at {order} ({service}) for {name}.")
    ticket = asked(alice, order=order)
    fill_in = {"verb": "fill_in", "canned": str(canned.pk), "text": "Dear Alice,"}
    page = owner.post(f"/admin/support/ticket/{ticket.pk}/change/", fill_in).content.decode()
    assert f"Dear Alice,\n\nWe look at #{order.pk} ({order.service_name}) for {{name}}." in page
    assert not ticket.messages.exists()
    without = asked(alice)
    page = owner.post(f"/admin/support/ticket/{without.pk}/change/", {**fill_in, "text": ""}).content.decode()
    assert "We look at {order} ({service})" in page


def test_mails_about_answers_can_be_switched_off(alice: User) -> None:
    set_switches(alice.pk, [TICKET], on=False)
    assert answered(asked(alice))
    assert not [mail for mail in sent_mails() if alice.email in mail.to]


def test_staff_who_may_only_look_answer_nothing(alice: User) -> None:
    from django.contrib.auth.models import Permission

    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_ticket"))
    desk, ticket = sign_in_staff(clerk), asked(alice)
    page = f"/admin/support/ticket/{ticket.pk}/change/"
    assert 'name="verb"' not in desk.get(page).content.decode()
    assert desk.post(page, {"text": "Hello", "verb": "answer"}).status_code == 403
    assert not TicketMessage.objects.exists()


def test_messages_are_never_changed(alice: User) -> None:
    ticket = asked(alice)
    add_note(ticket_id=ticket.pk, text="Kept", actor=shell_actor(), now=database_now())
    for change in (lambda: TicketMessage.objects.update(text="x"), lambda: TicketMessage.objects.all().delete()):
        with pytest.raises(Error), transaction.atomic():
            change()
    assert close_ticket(ticket_id=ticket.pk, actor="owner", now=database_now())
