"""What an order's page says about the time it takes, beside what is usual for its service."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import ServiceFigures
from core.clock import database_now
from orders.models import Order
from tests.pages.cast import Orders
from tests.roles import unguarded

pytestmark = pytest.mark.django_db


def placed_ago(order: Order, minutes: float, **columns: object) -> Order:
    with unguarded():  # an order keeps its time
        Order.objects.filter(pk=order.pk).update(created_at=database_now() - timedelta(minutes=minutes), **columns)
    return Order.objects.get(pk=order.pk)


@pytest.fixture
def usual(orders: Orders) -> ServiceFigures:
    return ServiceFigures.objects.create(
        service=orders.service, starts_in=221, starts_orders=214, takes=3600, takes_orders=206
    )


def page(client: Client, order: Order) -> str:
    client.force_login(order.customer)
    return client.get(f"/orders/{order.pk}/").content.decode()


def test_an_order_that_waits_says_what_is_usual(client: Client, orders: Orders, usual: ServiceFigures) -> None:
    order = placed_ago(orders.placed(), 11.5)
    html = page(client, order)
    assert "Usual: 4 min to start. You have waited 11 min." in html
    version = html.partition("seen=")[2].partition('"')[0]
    assert client.get(f"/orders/{order.pk}/?seen={version}").status_code == 204
    placed_ago(order, 20.5)
    assert "You have waited 20 min." in client.get(f"/orders/{order.pk}/?seen={version}").content.decode()
    # That it waited for an earlier order for the same link was no time of the service.
    placed_ago(order, 20.5, waits_for=order)
    assert "You have waited" not in page(client, order)


def test_without_enough_orders_nothing_is_usual(client: Client, orders: Orders, usual: ServiceFigures) -> None:
    ServiceFigures.objects.update(starts_in=None, starts_orders=12)
    assert "Usual" not in page(client, placed_ago(orders.placed(), 11.5))


def test_an_order_that_something_keeps_back_is_not_compared(
    client: Client, orders: Orders, usual: ServiceFigures
) -> None:
    assert "Usual" not in page(client, orders.in_doubt())
    assert "Usual" not in page(client, orders.completed(link="https://instagram.com/another"))


@pytest.mark.parametrize(("minutes", "word"), [(52, "faster than usual"), (95, ""), (200, "slower than usual")])
def test_a_running_order_is_compared_by_its_pace(
    client: Client, orders: Orders, usual: ServiceFigures, minutes: int, word: str
) -> None:
    order = orders.running(quantity=2500, remains=940)
    Order.objects.filter(pk=order.pk).update(started_at=database_now() - timedelta(minutes=minutes))
    html = page(client, order)
    assert ("than usual" in html) is bool(word)
    assert word in html
    if word:
        assert "1,560 of 2,500 after" in html


def test_another_customer_finds_no_such_page(client: Client, orders: Orders, usual: ServiceFigures) -> None:
    order = placed_ago(orders.placed(), 11.5)
    client.force_login(User.objects.create_user("eve@example.com", "correct horse battery"))
    assert client.get(f"/orders/{order.pk}/").status_code == 404
