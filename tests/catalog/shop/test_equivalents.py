"""A service sold from another provider's equivalent, for good or while its own provider is parked."""

from decimal import Decimal

import pytest

from catalog.models import Provider, ProviderService, Service
from catalog.provider_settings import set_up
from catalog.providers import health
from catalog.shop.equivalents import NotEquivalent, move_service
from catalog.sync.run import sync_provider
from core.clock import database_now
from orders.checkout.placement import quote
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row

FIELDS = {"link": "https://example.com/p/1", "quantity": "1000"}


@pytest.fixture
def other(panel: Panel, sync: Sync) -> ProviderService:
    """The same service at a second provider, where it costs a little more; not sold by itself."""
    panel.lists([row(1, rate="1")])
    sync()
    second, _is_new = set_up("Second", url=panel.url, key=KEY, new_services="chosen")
    panel.lists([row(7, rate="1.2", name="Followers of theirs", min="100"), row(8, type="Poll")])
    sync_provider(second, now=database_now())
    return ProviderService.objects.get(external_id="7")


@pytest.fixture
def service(other: ProviderService) -> Service:
    return Service.objects.get()


def test_a_moved_service_keeps_its_id_and_name_and_takes_the_new_cost(
    service: Service, other: ProviderService, panel: Panel, sync: Sync
) -> None:
    moved = move_service(service.pk, other, now=database_now())
    assert (moved.pk, moved.name, moved.source, moved.min) == (service.pk, "Followers 1", other, 100)
    assert moved.price == Decimal("1.56")
    panel.lists([row(1, rate="1", name="Changed")])
    sync()
    assert Service.objects.count() == 1
    panel.lists([row(7, rate="2")])
    sync_provider(Provider.objects.get(name="Second"), now=database_now(), force=True)
    moved.refresh_from_db()
    assert (moved.price, moved.min) == (Decimal("2.6"), 50)


def test_two_services_may_be_sold_from_one_row(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="2")])
    sync()
    first, second = Service.objects.order_by("id")
    move_service(first.pk, second.source, now=database_now())
    panel.lists([row(1, rate="1"), row(2, rate="3")])
    sync()
    assert [s.price for s in Service.objects.order_by("id")] == [Decimal("3.9"), Decimal("3.9")]


def test_a_service_moves_only_to_an_equivalent_row(service: Service, other: ProviderService) -> None:
    with pytest.raises(NotEquivalent):
        move_service(service.pk, ProviderService.objects.get(external_id="8"), now=database_now())
    ProviderService.objects.filter(pk=other.pk).update(vanished_at=database_now())
    other.refresh_from_db()
    with pytest.raises(NotEquivalent):
        move_service(service.pk, other, now=database_now())


def test_a_service_whose_row_became_a_package_moves_only_to_a_row_of_its_own_unit(
    service: Service, other: ProviderService, panel: Panel, sync: Sync
) -> None:
    ProviderService.objects.filter(external_id="8").update(type="package", unit="per_package")
    panel.lists([row(1, rate="1", type="Package", min="1", max="1")])
    sync()
    with pytest.raises(NotEquivalent):
        move_service(service.pk, ProviderService.objects.get(external_id="8"), now=database_now())
    assert move_service(service.pk, other, now=database_now()).unit == "per_1000"


def origin(quantity: str = "1000") -> str:
    found = quote(service_id=Service.objects.get().pk, fields={**FIELDS, "quantity": quantity})
    assert found.cost <= found.charge
    return found.origin.external_id


def test_a_fallback_serves_while_the_first_provider_is_parked(
    service: Service, other: ProviderService, provider: Provider
) -> None:
    Service.objects.update(fallback=other)
    assert origin() == "1"
    health.park(provider.pk, reason=health.OUTAGE, now=database_now())
    assert origin() == "7"
    assert origin("60") == "1"
    health.unpark(provider.pk, now=database_now())
    assert origin() == "1"


@pytest.mark.parametrize("state", ["dear", "gone", "parked", "stopped", "quarantined", "other type"])
def test_a_fallback_that_cannot_serve_is_not_used(
    state: str, service: Service, other: ProviderService, provider: Provider
) -> None:
    Service.objects.update(fallback=other)
    health.park(provider.pk, reason=health.OUTAGE, now=database_now())
    row_of, second = ProviderService.objects.filter(pk=other.pk), Provider.objects.filter(pk=other.provider_id)
    if state == "dear":
        row_of.update(rate=Decimal("1.31"))
    elif state == "gone":
        row_of.update(vanished_at=database_now())
    elif state == "parked":
        second.update(parked_at=database_now())
    elif state == "stopped":
        second.update(sale_stopped="Quality")
    elif state == "quarantined":
        row_of.update(quarantine=["rate_jump: 1 became 11"])
    else:
        row_of.update(type="poll")
    assert origin() == "1"
