"""The status page: made of what orders did, with no provider's name, for everybody."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from catalog.facts.histogram import step_of
from catalog.models import Service, ServiceDay
from core.clock import database_now
from orders.facts.days import count_day, day_of
from orders.models import Order
from orders.pages.status import PlatformState, Status, read_status
from tests.pages.cast import Orders
from tests.roles import unguarded

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def day(service: Service, ago: int, *, minutes: int = 4, **counts: int) -> ServiceDay:
    values = {"orders": 30, "whole": 27, "partial": 2, "canceled": 1, "ordered": 1, "delivered": 1, **counts}
    return ServiceDay.objects.create(
        service=service, day=day_of(database_now()) - timedelta(days=ago), refills=0, refilled=0, refills_declined=0,
        start_times={str(step_of(minutes * 60)): 30}, thousand_times={}, refill_times={}, **values,
    )  # fmt: skip


def of(status: Status, slug: str) -> PlatformState:
    return next(platform for platform in status.platforms if platform.slug == slug)


def states(status: Status, slug: str) -> str:
    """The last 30 days of a platform, a letter each: u(sual), s(low), p(aused), n(othing)."""
    return "".join(found.state[0] for found in of(status, slug).days)


def test_days_are_as_usual_slow_or_paused(services: list[Service]) -> None:
    for ago in range(1, 12):
        day(services[0], ago, minutes=30 if ago in (4, 5) else 4, held=2 if ago == 8 else 1)
    status = read_status(now=database_now())
    # One of thirty orders held back is no pause, two are.
    assert states(status, "instagram").endswith("nuuupuussuuun")
    platform = of(status, "instagram")
    assert platform.counts == {"usual": 8, "slow": 2, "paused": 1, "none": 19}
    assert platform.usual is not None
    assert timedelta(minutes=3) < platform.usual < timedelta(minutes=5)
    assert [(event.slug, event.state, (event.last - event.first).days) for event in status.events] == [
        ("instagram", "slow", 1),
        ("instagram", "paused", 0),
    ]
    assert status.whole == 90


def test_a_platform_is_slow_while_orders_of_the_last_hour_need_thrice_the_usual(
    services: list[Service], orders: Orders
) -> None:
    for ago in range(1, 5):
        day(services[0], ago, minutes=1)
    made = orders.placed()
    now = database_now()
    copies = [Order.objects.get(pk=made.pk) for _n in range(24)]
    for n, copy in enumerate(copies):
        copy.pk, copy.upstream_id, copy.nonce = None, f"more-{n}", None
    Order.objects.bulk_create(copies)
    with unguarded():
        Order.objects.update(created_at=now - timedelta(minutes=30), started_at=now - timedelta(minutes=28))
    assert of(read_status(now=now), "instagram").state == "usual"
    Order.objects.update(started_at=None)
    status = read_status(now=now)
    assert of(status, "instagram").state == "slow"
    assert status.slow == ["Instagram"]
    assert states(status, "instagram")[-1] == "s"
    Order.objects.exclude(pk=made.pk).update(waits_for=made)
    assert of(read_status(now=now), "instagram").state == "usual"
    Order.objects.update(waits_for=None)
    # Too few orders say nothing.
    with unguarded():
        fewer = Order.objects.filter(upstream_id__in=[f"more-{n}" for n in range(10)])
        fewer.update(created_at=now - timedelta(hours=2))
    assert of(read_status(now=now), "instagram").state == "usual"


def test_orders_held_back_pause_a_platform_and_their_end_is_told(client: Client, orders: Orders) -> None:
    waiting, sent, canceled = orders.queued(), orders.completed(), orders.refused()
    long_ago = database_now() - timedelta(hours=3)
    with unguarded():
        Order.objects.update(created_at=long_ago)
    Order.objects.filter(pk=sent.pk).update(sent_at=long_ago + timedelta(minutes=20))
    count_day(day_of(long_ago))
    status = read_status(now=database_now())
    platform = of(status, "instagram")
    assert (platform.state, platform.waiting, platform.since) == ("paused", 1, long_ago)
    [event] = status.events
    assert event.held is not None
    assert (event.held.n, event.held.delivered, event.held.canceled) == (3, 1, 1)
    assert event.held.refunded == Order.objects.get(pk=canceled.pk).refunded > Decimal(0)
    # Of a few orders, which may be one customer's, neither the minute nor the amount.
    html = " ".join(client.get("/status/").content.decode().split())
    assert f"a few orders held back since {long_ago:%-d %b}; they can be canceled" in html
    assert "A few orders waited longer than a quarter of an hour." in html
    assert "Refunded:" not in html
    assert orders.service.source.provider.name not in html
    copies = [Order.objects.get(pk=waiting.pk) for _n in range(20)]
    for copy in copies:
        copy.pk, copy.nonce = None, None
    with unguarded():
        Order.objects.bulk_create(copies)
    count_day(day_of(long_ago))
    cache.clear()
    html = " ".join(client.get("/status/").content.decode().split())
    assert f"21 orders held back since {long_ago:%-d %b, %H:%M} UTC; they can be canceled" in html
    assert "23 orders waited longer than a quarter of an hour." in html
    assert "Refunded: <" in html
    Order.objects.filter(pk__in=[copy.pk for copy in copies]).update(forward_state="refunded")
    # Who waits for an earlier order of the same link is not held back by the shop.
    Order.objects.filter(pk=waiting.pk).update(last_refusal="duplicate_link")
    assert of(read_status(now=database_now()), "instagram").waiting == 0
    # Neither is one that waits by the shop's own rule, until the earlier order has ended and some time has passed.
    later, held_now = orders.queued(link="https://instagram.com/another"), []
    with unguarded():
        Order.objects.filter(pk=sent.pk).update(link_key=later.link_key)
        Order.objects.filter(pk=later.pk).update(created_at=long_ago, waits_for=sent)
    for ended, next_at in ((None, long_ago), (database_now(), long_ago), (long_ago, None), (long_ago, long_ago)):
        Order.objects.filter(pk=sent.pk).update(finished_at=ended)
        Order.objects.filter(pk=later.pk).update(next_at=next_at)
        held_now.append(of(read_status(now=database_now()), "instagram").waiting)
    assert held_now == [0, 0, 0, 1]


def test_a_shop_without_orders_has_a_status_too(client: Client, services: list[Service]) -> None:
    html = client.get("/status/").content.decode()
    assert "No orders in 30 days" in html
    assert "Now: all as usual" in html
    assert '<meta name="description"' in html


def test_the_page_is_kept_for_some_minutes(
    client: Client, services: list[Service], django_assert_max_num_queries: Any
) -> None:
    for service in services:
        day(service, 1, held=30)
    client.get("/status/")
    with django_assert_max_num_queries(4):  # the settings, the currencies, the menu, and what is kept
        assert "orders held back" in client.get("/status/").content.decode()
