"""What the owner decides for many services at once: where they stand, what they cost, whether they show."""

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
    """Show or hide; which services were not so before."""
    with transaction.atomic():
        providers = [provider.pk for provider in lock_all_providers()]
        others = list(Service.objects.filter(pk__in=list(ids)).exclude(is_visible=is_visible))
        with recording_changes(providers, now=now):
            Service.objects.filter(pk__in=[service.pk for service in others]).update(is_visible=is_visible)
    return others


def change_category(ids: Iterable[int], category: Category, *, now: datetime) -> list[Service]:
    """Put the services under ``category``, where they stay whatever the provider says; which were elsewhere."""
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
    """Give each service a rule of its own with this percentage; how many prices changed.

    A rule it has already keeps its other terms.
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
    """Set own prices by service id, None to go by the rules again; how many published prices changed."""
    with transaction.atomic():
        lock_all_providers()
        services = list(Service.objects.filter(pk__in=list(prices)))
        for service in services:
            service.own_price = prices[service.pk]
        Service.objects.bulk_update(services, ["own_price"], batch_size=1000)
        return reprice_all(now=now)
