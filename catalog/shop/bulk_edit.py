"""Changes the owner makes to many services at once: category, price, visibility."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.locks import lock_all_providers
from catalog.models import Category, ChangeKind, MarkupRule, Service
from catalog.prices.reprice import reprice_all
from catalog.service_changes import recording_as_one, recording_changes
from catalog.shop.publishing import republish
from core.refusals import Refusal


def open_services(ids: Iterable[int], *, now: datetime) -> list[Service]:
    """Show hidden services for the first time, with one update that counts them; return those that changed."""
    with transaction.atomic():
        lock_all_providers()
        hidden = list(Service.objects.filter(pk__in=list(ids), is_visible=False).order_by("pk"))
        chosen = [service.pk for service in hidden]
        with recording_as_one(chosen, ChangeKind.NEW, now=now, category=None, percent=None):
            Service.objects.filter(pk__in=chosen).update(is_visible=True)
    return hidden


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


class NoWholeCategory(Refusal):
    """A markup is set for whole categories, and some of these services are not a whole one."""

    code = "no_whole_category"


def set_markup(ids: Iterable[int], percent: Decimal, *, now: datetime) -> list[MarkupRule]:
    """Set the percentage of the rule of each category, or make one; return the rules.

    One rule for a category, not one for each service: those would outrank every later rule of the category, and could
    only be removed one by one. Raises NoWholeCategory unless ``ids`` are all services of their categories.
    """
    with transaction.atomic():
        lock_all_providers()
        chosen = dict(Service.objects.filter(pk__in=list(ids)).values_list("pk", "category_id"))
        categories = set(chosen.values())
        if Service.objects.filter(category__in=categories).exclude(pk__in=list(chosen)).exists():
            raise NoWholeCategory(
                _(
                    "A markup is set for whole categories. Choose all services of a category, or raise and lower the"
                    " prices of the chosen ones by a percentage."
                )
            )
        rules = list(MarkupRule.objects.filter(category__in=categories, group=None, is_active=True))
        for rule in rules:
            rule.percent = percent
            rule.save(update_fields=["percent"])
        missing = Category.objects.filter(pk__in=categories - {rule.category_id for rule in rules})
        rules += [
            MarkupRule.objects.create(name=category.name[:80], category=category, percent=percent)
            for category in missing
        ]
        reprice_all(now=now)
        return rules


def set_own_prices(prices: Mapping[int, Decimal | None], *, now: datetime) -> int:
    """Set own prices by service id (None: price by the rules again); return how many published prices changed."""
    with transaction.atomic():
        lock_all_providers()
        services = list(Service.objects.filter(pk__in=list(prices)).only("own_price"))
        for service in services:
            service.own_price = prices[service.pk]
        Service.objects.bulk_update(services, ["own_price"], batch_size=1000)
        return reprice_all(now=now)
