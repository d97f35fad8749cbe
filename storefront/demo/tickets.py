"""Two tickets of the demo's customer: one that was answered, one that waits, and answers to begin with."""

from accounts.models import User
from core.clock import database_now
from core.staff_actions import shell_actor
from support.models import CannedAnswer, Ticket
from support.tickets import answer, open_ticket

_ANSWERS = {
    "We look at it": "Hello, thank you for writing. We look at order {order} ({service}) now and write to you here.",
    "Refunded": "Hello, {refunded} of order {order} is back in your wallet.",
}


def add_tickets(customer: User) -> None:
    """Add them; does nothing where there are tickets."""
    if Ticket.objects.exists():
        return
    for title, text in _ANSWERS.items():
        CannedAnswer.objects.get_or_create(title=title, defaults={"text": text})
    now = database_now()
    question = "How many orders may one request ask about?"
    first = open_ticket(customer=customer, subject="API: limits of status", message=question, now=now)
    reply = "Up to 100 order numbers in one request. The page API lists all limits."
    answer(ticket_id=first, text=reply, actor=shell_actor(), close=False, now=now)
    message = "Which service keeps its followers best? I order for shops."
    open_ticket(customer=customer, subject="Which service for followers?", message=message, now=now)
