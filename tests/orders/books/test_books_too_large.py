"""Sums of a provider's account that no row can hold: refused in clear words, and nothing stops because of them."""

from decimal import Decimal

import pytest

from accounts.models import User
from core.clock import database_now
from notices.models import Alert
from orders.books import reconciliation
from orders.models import BalanceReading, Order, ProviderEntry, ReconciliationBreak, ReconciliationSchedule
from tests.orders.cast import Shop

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = Decimal(900_000_000_000)


def looks(shop: Shop) -> None:
    for _ in range(2):
        reconciliation.reconcile(shop.provider, now=database_now())


def is_charged(shop: Shop, alice: User, amount: Decimal, orders: int = 1) -> None:
    """Orders whose charge makes no sense, each of them still a figure that a provider may name."""
    for _ in range(orders):
        order = shop.buys(alice, link=f"https://example.com/p/{Order.objects.count()}?fate=stuck")
        shop.forwards()
        Order.objects.filter(pk=order.pk).update(provider_charge=amount)


def alert_about(shop: Shop) -> Alert | None:
    return Alert.objects.filter(cause=f"provider:{shop.provider.pk}:books_beyond", closed_at=None).first()


def test_charges_beyond_a_row_raise_an_alert_and_are_not_compared(shop: Shop, alice: User) -> None:
    ReconciliationSchedule.objects.create(provider=shop.provider, next_at=database_now())
    looks(shop)
    kept = BalanceReading.objects.count()
    is_charged(shop, alice, HUGE, orders=2)
    looks(shop)
    alert = alert_about(shop)
    assert alert is not None
    assert (alert.severity, alert.times) == ("money", 2)
    assert "1800000000000" in alert.body
    assert BalanceReading.objects.count() == kept
    assert ReconciliationSchedule.objects.get().tries == 2, "asked ever later, like one that does not answer"

    Order.objects.update(provider_charge=Decimal("0.9"))
    looks(shop)
    assert alert_about(shop) is None
    assert BalanceReading.objects.count() == kept + 2


def test_an_account_that_cannot_be_opened_raises_an_alert(shop: Shop, alice: User) -> None:
    is_charged(shop, alice, HUGE)
    shop.simulator.control(balance=HUGE)
    looks(shop)
    assert alert_about(shop) is not None
    assert not ProviderEntry.objects.exists()


def test_a_difference_beyond_a_row_raises_an_alert(shop: Shop, alice: User) -> None:
    looks(shop)
    is_charged(shop, alice, HUGE)
    shop.simulator.control(balance=HUGE)
    looks(shop)
    assert alert_about(shop) is not None
    assert not ReconciliationBreak.objects.filter(kind="balance").exists()
