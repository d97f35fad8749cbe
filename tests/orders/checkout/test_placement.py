"""Buying: the charge is reserved in the same transaction as the order, or nothing happens."""

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from billing.ledger import NotEnoughMoney
from billing.models import Hold
from catalog.models import Service
from core.clock import database_now
from core.money import LIMIT
from notices.models import Alert
from orders.checkout.fields import BadFields
from orders.checkout.placement import PriceMoved, place_order, quote
from orders.checkout.quotes import SaleBelowCost, ServiceUnavailable
from orders.models import EventKind, Order
from orders.states import Forward
from tests.orders.cast import Shop, balance, customer, service_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_charge_leaves_the_wallet_and_is_held_for_the_order(shop: Shop, alice: User) -> None:
    order = shop.buys(alice, quantity=2500)

    assert order.price == Decimal("1.17")
    assert order.charge == Decimal("2.925")
    assert balance(alice) == Decimal("97.075")
    hold = Hold.objects.get(reference=order.reference)
    assert (hold.charged, hold.earned, hold.refunded) == (Decimal("2.925"), 0, 0)
    assert order.forward_state == Forward.QUEUED
    assert list(order.events.values_list("kind", flat=True)) == [EventKind.ACCEPTED]


def test_a_repeated_nonce_is_the_same_order(shop: Shop, alice: User) -> None:
    first = shop.buys(alice, nonce="n1")
    again = place_order(
        customer=alice,
        service_id=shop.service.pk,
        fields={"link": "https://example.com/p/1", "quantity": "1000"},
        nonce="n1",
        now=database_now(),
    )
    assert again.is_repeat
    assert again.order == first
    assert Order.objects.count() == 1
    assert balance(alice) == Decimal("98.83")


def test_a_nonce_is_each_customers_own(shop: Shop, alice: User) -> None:
    bob = customer("bob@example.com")
    assert shop.buys(alice, nonce="n1") != shop.buys(bob, nonce="n1")


def test_a_price_that_rose_since_it_was_shown_buys_nothing(shop: Shop, alice: User) -> None:
    Service.objects.update(price=Decimal("1.92"))
    with pytest.raises(PriceMoved) as refusal:
        shop.buys(alice, quantity=2500, shown_charge=Decimal("2.925"))
    assert refusal.value.quote.charge == Decimal("4.80")
    assert not Order.objects.exists()
    assert balance(alice) == 100


def test_a_price_that_fell_is_charged_as_it_is_now(shop: Shop, alice: User) -> None:
    Service.objects.update(price=Decimal("1.00"))
    assert shop.buys(alice, shown_charge=Decimal("1.17")).charge == Decimal("1.00")


def test_nothing_is_sold_below_cost_and_the_owner_hears_of_it(shop: Shop, alice: User) -> None:
    Service.objects.update(price=Decimal("0.89"))
    with pytest.raises(SaleBelowCost):
        shop.buys(alice)
    assert not Order.objects.exists()
    assert balance(alice) == 100
    assert Alert.objects.get().cause == f"service:{shop.service.pk}:below_cost"


def test_too_little_money_leaves_nothing_behind(shop: Shop) -> None:
    carol = customer("carol@example.com", money="1")
    with pytest.raises(NotEnoughMoney):
        shop.buys(carol)
    assert not Order.objects.exists()
    assert not Hold.objects.exists()
    assert balance(carol) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"is_visible": False},
        {"price": None},
    ],
)
def test_what_is_not_on_sale_cannot_be_bought(shop: Shop, alice: User, change: dict[str, object]) -> None:
    Service.objects.update(**change)
    with pytest.raises(ServiceUnavailable):
        shop.buys(alice)


