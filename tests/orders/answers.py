"""What the stories of followed orders have in common: the provider has an order, and answers about it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.models import User
from catalog.providers.connection import client_for
from core.clock import database_now
from core.money import round_down
from orders.following import child_answers, order_answers, poll
from orders.following.batches import Batch, smaller_size
from orders.models import ChildOrder, Order
from orders.states import Forward
from tests.orders.cast import Shop
from upstream.errors import Unavailable
from upstream.messages import OrderStatus, StatusItem
from upstream.states import ProviderOrderState


def placed(shop: Shop, order: Order) -> Order:
    """The order is sent, and the provider takes it."""
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    return order


def bought(shop: Shop, customer: User, **fields: Any) -> Order:
    """An order that is bought and placed."""
    return placed(shop, shop.buys(customer, **fields))


def status(state: ProviderOrderState, **facts: Any) -> OrderStatus:
    """An answer of that state."""
    return OrderStatus(state=state, raw_state=state.value, **facts)


def answered(shop: Shop, order: Order, *items: StatusItem, at: datetime | None = None) -> Order:
    """The provider answers this about the order, one after the other, now or at the given time."""
    for item in items:
        now = at or database_now()
        order_answers.apply_answers({order.pk: item}, provider=shop.provider, asked_at=now, now=now)
    order.refresh_from_db()
    return order


def child_answered(shop: Shop, order: Order, number: str, *items: StatusItem) -> ChildOrder:
    """The provider answers this about the child order of that number."""
    child = order.children.get(upstream_id=number)
    for item in items:
        now = database_now()
        child_answers.apply_answers({child.pk: item}, provider=shop.provider, asked_at=now, now=now)
    child.refresh_from_db()
    order.refresh_from_db()
    return child


def asked_once(batch: Batch) -> None:
    """The shop asks about the batch in one call. What it would ask again in smaller batches is not asked."""
    client = client_for(batch.provider, deadline=settings.READ_DEADLINE_SECONDS)
    try:
        poll.record_answers(batch, poll.ask_for_statuses(client, batch.asked), database_now())
    except Unavailable as failure:
        if not smaller_size(failure, len(batch.asked)):
            poll.record_failure(batch, failure, database_now())


def due(order: Order, missing: int) -> Decimal:
    """What the customer gets back for so many that did not arrive."""
    return round_down(order.charge * missing / order.total)
