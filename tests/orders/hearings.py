"""What the stories of followed orders have in common: the provider has an order, and says how it does."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from core.clock import database_now
from core.money import round_down
from orders.following import child_answers, order_answers
from orders.models import ChildOrder, Order
from orders.states import Forward
from tests.orders.cast import Shop
from upstream.messages import OrderStatus, StatusItem
from upstream.states import ProviderOrderState


def placed(shop: Shop, order: Order) -> Order:
    """The order is sent, and the provider takes it."""
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    return order


def bought(shop: Shop, who: User, **wishes: Any) -> Order:
    """An order that is bought and placed."""
    return placed(shop, shop.buys(who, **wishes))


def said(state: ProviderOrderState, **facts: Any) -> OrderStatus:
    return OrderStatus(state=state, raw_state=state.value, **facts)


def heard(shop: Shop, order: Order, *items: StatusItem, at: datetime | None = None) -> Order:
    """The provider says these things of the order, one after the other, now or at the given time."""
    for item in items:
        now = at or database_now()
        order_answers.apply({order.pk: item}, provider=shop.provider, asked_at=now, now=now)
    order.refresh_from_db()
    return order


def child_heard(shop: Shop, order: Order, number: str, *items: StatusItem) -> ChildOrder:
    """The provider says these things of the child order of that number."""
    child = order.children.get(upstream_id=number)
    for item in items:
        now = database_now()
        child_answers.apply({child.pk: item}, provider=shop.provider, asked_at=now, now=now)
    child.refresh_from_db()
    order.refresh_from_db()
    return child


def due(order: Order, missing: int) -> Decimal:
    """What the customer gets back for so many that did not arrive."""
    return round_down(order.charge * missing / order.total)
