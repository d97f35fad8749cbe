"""Adds a provider or changes its settings, with the consequences for its services and prices."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from catalog.addresses import demand_encryption
from catalog.locks import lock_provider
from catalog.models import Provider, ProviderService
from catalog.prices.reprice import reprice_provider
from catalog.providers import repeatable
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish
from core.clock import database_now

#: Settings that change the prices of all the provider's services.
PRICING = frozenset({"markup_percent", "exchange_rate"})
#: Settings that decide which fields of services follow the provider's list.
FOLLOWING = frozenset({"follows_name", "follows_description", "follows_category", "follows_limits"})
#: Settings that may start or end a problem with access to the provider: it is asked again in the next round.
ACCESS = frozenset({"url", "sealed_key", "body_encoding", "dialect", "currency"})


def set_up(name: str, *, url: str, key: str, **settings: Any) -> tuple[Provider, bool]:
    """Add or change the provider of this name; return it and whether it is new. Raises ValidationError.

    Address and key come together, so that no key is ever sent to an address that it was not given for.
    ``settings`` are fields of Provider such as currency, markup_percent and exchange_rate.
    """
    if not key.strip():
        raise ValidationError({"key": "The key is empty."})
    with transaction.atomic():
        known = Provider.objects.select_for_update(no_key=True).filter(name=name).first()
        provider = known or Provider(name=name)
        before = provider.url
        for field, value in {"url": url, **settings}.items():
            setattr(provider, field, value)
        provider.set_key(key)
        provider.full_clean()
        if url != before:
            try:
                demand_encryption(url)
            except ValidationError as problem:
                raise ValidationError({"url": problem.messages}) from None
        if known is None:
            provider.save()
        else:
            changed = {"url", "sealed_key", *settings}
            provider.save(update_fields=changed)
            after_change(provider, changed, now=database_now())
    return provider, known is None


def after_change(provider: Provider, changed: set[str], *, now: datetime) -> None:
    """Carry out what follows from saved settings: publish services again, reprice, or ask the provider soon."""
    if "holds_falls" in changed and not provider.holds_falls:
        ProviderService.objects.filter(provider=provider).update(held_rate=None)
    if changed & FOLLOWING:
        with transaction.atomic():
            current = lock_provider(provider.pk)
            with recording_changes([current.pk], now=now):
                listed = ProviderService.objects.filter(provider=current, sold_as__isnull=False)
                republish(current, listed.values_list("external_id", flat=True))
    if changed & (PRICING | {"holds_falls"}):
        reprice_provider(provider, now=now)
    if changed & repeatable.PROVEN_WITH:
        repeatable.forget_other_proof(provider.pk)
    if changed & ACCESS:
        Provider.objects.filter(pk=provider.pk).update(next_sync_at=now)
        Provider.objects.filter(pk=provider.pk, parked_at__isnull=False).update(next_probe_at=now)
