"""The cast of the stories about orders: a provider that really answers, a service of it, customers with money."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import User
from billing import ledger
from billing.models import Account
from catalog.models import Category, Provider, ProviderService, Service
from core.clock import database_now
from orders.checkout.placement import place_order
from orders.following import poll
from orders.forwarding import dispatch
from orders.models import ChildOrder, Order
from tests.prices import marked_up
from upstream.simulator.running import RunningSimulator

RATE = Decimal("0.90")
MARKUP = Decimal(30)


def customer(email: str = "alice@example.com", money: str = "100") -> User:
    user = User.objects.create_user(email, "correct horse battery")
    if Decimal(money):
        ledger.credit(customer=user, amount=Decimal(money), reason="test", reference=f"start:{email}", actor="test")
    return user


def balance(user: User) -> Decimal:
    return Account.objects.get(customer=user).balance


def provider_at(simulator: RunningSimulator, name: str = "Gulf") -> Provider:
    provider = Provider(
        name=name, url=simulator.url, currency="USD", markup_percent=MARKUP, can_cancel=True, new_services="shown"
    )
    provider.set_key(simulator.key)
    provider.save()
    return provider


def service_of(provider: Provider, external_id: str = "1", **values: Any) -> Service:
    rate = values.pop("rate", RATE)
    source = ProviderService.objects.create(
        provider=provider,
        external_id=external_id,
        name=values.get("name", "Followers"),
        type=values.pop("type", "default"),
        unit=values.pop("unit", "per_1000"),
        rate=rate,
        min=values.get("min", 1),
        max=values.get("max", 100_000),
        refill=values.pop("refill", True),
        cancel=values.pop("cancel", True),
        dripfeed=values.pop("dripfeed", False),
    )
    category, _made = Category.objects.get_or_create(name="Instagram")
    return Service.objects.create(
        source=source,
        category=category,
        name=values.get("name", "Followers"),
        min=values.get("min", 1),
        max=values.get("max", 100_000),
        price=marked_up(rate, provider.exchange_rate, provider.markup_percent),
    )


def until(condition: Callable[[], object], limit: float = 10.0) -> None:
    """Wait for something that happens by itself, such as Postgres noticing that a session has ended."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@dataclass
class Shop:
    """A shop of one provider and one service, with the verbs a story needs."""

    simulator: RunningSimulator
    provider: Provider
    service: Service

    def buys(self, who: User, quantity: int = 1000, link: str = "https://example.com/p/1", **more: Any) -> Order:
        fields = {"link": link, "quantity": str(quantity)}
        return place_order(customer=who, service_id=self.service.pk, fields=fields, now=database_now(), **more).order

    def subscribes(self, who: User, service: Service, **fields: Any) -> Order:
        wish = {"username": "bob", "posts": "2", "min": "100", "max": "100", "delay": "0", **fields}
        return place_order(customer=who, service_id=service.pk, fields=wish, now=database_now()).order

    def drips(self, who: User, runs: int = 3, quantity: int = 100, link: str = "https://example.com/d/1") -> Order:
        """A drip-feed of the shop's service, which is made to allow it."""
        ProviderService.objects.filter(pk=self.service.source_id).update(dripfeed=True)
        fields = {"link": link, "quantity": str(quantity), "runs": str(runs), "interval": "10"}
        return place_order(customer=who, service_id=self.service.pk, fields=fields, now=database_now()).order

    def forwards(self) -> int:
        return dispatch.forward_due(seconds=30)

    def follows(self) -> int:
        """Ask about every open or watched order now, whatever the timetable says."""
        for rows in (Order.objects, ChildOrder.objects):
            rows.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())
        return poll.follow_due(seconds=30)

    def accepted(self) -> list[dict[str, Any]]:
        return self.simulator.orders()
