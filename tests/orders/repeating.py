"""What stories of repeated requests begin with: a provider that knows them or not, and a test order that shows it."""

import uuid
from typing import Any

from accounts.models import User
from catalog.models import Provider, ProviderService
from core.clock import database_now
from core.staff_actions import Actor
from orders.forwarding import repeats, request_tests
from orders.models import Order, RepeatAttempt, RequestIdTest
from tests.orders.cast import Shop
from tests.orders.doubts import ages, buys_and_sends, id_at_provider

OWNER = Actor(code="staff:1", name="owner@example.com")
FIELD = {"request_id_field": "request_id"}
WINDOW = 600
#: When each repeat is due, in seconds after the send; half a minute is the first one's.
DUE = (30, 90, 240, 540)


def knows_the_field(shop: Shop, how: str = "honoured") -> None:
    """The provider's dialect names the field, and the provider does with it what ``how`` says."""
    Provider.objects.filter(pk=shop.provider.pk).update(dialect=FIELD)
    shop.provider.refresh_from_db()
    shop.simulator.control(request_id=how)


def orders_a_test(shop: Shop, quantity: int = 10, **more: Any) -> RequestIdTest:
    source = ProviderService.objects.select_related("provider").get(pk=shop.service.source_id)
    link = "https://example.com/test?fate=stuck"
    test, _is_new = request_tests.order_test(
        source, link=link, quantity=quantity, actor=OWNER, now=database_now(), **{"key": uuid.uuid4(), **more}
    )
    return test


def completes_a_test(shop: Shop) -> RequestIdTest:
    """A whole test order: both requests, ten minutes apart."""
    test = orders_a_test(shop)
    assert request_tests.send_due(seconds=10) == 1
    ages(shop, WINDOW + 1)
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    shop.provider.refresh_from_db()
    return test


def proven(shop: Shop) -> RequestIdTest:
    knows_the_field(shop)
    test = completes_a_test(shop)
    assert test.state == "proven", test.result
    ages(shop, 1)
    return test


def loses(shop: Shop, who: User, fault: str, **more: Any) -> Order:
    """An order whose answer is lost, half a minute ago."""
    order = buys_and_sends(shop, who, fault=fault, **more)
    assert order.forward_state == "in_doubt"
    ages(shop, DUE[0] + 1)
    return order


def repeats_it(shop: Shop) -> int:
    return repeats.send_due(seconds=10)


def repeats_of(order: Order) -> list[tuple[str, str | None]]:
    rows = RepeatAttempt.objects.filter(attempt__order=order).order_by("n")
    return list(rows.values_list("outcome", "upstream_id"))


def again(order: Order) -> Order:
    order.refresh_from_db()
    return order


def bought(shop: Shop, order: Order) -> int:
    """How many orders the provider has for this one."""
    return len(id_at_provider(shop, order))
