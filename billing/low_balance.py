"""Mails customers whose balance fell below the limit that they set: once for each fall, at most once a day.

A round finds the falls, so that no order pays for the look-up. A balance that is back before the next round did not
fall.
"""

from datetime import datetime

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.customer_mails import MailText, queue_news
from accounts.languages import mail_language
from accounts.mail_choices import LOW_BALANCE
from accounts.models import MailChoices, User
from billing.queries import balance_of
from core.frozen import shop_is_frozen
from core.templatetags.money import money_text

#: Customers in a round; the next one goes on.
MOST = 500
_CROSSED = """
    SELECT c.customer_id FROM accounts_mailchoices c JOIN billing_account w ON w.customer_id = c.customer_id
    WHERE c.low_balance AND (w.balance < c.low_below) <> (c.low_since IS NOT NULL) LIMIT %s
"""


def mail_falls(*, now: datetime) -> int:
    """Mark who fell below their limit and queue their mails; forget who is back. Return how many were queued.

    A frozen shop waits: its balances may be those of before a restore.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CROSSED, [MOST])
        crossed = [pk for (pk,) in cursor.fetchall()]
    if crossed and shop_is_frozen():
        return 0
    return sum(_mail_one(User.objects.get(pk=pk), now=now) for pk in crossed)


def _mail_one(customer: User, *, now: datetime) -> bool:
    """Write the mark and queue the mail in one transaction; of two rounds at once, one finds nothing to do."""
    with transaction.atomic():
        choices = MailChoices.objects.select_for_update().filter(pk=customer.pk, low_balance=True).first()
        if choices is None or choices.low_below is None:
            return False
        balance = balance_of(customer)
        is_low, was_low = balance < choices.low_below, choices.low_since is not None
        if is_low == was_low:
            return False
        choices.low_since = now if is_low else None
        choices.save(update_fields=["low_since"])
        if not is_low:
            return False
        language = mail_language(customer)
        with translation.override(language):
            words = {"balance": money_text(balance), "limit": money_text(choices.low_below)}
            text = MailText(
                title=_("Your balance is %(balance)s") % words,
                lines=[_("It fell below %(limit)s. Orders that cost more than the balance are not placed.") % words],
                button=_("Add funds"),
                path=reverse("billing:add_funds"),
            )
            day = timezone.localdate(now, timezone.get_default_timezone())
            key = f"low_balance:{customer.pk}:{day:%Y-%m-%d}"
            return queue_news(customer, text, key=key, switches=[LOW_BALANCE], language=language, now=now)
