"""Open, answer and close tickets."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import close_alert, raise_alert
from orders.models import Order
from support.mails import queue_answer
from support.models import LONGEST_MESSAGE, Author, Priority, Ticket, TicketMessage

#: One customer's program in a loop must not bury the tickets of the others.
MAX_OPEN = 50
#: Messages of the customer in one ticket since the last answer.
MAX_UNANSWERED = 20
_MAX_LENGTH = {"subject": 200, "message": LONGEST_MESSAGE}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class BadTicket(Refusal):
    """``field`` is missing, too long, or not one of the choices."""

    code = "bad_ticket"

    def __init__(self, field: str, *, is_missing: bool) -> None:
        self.field, self.is_missing = field, is_missing
        super().__init__(_("Please check the field %(field)s.") % {"field": field})


class TooManyTickets(Refusal):
    """The customer has as many open tickets as allowed."""

    code = "too_many_tickets"


class BadMessage(Refusal):
    """The message is empty or too long, or there are too many of them."""

    code = "bad_message"


def open_ticket(
    *, customer: User, subject: str, message: str, priority: str = "", order: Order | None = None, now: datetime
) -> int:
    """Open a ticket and alert the owner; return its number. Raises BadTicket, TooManyTickets.

    ``order`` has to be one of the customer's.
    """
    texts = {"subject": " ".join(_CONTROL.sub(" ", subject).split()), "message": _plain(message)}
    for field, text in texts.items():
        if not text or len(text) > _MAX_LENGTH[field]:
            raise BadTicket(field, is_missing=not text)
    wanted = priority.strip().lower() or Priority.NORMAL.value
    if wanted not in Priority.values:
        raise BadTicket("priority", is_missing=False)
    with transaction.atomic():
        # Lock the customer's row, so that simultaneous calls are counted one after the other.
        User.objects.select_for_update().get(pk=customer.pk)
        if Ticket.objects.filter(customer=customer, closed_at=None).count() >= MAX_OPEN:
            raise TooManyTickets(_("You have too many open tickets. Wait until some are answered."))
        ticket = Ticket.objects.create(
            customer=customer, order=order, priority=wanted, created_at=now, last_at=now, waits_since=now, **texts
        )
        raise_alert(causes.TICKET_OPENED, now=now, ticket=ticket.pk, subject=ticket.subject)
    return ticket.pk


def reply(*, ticket_id: int, customer: User, text: str, now: datetime) -> None:
    """Add a message of the customer, which opens a closed ticket again. The last message sent once more adds nothing.

    Raises BadMessage, TooManyTickets; Ticket.DoesNotExist for a ticket of somebody else.
    """
    text = _checked(text)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=customer.pk)
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket_id, customer=customer)
        if _is_last(ticket, Author.CUSTOMER, text):
            return
        if not ticket.is_open and Ticket.objects.filter(customer=customer, closed_at=None).count() >= MAX_OPEN:
            raise TooManyTickets(_("You have too many open tickets. Wait until some are answered."))
        if ticket.waits_since is not None:
            written = ticket.messages.filter(author=Author.CUSTOMER, created_at__gte=ticket.waits_since)
            if written.count() >= MAX_UNANSWERED:
                raise BadMessage(_("You wrote many messages already. Please wait for an answer."))
        TicketMessage.objects.create(
            ticket=ticket, author=Author.CUSTOMER, name=customer.email, text=text, created_at=now
        )
        Ticket.objects.filter(pk=ticket_id).update(
            waits_since=ticket.waits_since or now, last_at=now, closed_at=None, closed_by=""
        )
        raise_alert(causes.TICKET_OPENED, now=now, ticket=ticket.pk, subject=ticket.subject)


def answer(*, ticket_id: int, text: str, actor: Actor, close: bool, now: datetime) -> bool:
    """Add an answer of staff, mail it to the customer, and close the ticket if ``close``.

    Return False if this is the last message already, as after a second click. Raises BadMessage.
    """
    text = _checked(text)
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).select_related("customer").get(pk=ticket_id)
        if _is_last(ticket, Author.STAFF, text):
            return False
        message = TicketMessage.objects.create(
            ticket=ticket, author=Author.STAFF, name=actor.name[:254], text=text, created_at=now
        )
        over = {"closed_at": now, "closed_by": actor.name[:254]} if close else {"closed_at": None, "closed_by": ""}
        Ticket.objects.filter(pk=ticket_id).update(waits_since=None, is_unread=True, last_at=now, **over)
        close_alert(causes.TICKET_OPENED, now=now, actor=actor.name, ticket=ticket_id)
        record_staff_action(actor, "ticket.answer", ticket, after={"closed": close})
        queue_answer(ticket, message, now=now)
    return True


def add_note(*, ticket_id: int, text: str, actor: Actor, now: datetime) -> bool:
    """Add a note that the customer never sees; return False if it is the last message already. Raises BadMessage."""
    text = _checked(text)
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket_id)
        if _is_last(ticket, Author.NOTE, text):
            return False
        TicketMessage.objects.create(
            ticket=ticket, author=Author.NOTE, name=actor.name[:254], text=text, created_at=now
        )
        record_staff_action(actor, "ticket.note", ticket)
    return True


def close_ticket(*, ticket_id: int, actor: str, now: datetime) -> bool:
    """Close a ticket and its alert; return False if it was closed before."""
    with transaction.atomic():
        still_open = Ticket.objects.filter(pk=ticket_id, closed_at=None)
        if not still_open.update(closed_at=now, closed_by=actor[:254], waits_since=None):
            return False
        close_alert(causes.TICKET_OPENED, now=now, actor=actor, ticket=ticket_id)
    return True


def _plain(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def _checked(text: str) -> str:
    plain = _plain(text)
    if not plain:
        raise BadMessage(_("Please write a message."))
    if len(plain) > LONGEST_MESSAGE:
        most = f"{LONGEST_MESSAGE:,}"
        raise BadMessage(_("Please write at most %(most)s characters.") % {"most": most})
    return plain


def _is_last(ticket: Ticket, author: Author, text: str) -> bool:
    last = ticket.messages.order_by("-id").values_list("author", "text").first()
    return last == (author.value, text)
