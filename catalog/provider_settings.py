"""Adds a provider, or changes its settings, with everything that follows from them."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from catalog.locks import lock_provider
from catalog.models import Provider, ProviderService
from catalog.prices.reprice import reprice_provider
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish
from core.clock import database_now

#: A change of these changes every price of the provider's services.
PRICING = frozenset({"markup_percent", "exchange_rate"})
#: A change of these lets services follow the provider's list again, or no longer.
FOLLOWING = frozenset({"follows_name", "follows_description", "follows_category", "follows_limits"})
#: A change of these may end, or begin, what stops a provider from being used: it is looked at in the next round.
ACCESS = frozenset({"url", "sealed_key", "body_encoding", "dialect", "currency"})


def set_up(name: str, *, url: str, key: str, **settings: Any) -> tuple[Provider, bool]:
    """The provider of this name with these settings, and whether it is new. Raises ValidationError.

    ``settings`` are fields of Provider such as currency, markup_percent and exchange_rate.
    """
    if not key.strip():
        raise ValidationError({"key": "The key is empty."})
    with transaction.atomic():
        known = Provider.objects.select_for_update(no_key=True).filter(name=name).first()
        provider = known or Provider(name=name)
        for field, value in {"url": url, **settings}.items():
            setattr(provider, field, value)
        provider.set_key(key)
        provider.full_clean()
        if known is None:
            provider.save()
        else:
            changed = {"url", "sealed_key", *settings}
            provider.save(update_fields=changed)
            after_change(provider, changed, now=database_now())
    return provider, known is None


def after_change(provider: Provider, changed: set[str], *, now: datetime) -> None:
    """What follows from saved settings: new prices, or an early look at the provider."""
    if "holds_falls" in changed and not provider.holds_falls:
        ProviderService.objects.filter(provider=provider).update(held_rate=None)
    if changed & FOLLOWING:
        _follow_again(provider, now)
    if changed & (PRICING | {"holds_falls"}):
        reprice_provider(provider, now=now)
    if changed & ACCESS:
        Provider.objects.filter(pk=provider.pk).update(next_sync_at=now)
        Provider.objects.filter(pk=provider.pk, parked_at__isnull=False).update(next_probe_at=now)


def _follow_again(provider: Provider, now: datetime) -> None:
    with transaction.atomic():
        fresh = lock_provider(provider.pk)
        with recording_changes([fresh.pk], now=now):
            listed = ProviderService.objects.filter(provider=fresh, sold_as__isnull=False)
            republish(fresh, listed.values_list("external_id", flat=True))
