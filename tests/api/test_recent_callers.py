"""A recent caller orders in one statement, and that statement notices whatever has changed since."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.api_keys import revoke_key
from accounts.models import ApiKey, CustomerGroup, User
from api import recent_callers
from api.models import ApiRequest
from billing import audit as money
from billing import ledger
from billing.audit import check
from billing.models import Account, Hold
from billing.queries import balance_of
from catalog.models import Category, CustomerPrice, MarkupRule, Provider, ProviderService, Service
from catalog.prices.adjustments import adjust, undo
from core.clock import database_now
from core.money import round_up
from core.templatetags.money import money_html
from orders import audit as order_audit
from orders.models import Order, OrderEvent
from tests.api.cast import Panel, key_for, row_of

pytestmark = pytest.mark.django_db(transaction=True)

WRONG = {"error": "Invalid API key"}
UNAVAILABLE = {"error": "Incorrect service ID"}


@pytest.fixture
def fields(services: list[Service]) -> dict[str, Any]:
    return {"service": services[0].pk, "link": "https://instagram.com/atelier.nord", "quantity": "1000"}


@pytest.fixture
def regular(api: Panel, fields: dict[str, Any]) -> Panel:
    """Somebody whose first order was placed."""
    assert "order" in api("add", **fields)
    return api


def ordered(panel: Panel, fields: dict[str, Any], **more: Any) -> Order:
    return Order.objects.get(pk=panel("add", **fields, **more)["order"])


def statements(panel: Panel, fields: dict[str, Any], **more: Any) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        panel("add", **fields, **more)
    return [q["sql"].split()[0] for q in asked]


def nothing_more_was_written() -> bool:
    return Order.objects.count() == Hold.objects.count() == OrderEvent.objects.count() == 1


def test_the_next_order_is_one_statement(api: Panel, fields: dict[str, Any]) -> None:
    assert statements(api, fields)[-1] == "WITH"
    assert statements(api, fields) == ["WITH"]
    assert statements(api, {**fields, "quantity": "2000"}, request_id="a") == ["WITH"]
    assert statements(Panel(key_for(User.objects.get())), fields) != ["WITH"]


def test_it_is_the_same_order_as_ever(api: Panel, fields: dict[str, Any]) -> None:
    first, second = ordered(api, fields), ordered(api, fields)
    differ = {"id", "created_at", "next_at"}
    same = [f.attname for f in Order._meta.concrete_fields if f.attname not in differ]
    assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same]
    assert first.created_at < second.created_at == second.next_at <= database_now()
    told = [OrderEvent.objects.values("kind", "detail", "actor").get(order=order) for order in (first, second)]
    assert told[0] == told[1]
    assert [f.rows for f in check([*money.EQUATIONS, *order_audit.EQUATIONS]) if not f.holds] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda key: revoke_key(customer=key.customer, key_id=key.pk, now=database_now()),
        lambda key: User.objects.update(is_active=False),
        lambda key: ApiKey.objects.update(networks=["203.0.113.0/24"]),
        lambda key: ApiKey.objects.update(digest="0" * 64),
    ],
)
def test_a_key_that_ended_orders_nothing(
    regular: Panel, fields: dict[str, Any], change: Callable[[ApiKey], Any]
) -> None:
    change(row_of(regular.key))
    assert regular("add", **fields) == WRONG
    assert regular("add", **fields) == WRONG
    assert nothing_more_was_written()


def test_a_key_that_may_not_order_any_more_does_not(regular: Panel, fields: dict[str, Any]) -> None:
    ApiKey.objects.update(scopes=["read"])
    assert "Unauthorized" in regular("add", **fields)["error"]
    assert nothing_more_was_written()


def test_a_key_is_remembered_for_its_addresses_only(alice: User, fields: dict[str, Any], settings: Any) -> None:
    settings.PROXY_COUNT = 1
    panel = Panel(key_for(alice, networks=["203.0.113.0/24"]))
    assert "order" in panel("add", headers={"X-Forwarded-For": "203.0.113.9"}, **fields)
    assert panel("add", headers={"X-Forwarded-For": "198.51.100.1"}, **fields) == WRONG
    assert panel("add", **fields) == WRONG
    assert nothing_more_was_written()


@pytest.mark.parametrize(
    "switch",
    [
        lambda s: Service.objects.filter(pk=s).update(is_visible=False),
        lambda s: Category.objects.update(is_visible=False),
        lambda s: Provider.objects.update(is_active=False),
        lambda s: ProviderService.objects.update(quarantine=["rate: it is 0"]),
        lambda s: ProviderService.objects.update(vanished_at=database_now()),
    ],
)
def test_what_was_switched_off_is_not_sold(
    regular: Panel, fields: dict[str, Any], switch: Callable[[int], Any]
) -> None:
    switch(fields["service"])
    assert regular("add", **fields) == UNAVAILABLE
    assert nothing_more_was_written()


def test_a_price_and_a_cost_count_as_they_are(regular: Panel, fields: dict[str, Any]) -> None:
    Service.objects.update(price=Decimal("2.5"))
    assert ordered(regular, fields).charge == Decimal("2.5")
    ProviderService.objects.update(rate=Decimal(2))
    assert ordered(regular, fields).expected_cost == Decimal(2)
    Provider.objects.update(exchange_rate=Decimal(3))
    assert regular("add", **fields) == {"error": "Service is not available"}
    Service.objects.filter(pk=fields["service"]).update(price=Decimal(10), min=5_000)
    assert regular("add", **fields) == {"error": "Quantity less than minimal 5000"}
    assert Order.objects.count() == 3


def test_a_groups_price_counts_as_it_is(regular: Panel, fields: dict[str, Any]) -> None:
    full = Order.objects.get().charge
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))
    User.objects.update(group=group)
    assert ordered(regular, fields).charge == ordered(regular, fields).charge < full
    MarkupRule.objects.create(name="theirs", group=group, percent=Decimal(15))
    dear = ordered(regular, fields).charge
    MarkupRule.objects.update(percent=Decimal(5))
    assert ordered(regular, fields).charge < dear
    User.objects.update(group=None)
    assert ordered(regular, fields).charge == full


def test_an_adjusted_price_counts_at_once(
    regular: Panel, alice: User, services: list[Service], fields: dict[str, Any], client: Client
) -> None:
    """Between two orders on one connection: for everybody, for a group, and on every page that shows a price."""
    service = services[0]
    made = adjust([service.pk], Decimal(50), name="All", by="owner", now=database_now()).adjustment
    service.refresh_from_db()
    assert ordered(regular, fields).price == service.price
    listed = {str(row["service"]): Decimal(row["rate"]) for row in regular("services")}
    assert listed[str(service.pk)] == service.price
    shown = money_html(service.price or Decimal(0), slotted=True)
    assert shown in client.get(reverse("catalog:prices")).content.decode()

    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))
    User.objects.update(group=group)
    before = ordered(regular, fields).price
    assert before < service.price
    undo(made.pk, by="owner", now=database_now())
    assert ordered(regular, fields).price == round_up(before / Decimal("1.5"))
    User.objects.update(group=None)
    service.refresh_from_db()
    assert ordered(regular, fields).price == service.price


def test_a_wallet_counts_as_it_is(regular: Panel, alice: User, fields: dict[str, Any]) -> None:
    Account.objects.filter(customer=alice).update(frozen_at=database_now())
    assert regular("add", **fields) == {"error": "Account suspended"}
    Account.objects.filter(customer=alice).update(frozen_at=None)
    assert "order" in regular("add", **fields)
    ledger.debit(customer=alice, amount=balance_of(alice), reason="test", reference="all", actor="owner")
    assert regular("add", **fields) == {"error": "Not enough funds on balance"}
    # Whoever was refused is asked for by the usual way from then on, and not twice.
    assert "WITH" not in statements(regular, fields)
    assert Order.objects.count() == 2


def test_bad_fields_are_told_as_ever(regular: Panel, fields: dict[str, Any]) -> None:
    assert regular("add", **{**fields, "quantity": "1"}) == {"error": "Quantity less than minimal 100"}
    assert regular("add", **{**fields, "link": ""}) == {"error": "Incorrect link"}
    assert regular("add", **{**fields, "service": "77777"}) == UNAVAILABLE
    assert nothing_more_was_written()


def test_the_use_of_a_key_is_still_noted_each_minute(regular: Panel, fields: dict[str, Any]) -> None:
    first = row_of(regular.key).last_used_at
    assert first is not None
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    assert "order" in regular("add", **fields)
    noted = row_of(regular.key).last_used_at
    assert noted is not None
    assert noted > first
    assert statements(regular, fields) == ["WITH"]


def test_a_named_order_is_placed_once(regular: Panel, alice: User, fields: dict[str, Any]) -> None:
    first = ordered(regular, fields, request_id="cart-1")
    assert abs(ApiRequest.objects.get().created_at - first.created_at) < timedelta(seconds=5)
    assert ordered(regular, fields, request_id="cart-1") == first
    assert "different request" in regular("add", **{**fields, "quantity": "2000"}, request_id="cart-1")["error"]
    assert ordered(regular, fields, request_id="cart-2") != first
    assert Order.objects.count() == 3
    assert 100 - balance_of(alice) == 3 * first.charge


def test_the_date_of_a_subscription_is_always_judged(regular: Panel, services: list[Service]) -> None:
    posts = {"service": services[-1].pk, "username": "bob", "min": 100, "max": 100, "posts": 2, "delay": 0}
    assert "order" in regular("add", **posts)
    assert "expiry" in regular("add", **posts, expiry="01/01/2001")["error"]
    assert Order.objects.count() == 2


def test_a_call_counts_once_also_where_two_ways_were_gone(
    regular: Panel, fields: dict[str, Any], settings: Any
) -> None:
    settings.API_RATE_PER_MINUTE = 4
    said = []
    for price in range(3, 9):  # each price is a new one, so what is remembered never does
        Service.objects.update(price=Decimal(price))
        said.append(regular.post("add", **fields))
    assert [answer.status_code for answer in said] == [200] * 4 + [429] * 2
    assert said[-1]["Retry-After"]
    assert Order.objects.count() == 5


def test_few_are_remembered_and_no_key_as_it_is(
    regular: Panel, alice: User, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_callers, "_LIMIT", 2)
    for _n in range(4):
        assert "order" in Panel(key_for(alice))("add", **fields)
        assert len(recent_callers._known) <= 2
    assert regular.key not in repr(recent_callers._known)


def test_a_customers_own_price_counts_from_the_next_order_on(
    regular: Panel, fields: dict[str, Any], services: list[Service], alice: User
) -> None:
    """Promised, changed and ended between orders through one connection; each is placed from memory afterwards."""
    usual = ordered(regular, fields).price
    made = CustomerPrice.objects.create(customer=alice, service=services[0], price=usual + 1)
    assert ordered(regular, fields).price == usual + 1
    assert statements(regular, fields) == ["WITH"]
    CustomerPrice.objects.update(price=usual + 2)
    assert ordered(regular, fields).price == usual + 2
    CustomerPrice.objects.update(ends_at=database_now() - timedelta(seconds=1))
    assert ordered(regular, fields).price == usual
    assert statements(regular, fields) == ["WITH"]
    made.delete()
    assert ordered(regular, fields).price == usual
