"""Opening a ticket and closing it."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal
from notices.alerts import close_alert, raise_alert
from support.models import Priority, Ticket

#: A program that repeats itself must not bury what the others ask.
MOST_OPEN = 50
_LONGEST = {"subject": 200, "message": 10_000}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class BadTicket(Refusal):
    """``field`` is missing, too long, or none of the known words. Nothing was written."""

    code = "bad_ticket"

    def __init__(self, field: str, *, is_missing: bool) -> None:
        self.field, self.is_missing = field, is_missing
        super().__init__(_("Please check the field %(field)s.") % {"field": field})


class TooManyTickets(Refusal):
    """So many of this customer's tickets are open that the next one has to wait."""

    code = "too_many_tickets"


def open_ticket(*, customer: User, subject: str, message: str, priority: str = "", now: datetime) -> int:
    """Write a ticket and tell the owner; its number. Raises BadTicket, TooManyTickets."""
    texts = {"subject": " ".join(_CONTROL.sub(" ", subject).split()), "message": _CONTROL.sub("", message).strip()}
    for field, text in texts.items():
        if not text or len(text) > _LONGEST[field]:
            raise BadTicket(field, is_missing=not text)
    wanted = priority.strip().lower() or Priority.NORMAL.value
    if wanted not in Priority.values:
        raise BadTicket("priority", is_missing=False)
    with transaction.atomic():
        # The customer's row is locked, so that many calls at once are counted one after the other.
        User.objects.select_for_update().get(pk=customer.pk)
        if Ticket.objects.filter(customer=customer, closed_at=None).count() >= MOST_OPEN:
            raise TooManyTickets(_("Please wait until your open tickets are answered."))
        ticket = Ticket.objects.create(customer=customer, priority=wanted, created_at=now, **texts)
        raise_alert(
            cause=_cause(ticket.pk),
            title=_("Ticket %(id)s: %(subject)s") % {"id": ticket.pk, "subject": ticket.subject},
            body=_("A customer wrote to you. Answer by mail, and close the ticket in the admin."),
            path=f"/admin/support/ticket/{ticket.pk}/change/",
            now=now,
        )
    return ticket.pk


def close_ticket(*, ticket_id: int, actor: str, now: datetime) -> bool:
    """Close a ticket and its alert; whether it was open."""
    with transaction.atomic():
        still_open = Ticket.objects.filter(pk=ticket_id, closed_at=None)
        if not still_open.update(closed_at=now, closed_by=actor[:254]):
            return False
        close_alert(cause=_cause(ticket_id), now=now, actor=actor)
    return True


def _cause(ticket_id: int) -> str:
    return f"ticket:{ticket_id}"
