"""Orders that do not move as they should: counted on the front page, and listed where the count leads."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Service, ServiceFigures
from core.clock import database_now
from orders.models import Cancellation, Order
from orders.pages.stuck import FAILED, not_canceled, running_orders, slower_than_usual, stuck, waiting, without_progress
from orders.states import CancelState, Progress
from tests.billing import cast
from tests.roles import unguarded

pytestmark = pytest.mark.django_db
LONG = timedelta(hours=25)


@pytest.fixture
def shop(alice: User, service: Service) -> "Shop":
    return Shop(alice, service)


class Shop:
    def __init__(self, alice: User, service: Service) -> None:
        self.alice, self.service, self.placed = alice, service, 0

    def queued(self, **columns: Any) -> Order:
        return self._with(cast.order(self.alice, self.service), columns)

    def running(self, progress: str = Progress.IN_PROGRESS, **columns: Any) -> Order:
        order = cast.order(self.alice, self.service)
        self.placed += 1
        cast.placed(order, f"90{self.placed}", progress=progress)
        return self._with(order, {"placed_at": database_now() - LONG, **columns})

    def asked_to_cancel(self, **columns: Any) -> Order:
        order = self.running(placed_at=database_now())
        request = Cancellation.objects.create(order=order, provider=order.provider)
        Cancellation.objects.filter(pk=request.pk).update(**columns)
        return order

    def _with(self, order: Order, columns: dict[str, Any]) -> Order:
        with unguarded():
            Order.objects.filter(pk=order.pk).update(**columns)
        return Order.objects.get(pk=order.pk)


def test_each_kind_is_counted_and_listed_and_what_moves_is_not(shop: Shop, admin: Client) -> None:
    now = database_now()
    old, new = now - LONG, now
    # 1. Orders that move.
    shop.queued(next_at=now)
    shop.queued(next_at=now + timedelta(minutes=5), tries=3)
    shop.running(placed_at=new)
    shop.running(state_since=new)
    shop.running(state_since=old, runs=3, interval=10)
    shop.running(state_since=old, fields={"posts": "5"})
    shop.running(Progress.COMPLETED, state_since=old)
    shop.asked_to_cancel(created_at=new)
    shop.asked_to_cancel(created_at=old, state=CancelState.ANSWERED)
    assert not stuck(running_orders(now=now).values(), now=now)
    # 2. Orders that do not.
    expected = {
        "waiting": [
            shop.queued(next_at=now - timedelta(minutes=6)),
            shop.queued(next_at=now + timedelta(minutes=5), created_at=now - timedelta(minutes=31), tries=9),
        ],
        "failed": [shop.running(Progress.FAILED, state_since=new)],
        "still": [
            shop.running(state_since=old),
            shop.running(Progress.PENDING, state_since=old),
            shop.running("", state_since=None),
        ],
        "cancel": [shop.asked_to_cancel(created_at=old)],
    }  # fmt: skip
    found = stuck(running_orders(now=now).values(), now=now)
    counts = {"waiting": found.waiting, "failed": found.failed, "still": found.still, "cancel": found.not_canceled}
    front = admin.get(reverse("admin:index")).content.decode()
    for needs, orders in expected.items():
        assert counts[needs].count == len(orders), needs
        assert f"?needs={needs}" in front
        listed = admin.get(reverse("admin:orders_order_changelist"), {"needs": needs}).context["cl"].result_list
        assert {o.pk for o in listed} == {o.pk for o in orders}, needs
    assert "<b>1</b> <span>order failed at its provider" in " ".join(front.split())
    assert found.still.age is not None
    assert found.still.age >= LONG


def test_an_order_without_progress_is_not_slow_as_well(shop: Shop, admin: Client) -> None:
    now = database_now()
    ServiceFigures.objects.create(service=shop.service, starts_in=60, takes=600)
    slow, still = shop.running(state_since=now), shop.running(state_since=now - LONG)
    for needs, order in (("slow", slow), ("still", still)):
        listed = admin.get(reverse("admin:orders_order_changelist"), {"needs": needs}).context["cl"].result_list
        assert [o.pk for o in listed] == [order.pk], needs
    [at_provider] = running_orders(now=now).values()
    assert (at_provider.slow.count, at_provider.still.count, at_provider.late) == (1, 1, 2)


def test_one_line_of_the_front_page_is_one_kind_however_many_orders_it_has(shop: Shop, admin: Client) -> None:
    for _ in range(7):
        shop.queued(next_at=database_now() - timedelta(hours=2))
    front = " ".join(admin.get(reverse("admin:index")).content.decode().split())
    assert front.count("?needs=") == 1
    assert "<b>7</b> <span>orders waiting too long" in front


@pytest.mark.usefixtures("as_in_a_new_database")
def test_the_questions_read_open_orders_alone(shop: Shop) -> None:
    """Each is answered from a partial index, whose size is that of what is open."""
    now = database_now()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for condition, indexes in (
            (waiting(now), ("order_unplaced", "order_to_forward")),
            (FAILED, ("order_open", "order_ended_otherwise")),
            (without_progress(now), ("order_open",)),
            (slower_than_usual(now), ("order_open",)),
            (not_canceled(now), ("cancellation_one_open_per_order",)),
        ):
            plan = Order.objects.filter(condition).order_by().explain()
            # Which of two small indexes it is depends on Postgres' estimates.
            assert any(index in plan for index in indexes), plan
            assert "Seq Scan" not in plan, plan
