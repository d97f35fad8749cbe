"""Open and close tickets."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal
from notices import causes
from notices.alerts import close_alert, raise_alert
from support.models import Priority, Ticket

#: One customer's program in a loop must not bury the tickets of the others.
MAX_OPEN = 50
_MAX_LENGTH = {"subject": 200, "message": 10_000}
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


def open_ticket(*, customer: User, subject: str, message: str, priority: str = "", now: datetime) -> int:
    """Open a ticket and alert the owner; return its number. Raises BadTicket, TooManyTickets."""
    texts = {"subject": " ".join(_CONTROL.sub(" ", subject).split()), "message": _CONTROL.sub("", message).strip()}
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
        ticket = Ticket.objects.create(customer=customer, priority=wanted, created_at=now, **texts)
        raise_alert(causes.TICKET_OPENED, now=now, ticket=ticket.pk, subject=ticket.subject)
    return ticket.pk


def close_ticket(*, ticket_id: int, actor: str, now: datetime) -> bool:
    """Close a ticket and its alert; return False if it was closed before."""
    with transaction.atomic():
        still_open = Ticket.objects.filter(pk=ticket_id, closed_at=None)
        if not still_open.update(closed_at=now, closed_by=actor[:254]):
            return False
        close_alert(causes.TICKET_OPENED, now=now, actor=actor, ticket=ticket_id)
    return True
