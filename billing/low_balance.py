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
from notices.containment import contained

#: Customers in a round; the next one goes on.
MOST = 500
_CROSSED = """
    SELECT c.customer_id FROM accounts_mailchoices c JOIN billing_account w ON w.customer_id = c.customer_id
    WHERE c.low_balance AND (w.balance < c.low_below) <> (c.low_since IS NOT NULL)
        -- Whose mail of today is queued waits for tomorrow, and takes no place in the rounds until then.
        AND (c.low_since IS NOT NULL OR NOT EXISTS (
            SELECT FROM notices_outbox o WHERE o.key = 'low_balance:' || c.customer_id || ':' || %s
        )) LIMIT %s
"""


def mail_falls(*, now: datetime) -> int:
    """Mark who fell below their limit and queue their mails; forget who is back. Return how many were queued.

    A frozen shop waits: its balances may be those of before a restore.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CROSSED, [_day(now), MOST])
        crossed = [pk for (pk,) in cursor.fetchall()]
    if crossed and shop_is_frozen():
        return 0
    queued = 0
    for pk in crossed:
        with contained(f"the low balance of customer {pk}"):
            queued += _mail_one(User.objects.get(pk=pk), now=now)
    return queued


def _day(now: datetime) -> str:
    return f"{timezone.localdate(now, timezone.get_default_timezone()):%Y-%m-%d}"


def _mail_one(customer: User, *, now: datetime) -> bool:
    """Write the mark and queue the mail in one transaction; of two rounds at once, one finds nothing to do.

    A customer who already got the mail of this day is not marked, so that a balance still low is reported the next day.
    """
    with transaction.atomic():
        choices = MailChoices.objects.select_for_update().filter(pk=customer.pk, low_balance=True).first()
        if choices is None or choices.low_below is None:
            return False
        balance = balance_of(customer)
        is_low, was_low = balance < choices.low_below, choices.low_since is not None
        if is_low == was_low:
            return False
        if not is_low:
            MailChoices.objects.filter(pk=customer.pk).update(low_since=None)
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
            key = f"low_balance:{customer.pk}:{_day(now)}"
            is_queued = queue_news(customer, text, key=key, switches=[LOW_BALANCE], language=language, now=now)
        if is_queued:
            MailChoices.objects.filter(pk=customer.pk).update(low_since=now)
        return is_queued
