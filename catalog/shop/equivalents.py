"""Another provider's equivalent: for good, or while the first provider is parked."""

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
    """The other row needs other fields of an order, is priced by another unit, or is not sold at all."""

    code = "not_equivalent"


def check_equivalent(service: Service, other: ProviderService) -> None:
    """Raises NotEquivalent unless orders for ``service`` could as well be made of ``other``."""
    if (other.type, other.unit) != (service.source.type, service.source.unit):
        raise NotEquivalent(_("That service is of another type, so its orders need other fields."))
    if other.quarantine or other.vanished_at:
        raise NotEquivalent(_("That service is not on sale at its provider."))


def move_service(service_id: int, other: ProviderService, *, now: datetime) -> Service:
    """Sell the service from ``other`` from now on, under the id customers hold; orders under way stay where they are.

    The row it leaves makes no new service by itself. Raises NotEquivalent.
    """
    with transaction.atomic():
        left = Service.objects.get(pk=service_id).source.provider_id
        providers = {pk: lock_provider(pk) for pk in sorted({left, other.provider_id})}
        service = Service.objects.select_related("source").get(pk=service_id)
        check_equivalent(service, other)
        with recording_changes(providers, now=now):
            ProviderService.objects.filter(pk=service.source_id).update(is_wanted=False)
            # What customers know it by stays; only what the new provider decides follows it.
            service.pins = sorted({*service.pins, "name", "description", "category", "position"})
            service.source, service.fallback = other, None
            service.save(update_fields=["source", "fallback", "pins"])
            republish(providers[other.provider_id], [other.external_id])
    service.refresh_from_db()
    return service


def origin_of(service: Service, *, quantity: int, most: Decimal) -> ProviderService:
    """Where a new order for ``service`` goes: its source, or its fallback while the source's provider is parked.

    The fallback serves only if it can take ``quantity`` units, and 1,000 of them (or a package) cost at most ``most``
    in shop currency; otherwise the order waits for its own provider.
    """
    other = service.fallback
    if other is None or service.source.provider.parked_at is None or not _serves(service, other):
        return service.source
    fits = (other.min or 1) <= quantity <= (other.max or 0)
    cost = cost_of_unit(other.rate or Decimal(0), other.provider.exchange_rate)
    return other if fits and cost <= most else service.source


def _serves(service: Service, other: ProviderService) -> bool:
    same = (other.type, other.unit) == (service.source.type, service.source.unit)
    is_listed = not other.quarantine and other.vanished_at is None and other.rate is not None
    return same and is_listed and other.provider.is_selling and other.provider.is_sending
