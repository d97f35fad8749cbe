"""What the stories of lost orders have in common: time that goes by, a resolver, sends whose answer is lost."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Model

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from orders.doubt import resolve
from orders.models import (
    ForwardAttempt,
    Order,
    OwnId,
    ProbePass,
    ProbeSchedule,
    RateReading,
    RepeatAttempt,
    RequestIdTest,
    ShopState,
)
from tests.orders.cast import Shop
from tests.roles import unguarded

SETTLE = 600
LOST_BUT_PLACED = "close_no_answer"
LOST_NOT_PLACED = "h504_np"

MOMENTS: dict[type[Model], tuple[str, ...]] = {
    Order: ("created_at", "sent_at", "placed_at", "answered_at", "next_poll_at"),
    ForwardAttempt: ("sent_at", "claimed_at", "leased_until", "answered_at"),
    OwnId: ("first_seen_at", "answered_at", "asked_at"),
    ProbePass: ("started_at", "finished_at"),
    RateReading: ("at",),
    ProbeSchedule: ("next_at", "claimed_until", "calibrated_at", "next_scan_at", "asked_at"),
    Provider: ("balance_at", "request_id_proven_at"),
    RepeatAttempt: ("sent_at", "claimed_at", "leased_until", "answered_at"),
    RequestIdTest: ("created_at", "first_sent_at", "second_due_at", "second_sent_at", "leased_until"),
    ShopState: ("frozen_at", "thawed_at"),
}


def ages(shop: Shop, seconds: float) -> None:
    """So much time goes by, for the shop as for the provider: everything that happened lies further back."""
    past = timedelta(seconds=seconds)
    with unguarded():
        for model, names in MOMENTS.items():
            model._default_manager.update(**{name: F(name) - past for name in names})
    shop.simulator.control(advance=seconds)


def resolves(shop: Shop, times: int = 1) -> int:
    """So many rounds of the resolver, half a minute apart."""
    closed = 0
    for _ in range(times):
        closed += resolve.resolve_due(now=database_now(), seconds=30)
        ages(shop, 31)
    return closed


def buys_and_sends(shop: Shop, who: User, quantity: int = 1000, fault: str | None = None, **more: Any) -> Order:
    """A later order at some distance, so that other customers' orders lie between."""
    shop.simulator.control(foreign=7)
    if fault:
        shop.simulator.control(script=[fault], actions=["add"])
    number = Order.objects.count()
    order = shop.buys(who, quantity=quantity, link=f"https://example.com/p/{number}?fate=stuck", **more)
    shop.forwards()
    order.refresh_from_db()
    return order


def attempt_of(order: Order) -> ForwardAttempt:
    return order.attempts.latest("n")


def id_at_provider(shop: Shop, order: Order) -> list[str]:
    return [str(o["order"]) for o in shop.accepted() if o["link"] == order.link]
