"""Sells a service from another provider's equivalent row: for good, or while its own provider is parked."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.locks import lock_provider
from catalog.models import ProviderService, Service
from catalog.pricing import cost_of_unit
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish
from core.refusals import Refusal


class NotEquivalent(Refusal):
    """The other row needs different order fields, is priced by another unit, or is not on sale."""

    code = "not_equivalent"


def check_equivalent(service: Service, other: ProviderService) -> None:
    """Raises NotEquivalent unless ``other`` could fulfil orders for ``service``."""
    # A row that became another product waits, and the service is still what was sold: its prices are per that unit.
    source, before = service.source, service.source.product_before or {}
    if (other.type, other.unit) != (before.get("type", source.type), before.get("unit", source.unit)):
        raise NotEquivalent(_("This row is of another type, so its orders need different fields."))
    if other.codes != source.codes:
        raise NotEquivalent(_("This row names other codes for country, device or type of traffic."))
    if other.quarantine or other.vanished_at:
        raise NotEquivalent(_("This row is in quarantine or no longer in its provider's list."))


def move_service(service_id: int, other: ProviderService, *, now: datetime) -> Service:
    """Sell the service from ``other`` from now on; return it. Its id stays, and open orders stay with their provider.

    No new service is made of the row it leaves. Raises NotEquivalent.
    """
    with transaction.atomic():
        left = Service.objects.get(pk=service_id).source.provider_id
        providers = {pk: lock_provider(pk) for pk in sorted({left, other.provider_id})}
        service = Service.objects.select_related("source").get(pk=service_id)
        check_equivalent(service, other)
        with recording_changes(providers, now=now):
            ProviderService.objects.filter(pk=service.source_id).update(is_wanted=False)
            # Customers go on seeing the same name, text and place; the rest follows the new provider.
            service.pins = sorted({*service.pins, "name", "description", "category", "position"})
            service.source, service.fallback = other, None
            service.save(update_fields=["source", "fallback", "pins"])
            republish(providers[other.provider_id], [other.external_id])
    service.refresh_from_db()
    return service


def origin_of(service: Service, *, quantity: int, most: Decimal) -> ProviderService:
    """Return the row a new order goes to: the source, or the fallback while the source's provider is parked.

    The fallback is used only if it can take ``quantity`` units, and 1,000 of them (or a package) cost at most ``most``
    in shop currency; otherwise the order waits for its own provider.
    """
    source, other = service.source, service.fallback
    if other is None or source.provider.parked_at is None:
        return source
    is_same_kind = (other.type, other.unit, other.codes) == (source.type, source.unit, source.codes)
    is_listed = not other.quarantine and other.vanished_at is None and other.rate is not None
    if not (is_same_kind and is_listed and other.provider.is_selling and other.provider.is_sending):
        return source
    fits = (other.min or 1) <= quantity <= (other.max or 0)
    cost = cost_of_unit(other.rate or Decimal(0), other.provider.exchange_rate)
    return other if fits and cost <= most else source
