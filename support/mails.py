"""The mail that brings a customer the answer to a ticket."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.customer_mails import MailText, bounded, queue_news
from accounts.languages import mail_language
from accounts.mail_choices import TICKET, choices_of
from support.models import Ticket, TicketMessage

#: The mail shows the beginning of an answer, as much as the data of a mail has room for in any script.
LONGEST = 1_000


def queue_answer(ticket: Ticket, message: TicketMessage, *, now: datetime) -> bool:
    """Queue the mail in the caller's transaction; return False if its customer does not want such mails."""
    customer = ticket.customer
    if not choices_of(customer).ticket:
        return False
    language = mail_language(customer)
    with translation.override(language):
        lines = [line for line in (bounded(part, LONGEST) for part in message.text[:LONGEST].splitlines()) if line]
        about = [(_("Ticket"), f"#{ticket.pk}")]
        if ticket.order_id:
            about.append((_("Order"), f"#{ticket.order_id}"))
        text = MailText(
            title=_("Your ticket was answered"),
            subject=_("Answer to your ticket #%(number)s: %(subject)s")
            % {"number": ticket.pk, "subject": bounded(ticket.subject)},
            lines=lines,
            about=about,
            button=_("Open the ticket"),
            path=reverse("support:ticket", args=[ticket.pk]),
            more=_("The whole answer is on the page of the ticket.") if len(message.text) > LONGEST else "",
        )
        key = f"ticket-answer:{message.pk}"
        return queue_news(customer, text, key=key, switches=[TICKET], language=language, now=now)
