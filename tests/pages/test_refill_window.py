"""The time in which a refill can be asked for: promised when the order is placed, kept by pages and requests."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import ProviderService, Service
from core.clock import database_now
from orders.models import Order, Refill
from orders.refill_window import refill_window
from tests.pages.cast import Orders
from tests.pages.test_my_orders import text

pytestmark = pytest.mark.django_db


def ended(order: Order, **ago: float) -> Order:
    """The order, completed so long ago."""
    Order.objects.filter(pk=order.pk).update(finished_at=database_now() - timedelta(**ago))
    order.refresh_from_db()
    return order


@pytest.fixture
def promised(services: list[Service]) -> Service:
    """A service whose list says 30 days, from 24 hours after completion."""
    ProviderService.objects.filter(pk=services[0].source_id).update(refill_days=30, refill_opens_hours=24)
    return services[0]


def test_an_order_keeps_the_terms_it_was_placed_with(promised: Service, orders: Orders) -> None:
    before = orders.queued()
    Service.objects.filter(pk=promised.pk).update(own_refill_days=60, own_refill_opens_hours=0)
    after = orders.queued()
    ProviderService.objects.filter(pk=promised.source_id).update(refill=False)
    without = orders.queued()
    kept = [(o.refill_days, o.refill_opens_hours) for o in (before, after, without)]
    assert kept == [(30, 24), (60, 0), (0, 0)]


@pytest.mark.parametrize(
    ("ago", "says", "refusal"),
    [
        ({"hours": 21, "minutes": -30}, "Refill opens in 3 h 30 min", "Refill opens in 3 h 30 min. Ask again then."),
        ({"days": 2}, "Refill until ", ""),
        ({"days": 31}, "Refill ended on ", "That time is over."),
    ],
)
def test_a_refill_is_asked_for_within_its_time(
    signed_in: Client, promised: Service, orders: Orders, ago: dict[str, float], says: str, refusal: str
) -> None:
    order = ended(orders.completed(), **ago)
    page = text(signed_in, f"/orders/{order.pk}/")
    assert says in page
    assert (f'action="/orders/{order.pk}/refill"' in page) is not bool(refusal)
    answer = signed_in.post(f"/orders/{order.pk}/refill", follow=True)
    assert refusal in answer.content.decode()
    assert Refill.objects.exists() is not bool(refusal)


def test_orders_without_a_promise_have_no_end(signed_in: Client, alice: User, orders: Orders) -> None:
    order = ended(orders.completed(), days=900)
    assert refill_window(order, now=database_now()).is_open
    assert "Available when the count drops" in text(signed_in, f"/orders/{order.pk}/")


def test_the_page_changes_when_the_window_opens(signed_in: Client, promised: Service, orders: Orders) -> None:
    order = ended(orders.completed(), hours=24, minutes=-10)
    page = signed_in.get(f"/orders/{order.pk}/")
    seen = page.context["version"]
    ended(order, hours=24)
    assert signed_in.get(f"/orders/{order.pk}/?seen={seen}").status_code == 200


def test_the_form_says_for_how_long(signed_in: Client, promised: Service) -> None:
    assert "Refill 30 days" in text(signed_in, f"/order/?service={promised.pk}")
