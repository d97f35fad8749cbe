"""API keys of a customer, for the looks of their pages."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.api_keys import create_key
from accounts.models import ApiKey, ApiKeyUse, User
from core.clock import database_now


def unused_key(who: User) -> ApiKey:
    return create_key(customer=who, name="shop bot", now=database_now()).row


def used_key(who: User) -> ApiKey:
    """A key with a long name and a limit, through which something was ordered on ten days."""
    key = create_key(
        customer=who,
        name="the bot of my other shop " + "x" * 30,
        daily_limit=Decimal("12345.67891"),
        now=database_now(),
    ).row
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    for n in range(10):
        ApiKeyUse.objects.create(key=key, day=today - timedelta(days=n), orders=4**n, spent=Decimal("1.23456") * 7**n)
    return key
