"""News of orders and top-ups, made into mails and read as their customer reads them."""

from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives

from accounts.models import MailChoices, User
from core.clock import database_now
from notices.models import News, Outbox
from notices.outbox import render
from orders.mails.sending import mail_news
from orders.models import Order
from tests.orders.answers import answered, status
from tests.orders.cast import Shop
from upstream.states import ProviderOrderState


def ends(shop: Shop, order: Order, state: ProviderOrderState = ProviderOrderState.COMPLETED, **facts: Any) -> Order:
    return answered(shop, order, status(state, **facts))


def chooses(who: User, **choices: Any) -> None:
    MailChoices.objects.update_or_create(customer=who, defaults=choices)


def mails(*, at: datetime | None = None) -> list[EmailMultiAlternatives]:
    """Make the mails that are due, and return all mails of news in the outbox, oldest first."""
    mail_news(now=at or database_now())
    return [render(row) for row in Outbox.objects.filter(is_news=True).order_by("id")]


def subjects(*, at: datetime | None = None) -> list[str]:
    return [str(mail.subject) for mail in mails(at=at)]


def html_of(mail: EmailMultiAlternatives) -> str:
    [alternative] = mail.alternatives
    assert alternative.mimetype == "text/html"
    return str(alternative.content)


def waiting() -> int:
    """How many rows of news wait."""
    return News.objects.count()


def tomorrow() -> datetime:
    return database_now() + timedelta(days=1)
