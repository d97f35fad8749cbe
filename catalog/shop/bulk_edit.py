"""Changes the owner makes to many services at once: category, price, visibility."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.locks import lock_all_providers
from catalog.models import Category, MarkupRule, Service
from catalog.prices.reprice import reprice_all
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish


def show_services(ids: Iterable[int], is_visible: bool, *, now: datetime) -> list[Service]:
    """Show or hide the services; return those that changed."""
    with transaction.atomic():
        providers = [provider.pk for provider in lock_all_providers()]
        others = list(Service.objects.filter(pk__in=list(ids)).exclude(is_visible=is_visible))
        with recording_changes(providers, now=now):
            Service.objects.filter(pk__in=[service.pk for service in others]).update(is_visible=is_visible)
    return others


def change_category(ids: Iterable[int], category: Category, *, now: datetime) -> list[Service]:
    """Move the services to ``category`` and pin it; return those that were elsewhere before."""
    with transaction.atomic():
        providers = {provider.pk: provider for provider in lock_all_providers()}
        moved = list(Service.objects.filter(pk__in=list(ids)).exclude(category=category).select_related("source"))
        for service in moved:
            service.category, service.pins = category, sorted({*service.pins, "category"})
        with recording_changes(providers, now=now):
            Service.objects.bulk_update(moved, ["category", "pins"], batch_size=1000)
            for pk, provider in providers.items():
                theirs = [service.source.external_id for service in moved if service.source.provider_id == pk]
                republish(provider, theirs)
    return moved


def set_markup(ids: Iterable[int], percent: Decimal, *, now: datetime) -> int:
    """Give each service a markup rule of its own with this percentage; return how many prices changed.

    Where a service has a rule already, only the percentage changes.
    """
    with transaction.atomic():
        lock_all_providers()
        chosen = set(Service.objects.filter(pk__in=list(ids)).values_list("pk", flat=True))
        own = MarkupRule.objects.filter(service__in=chosen, group=None, is_active=True)
        known = set(own.values_list("service", flat=True))
        own.update(percent=percent)
        fresh = [MarkupRule(name=f"#{pk}", service_id=pk, percent=percent) for pk in sorted(chosen - known)]
        MarkupRule.objects.bulk_create(fresh, batch_size=1000)
        return reprice_all(now=now)


def set_own_prices(prices: Mapping[int, Decimal | None], *, now: datetime) -> int:
    """Set own prices by service id (None: price by the rules again); return how many published prices changed."""
    with transaction.atomic():
        lock_all_providers()
        services = list(Service.objects.filter(pk__in=list(prices)))
        for service in services:
            service.own_price = prices[service.pk]
        Service.objects.bulk_update(services, ["own_price"], batch_size=1000)
        return reprice_all(now=now)
