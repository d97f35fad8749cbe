"""What a customer sees of cancellations, drip-feeds and subscriptions."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, ProviderService, Service
from core.clock import database_now
from orders import timeouts
from orders.checkout.placement import place_order
from orders.models import Cancellation, ChildOrder, Order
from orders.states import Forward
from tests.pages.cast import Orders

SUBSCRIPTION = {"username": "bob", "posts": "2", "min": "100", "max": "200", "delay": "0"}


def page_of(client: Client, order: Order) -> str:
    return client.get(reverse("orders:order", args=[order.pk])).content.decode()


def subscribed(alice: User, services: list[Service]) -> Order:
    service = next(s for s in services if s.name == "Posts for subscribers")
    return place_order(customer=alice, service_id=service.pk, fields=SUBSCRIPTION, now=database_now()).order


def test_an_unsent_order_is_canceled_with_two_clicks_and_no_script(signed_in: Client, orders: Orders) -> None:
    order = orders.queued()
    assert "you get all of your money back" in page_of(signed_in, order)
    answer = signed_in.post(reverse("orders:cancel", args=[order.pk]), follow=True)
    shown = answer.content.decode()
    assert "It was canceled before it was sent." in shown
    assert "Nothing is charged" in shown
    order.refresh_from_db()
    assert order.forward_state == Forward.REFUNDED


def test_a_cancellation_request_shows_in_the_list_and_on_the_page(signed_in: Client, orders: Orders) -> None:
    Provider.objects.update(can_cancel=True)
    ProviderService.objects.update(cancel=True)
    order = orders.running(remains=940)
    signed_in.post(reverse("orders:cancel", args=[order.pk]))
    assert "Cancel requested" in page_of(signed_in, order)
    assert "Cancel requested" in signed_in.get(reverse("orders:list")).content.decode()
    Cancellation.objects.update(state="answered", answer="not_eligible")
    assert "Cancel requested" not in page_of(signed_in, order)


def test_a_service_that_does_not_cancel_offers_no_button(signed_in: Client, orders: Orders) -> None:
    Provider.objects.update(can_cancel=False)
    order = orders.running(remains=940)
    shown = page_of(signed_in, order)
    assert reverse("orders:cancel", args=[order.pk]) not in shown
    signed_in.post(reverse("orders:cancel", args=[order.pk]))
    assert not Cancellation.objects.exists()


def test_runs_show_on_the_page_of_their_order(signed_in: Client, orders: Orders) -> None:
    order = orders.running(remains=940)
    Order.objects.filter(pk=order.pk).update(runs=2)
    for n, progress in enumerate(("completed", "in_progress")):
        ChildOrder.objects.create(
            parent=order, provider=order.provider, upstream_id=f"7{n}", quantity=500, progress=progress, remains=100
        )
    shown = page_of(signed_in, order)
    assert "Runs" in shown
    assert "500 of 500" in shown
    assert "400 of 500" in shown


def test_a_subscription_is_ordered_by_name_and_says_what_it_reserves(
    signed_in: Client, alice: User, services: list[Service]
) -> None:
    order = subscribed(alice, services)
    assert (order.quantity, order.total, order.link) == (200, 400, "")
    shown = page_of(signed_in, order)
    assert "bob" in shown
    assert "bob" in signed_in.get(reverse("orders:list")).content.decode()


def test_an_order_that_waited_too_long_says_so(signed_in: Client, orders: Orders) -> None:
    order = orders.queued()
    timeouts.give_up(now=database_now().replace(year=2040))
    assert "could not take it in time" in page_of(signed_in, order)


@pytest.mark.parametrize("offer", ["cancel", "dripfeed"])
def test_the_price_list_can_be_narrowed_to_what_a_service_offers(
    client: Client, services: list[Service], offer: str
) -> None:
    Provider.objects.update(can_cancel=True)
    ProviderService.objects.filter(type="Default").update(type="default")
    chosen = client.get(reverse("catalog:prices"), {offer: "1"}).content.decode()
    names = [s.name for s in services if getattr(s.source, offer)]
    assert names
    for service in services:
        assert (service.name.replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in chosen) == (
            service.name in names
        )
