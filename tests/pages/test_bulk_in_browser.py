"""Staff cancel many orders at once in a real browser: chosen in the list, confirmed by their number, run, stopped."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.models import User
from orders.jobs import running
from orders.models import Job, Order
from orders.states import Forward
from tests.pages.cast import PASSWORD, Orders
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


def test_25_orders_are_chosen_canceled_and_stopped_on_the_way(
    live_server: Any, orders: Orders, quiet_page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = quiet_page
    for n in range(25):
        orders.queued(link=f"https://instagram.com/a.{n}")
    cookie = sign_in_staff(User.objects.create_superuser("owner@example.com", PASSWORD)).cookies["sessionid"]
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}])
    page.goto(f"{live_server.url}/admin/orders/order/")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").first.select_option("staff_cancel")
    page.locator("button[name=index]").first.click()

    expect(page.locator("h1")).to_have_text("Cancel 25 orders")
    page.get_by_label("Reason").fill("The provider is gone")
    page.get_by_role("button", name="Cancel 25 orders").click()
    expect(page.locator(".error")).to_be_visible()
    page.get_by_label("Number of orders").fill("25")
    page.get_by_role("button", name="Cancel 25 orders").click()

    expect(page.locator("#h-progress")).to_have_text("0 of 25 done")
    monkeypatch.setattr(running, "_TURN", 10)
    running._take_turn(Job.objects.get(), float("inf"))
    expect(page.locator("#h-progress")).to_have_text("10 of 25 done", timeout=15_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#job .note")).to_contain_text("15 orders were not asked about")
    assert running.run_due() == 0
    assert Order.objects.filter(forward_state=Forward.REFUNDED).count() == 10
