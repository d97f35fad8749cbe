"""My orders in a real browser: narrowed, asked about from a menu and many at once, on a desk and on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Provider, ProviderService, Service
from core.clock import database_now
from orders.checkout.placement import place_order
from orders.jobs import running
from orders.models import Cancellation, ChildOrder, Job, Order, Refill
from orders.states import Progress
from tests.orders.jobs.dying import lapse, run_and_die
from tests.pages.cast import Orders
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_orders_are_narrowed_and_asked_about(
    live_server: Any, orders: Orders, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page,
    size: tuple[int, int],
) -> None:  # fmt: skip
    page, done = quiet_page, [orders.completed() for _n in range(3)]
    video = next(service for service in services if service.platform == "youtube")
    Orders(orders.who, video).queued(link="https://youtube.com/watch?v=dQw4w9WgXcQ")
    sign_in(orders.who)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{live_server.url}/orders/")
    # 1. A choice narrows the list at once.
    page.get_by_label("Platform").select_option("instagram")
    expect(page).to_have_url(f"{live_server.url}/orders/?q=&platform=instagram&service=&period=")
    expect(page.locator("tr[id^=order-]")).to_have_count(3)
    # 2. A menu closes with Escape, and asks for a refill; the list stays as it is narrowed.
    menu = page.get_by_label(f"Actions for order {done[2].pk}")
    menu.click()
    expect(page.get_by_role("button", name="Refill We ask the supplier")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-menu][open]")).to_have_count(0)
    menu.click()
    page.get_by_role("button", name="Refill We ask the supplier").click()
    expect(page.get_by_text("We asked the supplier for a refill.")).to_be_visible()
    expect(page).to_have_url(f"{live_server.url}/orders/?platform=instagram")
    # 3. The others are asked about at once, after a page that says what cannot be.
    expect(page.locator(".bulk")).to_be_hidden()
    page.locator("[data-select-all]:visible").check()
    expect(page.locator("[data-selected-count]")).to_have_text("3")
    page.locator(".bulk").get_by_role("button", name="Refill").click()
    expect(page.get_by_text("A refill of this order is under way.")).to_be_visible()
    page.get_by_role("button", name="Ask for 2 refills").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Refill of 2 orders")
    running.run_due()
    assert Refill.objects.count() == 3


def test_a_refill_of_a_hundred_is_followed_while_its_worker_is_killed_twice(
    live_server: Any, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    for n in range(100):
        orders.completed(link=f"https://instagram.com/name.{n}", quantity=100)
    sign_in(orders.who)
    page.goto(f"{live_server.url}/orders/")
    page.locator("[data-select-all]:visible").check()
    page.get_by_label("All of this filter: 100").check()
    page.locator(".bulk").get_by_role("button", name="Refill").click()
    page.get_by_role("button", name="Ask for 100 refills").click()
    expect(page.locator("#h-progress")).to_have_text("0 of 100 done")
    job = Job.objects.get()
    for after, done in ((30, 30), (45, 75)):
        run_and_die("refill", after)
        expect(page.locator("#h-progress")).to_have_text(f"{done} of 100 done", timeout=15_000)
        expect(page.locator("#h-progress ~ * progress")).to_have_attribute("value", f"{done}")
        lapse(job)
    # Left in between, it is found again from My orders.
    page.goto(f"{live_server.url}/orders/")
    expect(page.locator(".note", has_text="Refill of 100 orders: 75 of 100 done")).to_be_visible()
    page.get_by_role("link", name="Refill of 100 orders").click()
    assert running.run_due() == 25
    expect(page.locator("#h-progress")).to_have_text("100 of 100 done", timeout=15_000)
    assert Refill.objects.count() == Refill.objects.values("order").distinct().count() == 100


def test_a_subscription_is_stopped_half_way(
    live_server: Any, orders: Orders, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page, now = quiet_page, database_now()
    ProviderService.objects.update(cancel=True)
    ProviderService.objects.filter(type="Subscriptions").update(type="subscriptions")
    Provider.objects.update(can_cancel=True)
    service = next(service for service in services if service.name == "Posts for subscribers")
    fields = {"username": "bob", "posts": "4", "min": "100", "max": "100", "delay": "0"}
    order = place_order(customer=orders.who, service_id=service.pk, fields=fields, now=now).order
    order = Orders(orders.who, service).forwarded(order)
    for n in range(2):
        ChildOrder.objects.create(
            parent=order, provider=order.provider, upstream_id=f"9{n}", quantity=100, progress=Progress.COMPLETED,
            remains=0, finished_at=now,
        )  # fmt: skip
    sign_in(orders.who)
    page.goto(f"{live_server.url}/orders/subscriptions/")
    expect(page.get_by_text("2 of 4 posts served")).to_be_visible()
    page.get_by_role("link", name=f"#{order.pk}").click()
    stop = page.get_by_role("region", name="Stop the rest")
    stop.locator("summary").click()
    stop.get_by_role("button", name="Yes, stop it").click()
    expect(stop).to_contain_text("The supplier has been asked to stop")
    assert Cancellation.objects.get().order_id == order.pk
    orders.hears(order, ProviderOrderState.CANCELED, None)
    expect(stop).to_be_hidden(timeout=10_000)
    half = order.charge / 2
    assert Order.objects.get(pk=order.pk).refunded == half
    expect(page.get_by_text("The supplier was asked to stop, and stopped at 200.")).to_be_visible()
