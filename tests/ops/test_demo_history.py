"""The month of orders that a demo begins with: real orders, real money, and figures that follow from them."""

import pytest

from billing import audit as money
from billing.models import Transfer
from catalog.models import Service, ServiceFigures
from orders import audit
from orders.models import Order
from storefront.demo import history
from tests.orders.cast import service_of
from tests.pages.cast import provider_of

pytestmark = pytest.mark.django_db


def test_the_history_of_a_demo_passes_the_audit_and_measures_its_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "ORDERS", 300)
    provider = provider_of()
    for n, platform in enumerate(("instagram", "tiktok", "youtube", "", "spotify")):
        service = service_of(provider, str(n), name=f"Service {n}", min=50)
        Service.objects.filter(pk=service.pk).update(platform=platform)
    assert history.add_history() == 300 == Order.objects.count()
    assert [f.rows for f in money.check([*money.EQUATIONS, *audit.EQUATIONS]) if not f.holds] == []
    assert not Order.objects.filter(next_poll_at__isnull=False).exists()
    days = Transfer.objects.dates("created_at", "day")
    assert len(days) > 25
    figures = ServiceFigures.objects.all()
    assert len(figures) == 3
    assert all(f.starts_in and f.takes and f.average_time == f.takes for f in figures)
    assert history.add_history() == 0