def test_a_quarantined_source_cannot_be_bought(shop: Shop, alice: User) -> None:
    type(shop.service.source).objects.update(quarantine=["rate: it is 0"])
    with pytest.raises(ServiceUnavailable):
        shop.buys(alice)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"link": "", "quantity": "10"}, {"link"}),
        ({"link": "https://example.com/a b", "quantity": "10"}, {"link"}),
        ({"link": "x" * 1001, "quantity": "10"}, {"link"}),
        ({"link": "https://example.com", "quantity": ""}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "0"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "-5"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "1e3"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "10.5"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "1,0"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "100001"}, {"quantity"}),
        ({"link": "https://example.com", "quantity": "10", "runs": "3", "interval": "10"}, {"runs"}),
        ({"link": "", "quantity": ""}, {"link", "quantity"}),
    ],
)
def test_bad_fields_are_named_all_at_once(shop: Shop, alice: User, fields: dict[str, str], wrong: set[str]) -> None:
    with pytest.raises(BadFields) as refusal:
        place_order(customer=alice, service_id=shop.service.pk, fields=fields, now=database_now())
    assert set(refusal.value.problems) == wrong


def test_limits_offer_the_nearest_quantity(shop: Shop) -> None:
    Service.objects.update(min=100)
    with pytest.raises(BadFields) as refusal:
        quote(service_id=shop.service.pk, fields={"link": "https://example.com", "quantity": "7"})
    assert refusal.value.problems["quantity"].suggestion == "100"


def test_comments_are_counted_by_their_lines(shop: Shop, alice: User) -> None:
    service = service_of(shop.provider, "2", type="custom_comments", rate=Decimal(8), name="Comments", max=100)
    fields = {"link": "https://example.com/p/9", "comments": "first\r\n\r\n  second \nthird\n", "quantity": "99"}
    order = place_order(customer=alice, service_id=service.pk, fields=fields, now=database_now()).order
    assert order.total == 3
    assert order.fields == {"link": "https://example.com/p/9", "comments": "first\nsecond\nthird"}
    assert order.charge == Decimal("0.0312")


def test_a_package_costs_its_price_once(shop: Shop, alice: User) -> None:
    package = service_of(shop.provider, "3", type="package", unit="per_package", rate=Decimal("4.50"), name="Plan")
    fields = {"link": "https://example.com/p/9", "quantity": "500"}
    order = place_order(customer=alice, service_id=package.pk, fields=fields, now=database_now()).order
    assert order.charge == Decimal("5.85")
    assert order.fields == {"link": "https://example.com/p/9"}


def test_an_absurd_charge_is_a_refusal_and_no_error(shop: Shop, alice: User) -> None:
    Service.objects.update(price=LIMIT - 1, max=10**14)
    with pytest.raises(BadFields):
        shop.buys(alice, quantity=10**14)


def test_what_was_bought_never_changes(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(charge=Decimal(1), expected_cost=Decimal("0.5"))
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_order")


def test_32_threads_spend_one_wallet_to_zero_and_not_beyond(shop: Shop, alice: User) -> None:
    """Steps of exactly 1.00000 from 100.00000: 100 orders, whoever wins."""
    Service.objects.update(price=Decimal(1000))
    bought, refused = _race(lambda: shop.buys(alice, quantity=1), threads=32, each=8, refusal=NotEnoughMoney)
    assert (bought, refused) == (100, 156)
    assert balance(alice) == 0
    assert Order.objects.count() == 100


def test_twins_of_one_nonce_are_one_order(shop: Shop, alice: User) -> None:
    _race(lambda: shop.buys(alice, nonce="twin"), threads=16, each=1, refusal=NotEnoughMoney)
    assert Order.objects.count() == 1
    assert balance(alice) == Decimal("98.83")


def _race(deed: object, *, threads: int, each: int, refusal: type[Exception]) -> tuple[int, int]:
    done: list[bool] = []
    wrong: list[BaseException] = []
    barrier = threading.Barrier(threads)

    def run() -> None:
        try:
            barrier.wait()
            for _ in range(each):
                try:
                    deed()  # type: ignore[operator]
                    done.append(True)
                except refusal:
                    done.append(False)
        except BaseException as problem:  # noqa: BLE001 - reported by the assertion below
            wrong.append(problem)
        finally:
            connection.close()

    crowd = [threading.Thread(target=run) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert not wrong
    return done.count(True), done.count(False)
