"""How the pages look that are about many orders at once: mass orders and jobs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.utils.http import urlencode
from playwright.sync_api import BrowserContext, Page

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from core.staff_actions import Actor
from orders.jobs import running
from orders.jobs.by_staff import CANCEL as BULK_CANCEL
from orders.jobs.by_staff import NOTE, OF_STAFF, start_by_staff
from orders.jobs.of_orders import CANCEL, REFILL, start_for_orders
from orders.jobs.starting import stop_job
from orders.mass.drafts import keep
from tests.pages.cast import PASSWORD, Orders, mass_order_of
from tests.pages.test_looks import LOOKS, Look, all_languages, browser_context_args, faults_of, look
from tests.sign_in import sign_in_staff

__all__ = ["all_languages", "browser_context_args", "look"]
pytestmark = pytest.mark.django_db(transaction=True)


def many_orders(services: list[Service], rate: int = 1) -> str:
    """Lines of a mass order, good and bad ones of each kind."""
    followers, likes, comments = services[0].pk, services[3].pk, services[4].pk
    return "\n".join(
        [
            f"{followers} | https://instagram.com/atelier.nord | {1000 * rate}",
            f"{followers} | https://instagram.com/verde.kitchen | 80",
            f"{followers} | https://instagram.com/kiln.studio | 5000000",
            f"{likes} | https://tiktok.com/@harborcoffee | 500",
            f"{likes} | https://instagram.com/p/{'C1a2B3c4D5e' * 9} | many",
            "999999 | https://t.me/morningledger | 300",
            f"{comments} | https://instagram.com/p/C1a2B3c4D5e\n{'long' * 40}\ntwo\n",
            f"no order{'x' * 200}\n",
            f"{followers} | https://instagram.com/atelier.nord | {1000 * rate}",
        ]
    )


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_many_orders(
    live_server: Any,
    orders: Orders,
    services: list[Service],
    sign_in: Callable[[User], None],
    quiet_page: Page,
    look: Look,
) -> None:
    made, now = [*orders.one_of_each(), orders.completed()], database_now()
    numbers = [order.pk for order in made]
    jobs = [
        start_for_orders(customer=orders.who, kind=kind, numbers=numbers, nonce=kind.name, now=now)
        for kind in (REFILL, CANCEL)
    ]
    running.run_due()
    stopped = start_for_orders(customer=orders.who, kind=REFILL, numbers=numbers, nonce="stopped", now=now)
    stop_job(stopped, now=now)
    jobs += [stopped, start_for_orders(customer=orders.who, kind=REFILL, numbers=numbers, nonce="new", now=now)]
    mass = mass_order_of(orders.who, services[0])
    sign_in(orders.who)
    paths = [f"/jobs/{job.pk}/" for job in jobs]
    paths += [f"/orders/mass/{mass.pk}/", "/orders/mass/", "/jobs/", "/orders/"]
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    keep(orders.who, many_orders(services), now=now, risen={services[0].pk: Decimal("0.5")})
    faults += faults_of(quiet_page, f"{live_server.url}/orders/mass/", look)
    keep(orders.who, many_orders(services, 50), now=now)  # more than the balance
    faults += faults_of(quiet_page, f"{live_server.url}/orders/mass/", look)
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_staff_about_many_orders(
    live_server: Any, orders: Orders, context: BrowserContext, quiet_page: Page, look: Look
) -> None:
    made = [*orders.one_of_each(), orders.completed(), *(orders.queued() for _n in range(20))]
    owner = User.objects.create_superuser("owner@example.com", PASSWORD)
    given: dict[str, Any] = {
        "person": owner, "actor": Actor(f"staff:{owner.pk}", str(owner)), "percent": None,
        "seen": {order.pk: "" for order in made}, "reason": "long" * 70,
    }  # fmt: skip
    jobs = [
        start_by_staff(**given, kind=kind, nonce=name, now=database_now())
        for name, kind in OF_STAFF.items()
        if kind in (BULK_CANCEL, NOTE)
    ]
    stop_job(jobs[1], now=database_now())
    running.run_due()
    jobs.append(start_by_staff(**given, kind=NOTE, nonce="new", now=database_now()))
    cookie = sign_in_staff(owner).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    chosen = urlencode([("order", order.pk) for order in made])
    paths = [f"/admin/orders/order/bulk/?do={name}&{chosen}" for name in OF_STAFF]
    paths += [f"/admin/orders/job/{job.pk}/change/" for job in jobs]
    assert [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)] == []
