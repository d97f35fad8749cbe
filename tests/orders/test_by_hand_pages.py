"""Staff ask for a refill and write a note from the page of an order."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.models import StaffAction
from orders.models import EventKind, Order, Refill
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop
from tests.orders.staff import clerk_with, signed_in
from tests.sign_in import sign_in_customer
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]


@pytest.fixture
def owner() -> Client:
    return signed_in(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def page_of(client: Client, order: Order) -> str:
    return " ".join(client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode().split())


def test_a_refill_is_asked_for_once_and_its_customer_reads_by_whom(owner: Client, shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    assert "Only a completed order can be refilled." in page_of(owner, order)
    answered(shop, order, status(ProviderOrderState.COMPLETED))
    url = reverse("admin:orders_order_refill", args=[order.pk])
    assert url in page_of(owner, order)
    assert "A refill of order" in owner.post(url, {"reason": "it dropped"}, follow=True).content.decode()
    assert "A refill of this order is under way." in owner.post(url, {"reason": "it dropped"}).content.decode()
    assert Refill.objects.count() == StaffAction.objects.filter(action="order.refill").count() == 1
    story = sign_in_customer(alice).get(f"/orders/{order.pk}/").content.decode()
    assert "We asked for a refill for you" in story
    assert "it dropped" not in story


def test_a_note_stands_once_however_often_it_is_sent(owner: Client, shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    url = reverse("admin:orders_order_note", args=[order.pk])
    assert url in page_of(owner, order)
    assert "This field is required." in owner.post(url, {"reason": " "}).content.decode()
    for _click in range(2):
        owner.post(url, {"reason": "spoke to the provider"})
    assert order.events.filter(kind=EventKind.REMARK).count() == 1
    assert StaffAction.objects.get(action="order.note").reason == "spoke to the provider"
    assert "spoke to the provider" in page_of(owner, order)
    assert "spoke to" not in sign_in_customer(alice).get(f"/orders/{order.pk}/").content.decode()


def test_who_may_only_look_asks_for_nothing(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    clerk = clerk_with("view_order")
    for name in ("refill", "note"):
        assert clerk.post(reverse(f"admin:orders_order_{name}", args=[order.pk]), {"reason": "x"}).status_code == 403
