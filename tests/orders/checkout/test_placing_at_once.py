"""What changes between reading an offer and writing the order is noticed by the statement that writes."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.api_keys import authenticate, create_key, revoke_key
from accounts.models import CustomerGroup, User
from billing.ledger import NotEnoughMoney, WalletFrozen
from billing.models import Account, AccountKind, Hold, Transfer
from catalog.models import Category, MarkupRule, Provider, ProviderService, Service
from core.clock import database_now
from core.prepared import Part, read, write
from orders.checkout import placement
from orders.checkout.offers import Offer, read_offer
from orders.checkout.placement import PriceUnsteady, place_order
from orders.checkout.quotes import SaleBelowCost, ServiceUnavailable
from orders.models import Order, OrderEvent
from tests.orders.cast import Shop, balance, service_of

pytestmark = pytest.mark.django_db(transaction=True)


def offered(shop: Shop, who: User, **more: Any) -> Offer:
    return read_offer(customer_id=who.pk, service_id=shop.service.pk, **more)


def accept(shop: Shop, who: User, offer: Offer, **more: Any) -> Order:
    wish = {"link": "https://example.com/p/1", "quantity": "1000"}
    return place_order(
        customer=who, service_id=shop.service.pk, fields=wish, now=database_now(), offer=offer, **more
    ).order


def nothing_was_written(who: User) -> bool:
    return not (Order.objects.exists() or Hold.objects.exists() or OrderEvent.objects.exists()) and balance(who) == 100


def test_an_order_takes_two_statements_and_no_transaction_of_python(shop: Shop, alice: User) -> None:
    shop.buys(alice)  # this session has planned them now
    with CaptureQueriesContext(connection) as asked:
        place_order(
            customer=alice,
            service_id=shop.service.pk,
            fields={"link": "https://example.com/p/1", "quantity": "1000"},
            now=database_now(),
        )
    assert [q["sql"].split()[0] for q in asked] == ["SELECT", "SELECT", "WITH"]  # the first one is the clock


@pytest.mark.parametrize(
    "change",
    [
        lambda s: Service.objects.filter(pk=s.pk).update(price=Decimal("1.30")),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(rate=Decimal("0.95")),
        lambda s: Provider.objects.update(exchange_rate=Decimal("1.05")),
        lambda s: Service.objects.filter(pk=s.pk).update(min=2),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(external_id="77"),
    ],
)
def test_a_change_in_between_is_read_again_and_the_order_made_of_it(
    shop: Shop, alice: User, change: Callable[[Service], Any]
) -> None:
    old = offered(shop, alice)
    change(shop.service)
    order = accept(shop, alice, old)
    now = Service.objects.get(pk=shop.service.pk)
    assert order.charge == order.price == now.price
    assert order.expected_cost == now.source.rate * now.source.provider.exchange_rate
    assert order.external_service_id == now.source.external_id
    assert balance(alice) == 100 - order.charge


@pytest.mark.parametrize(
    "switch",
    [
        lambda s: Service.objects.filter(pk=s.pk).update(is_visible=False),
        lambda s: Category.objects.update(is_visible=False),
        lambda s: Provider.objects.update(is_active=False),
        lambda s: Provider.objects.update(sale_stopped="wrong currency"),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(quarantine=["rate: it is 0"]),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(vanished_at=database_now()),
    ],
)
def test_what_was_switched_off_in_between_is_not_sold(
    shop: Shop, alice: User, switch: Callable[[Service], Any]
) -> None:
    old = offered(shop, alice)
    switch(shop.service)
    with pytest.raises(ServiceUnavailable):
        accept(shop, alice, old)
    assert nothing_was_written(alice)


def test_a_cost_that_rose_over_the_price_in_between_is_no_loss(shop: Shop, alice: User) -> None:
    old = offered(shop, alice)
    Provider.objects.update(exchange_rate=Decimal(2))
    with pytest.raises(SaleBelowCost):
        accept(shop, alice, old)
    assert nothing_was_written(alice)


def test_a_groups_price_counts_as_it_is_when_written(shop: Shop, alice: User) -> None:
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))
    User.objects.update(group=group)
    old = offered(shop, alice)
    CustomerGroup.objects.update(percent=Decimal(-5))
    assert accept(shop, alice, old).charge == Decimal("1.1115")
    old = offered(shop, alice)
    MarkupRule.objects.create(name="theirs", group=group, percent=Decimal(15))
    assert accept(shop, alice, old).charge == Decimal("1.035")
    old = offered(shop, alice)
    User.objects.update(group=None)
    assert accept(shop, alice, old).charge == Decimal("1.17")


def test_what_has_nothing_to_do_with_the_order_disturbs_nothing(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = service_of(shop.provider, "9", name="Other")
    old = offered(shop, alice)
    Provider.objects.update(balance=Decimal(5), outages=1)
    Service.objects.filter(pk=other.pk).update(price=Decimal(9))
    monkeypatch.setattr(placement, "read_offer", lambda **_: pytest.fail("it was read again"))
    assert accept(shop, alice, old).charge == Decimal("1.17")


def test_prices_that_never_stand_still_buy_nothing(shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def moving(**wish: Any) -> Offer:
        offer = read_offer(**wish)
        assert offer.terms is not None
        return replace(offer, terms=replace(offer.terms, version="1"))

    monkeypatch.setattr(placement, "read_offer", moving)
    with pytest.raises(PriceUnsteady):
        shop.buys(alice)
    assert nothing_was_written(alice)


def test_a_wallet_that_was_emptied_or_frozen_in_between_pays_nothing(shop: Shop, alice: User) -> None:
    old = offered(shop, alice)
    Account.objects.filter(customer=alice).update(frozen_at=database_now())
    with pytest.raises(WalletFrozen):
        accept(shop, alice, old)
    assert nothing_was_written(alice)
    Account.objects.filter(customer=alice).update(frozen_at=None)
    Service.objects.update(price=Decimal(99))
    shop.buys(alice)
    Service.objects.update(price=Decimal("1.17"))
    stale = replace(offered(shop, alice), purse=old.purse)
    with pytest.raises(NotEnoughMoney):
        accept(shop, alice, stale)
    assert Order.objects.count() == Hold.objects.count() == 1


def test_a_twin_that_was_placed_in_between_is_found(shop: Shop, alice: User) -> None:
    old = offered(shop, alice, nonce="n1")
    first = accept(shop, alice, old, nonce="n1")
    assert accept(shop, alice, old, nonce="n1") == first
    assert Order.objects.count() == 1


def test_the_first_order_of_a_shop_finds_or_makes_the_account_of_held_money(shop: Shop, alice: User) -> None:
    assert not Account.objects.filter(kind=AccountKind.HELD).exists()
    order = shop.buys(alice)
    assert Transfer.objects.get(reference=order.reference).target.kind == AccountKind.HELD


def test_what_is_written_beside_an_order_is_there_with_it_or_not_at_all(shop: Shop, alice: User) -> None:
    note = Part(
        "INSERT INTO notices_alert (cause, severity, title, body, path, times, closed_by) "
        "SELECT %(cause)s::text, 'info', 'order ' || placed.id, '', '', 1, '' FROM placed",
        {"cause": "beside"},
    )
    order = accept(shop, alice, offered(shop, alice), also=note)
    with connection.cursor() as cursor:
        cursor.execute("SELECT title FROM notices_alert WHERE cause = 'beside'")
        assert cursor.fetchall() == [(f"order {order.pk}",)]
    bad = Part("INSERT INTO notices_alert (cause) SELECT %(cause)s::text FROM placed", {"cause": "bad"})
    with pytest.raises(Exception, match="not-null"):
        accept(shop, alice, offered(shop, alice), also=bad)
    assert Order.objects.count() == Hold.objects.count() == OrderEvent.objects.count() == 1


def test_a_revoked_key_reads_nothing_beside_it(shop: Shop, alice: User) -> None:
    key = create_key(customer=alice, name="bot", now=database_now())
    extra = Part("SELECT 7 AS seven")
    caller = authenticate(key.plain, address="127.0.0.1", extra=extra)
    assert caller is not None
    assert (caller.extra, caller.customer) == ((7,), alice)
    assert abs(caller.now - database_now()) < timedelta(minutes=1)
    revoke_key(customer=alice, key_id=key.row.pk, now=database_now())
    assert authenticate(key.plain, address="127.0.0.1", extra=extra) is None


def _end_session() -> None:
    """As a restarted server or a firewall would: the client learns of it with its next statement."""
    pid = connection.connection.info.backend_pid
    with closing(connection.copy()) as another, another.cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_a_question_survives_a_dead_session_and_a_deed_is_not_repeated(db: None) -> None:
    assert read("SELECT %(a)s::int", {"a": "1"}) == [(1,)]
    _end_session()
    assert read("SELECT %(a)s::int", {"a": "2"}) == [(2,)]
    _end_session()
    connection.health_check_done = True
    with pytest.raises(OperationalError):
        write("SELECT 1", {})
    connection.close()
    with transaction.atomic():
        assert read("SELECT 3", {}) == [(3,)]
        _end_session()
        with pytest.raises(OperationalError):
            read("SELECT 4", {})
        connection.set_rollback(True)
    connection.close()
