"""What the pages do in a real browser: search while typing, a charge that follows the form, rows that follow orders."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Service
from orders.models import Order
from tests.pages.cast import Orders
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


def test_typing_in_the_search_swaps_the_list_and_the_address(
    live_server: Any, services: list[Service], quiet_page: Page
) -> None:
    page = quiet_page
    page.goto(live_server.url)
    page.keyboard.press("/")
    page.keyboard.type("likes")
    expect(page.locator("#list .c-name")).to_have_count(1)
    expect(page.locator("#list mark").first).to_have_text("Likes")
    expect(page).to_have_url(f"{live_server.url}/?q=likes")
    page.locator("label.chip", has_text="Refill").click()
    expect(page.locator(".empty")).to_contain_text("No service matches “likes”")
    page.get_by_role("link", name="Clear the Refill filter").click()
    expect(page.locator("#list .c-name")).to_have_count(1)
    page.reload()
    expect(page.locator("#q")).to_have_value("likes")


def test_an_order_from_the_list_to_its_page(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    page.goto(live_server.url)
    page.get_by_role("link", name="Order Instagram Followers · 30-day refill").click()
    place = page.locator("#receipt button.btn-primary")
    expect(place).to_be_disabled()
    page.get_by_label("Link").fill("https://instagram.com/atelier.nord")
    page.get_by_label("Quantity").fill("80")
    expect(page.locator("#foot-quantity .error")).to_contain_text("At least 100.")
    expect(page.get_by_label("Quantity")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Use 100").click()
    expect(place).to_contain_text("$0.1859")
    expect(page.get_by_label("Quantity")).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="5,000").click()
    expect(place).to_contain_text("$9.295")
    place.click()
    expect(page.locator("h1")).to_have_text(re.compile(r"Order #\d+"))
    expect(page.locator(".note.is-completed")).to_contain_text("$9.295 is reserved.")
    assert Order.objects.get().quantity == 5000


def test_two_quick_clicks_place_one_order(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    page.goto(f"{live_server.url}/order/?service={services[0].pk}&link=https://instagram.com/x&quantity=100")
    place = page.locator("#receipt button.btn-primary")
    expect(place).to_be_enabled()
    place.dblclick()
    expect(page.locator("h1")).to_have_text(re.compile(r"Order #\d+"))
    assert Order.objects.count() == 1


def test_a_service_is_picked_by_typing(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    page.goto(f"{live_server.url}/order/")
    page.get_by_label("Service", exact=True).fill("telegr")
    found = page.locator("#svc-list a")
    expect(found).to_have_count(1)
    found.click()
    expect(page.locator("section[aria-label='Telegram Channel Members · 60-day refill']")).to_be_visible()


def test_an_order_page_follows_the_order_until_its_end(
    live_server: Any, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    order = orders.running(remains=900)
    sign_in(orders.who)
    page.goto(f"{live_server.url}/orders/{order.pk}/")
    expect(page.locator("#h-prog")).to_contain_text("100")
    orders.hears(order, ProviderOrderState.PARTIAL, 157)
    expect(page.locator("#h-prog")).to_contain_text("843", timeout=15_000)
    expect(page.locator(".state").first).to_have_text("Partial")
    expect(page.locator("[data-live]")).to_have_count(0)


def test_rows_follow_their_orders_and_so_do_tabs_and_balance(
    live_server: Any, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    order, still = orders.running(remains=900), orders.running(remains=1)
    sign_in(orders.who)
    page.goto(f"{live_server.url}/orders/")
    expect(page.locator("#rail-wallet")).to_contain_text("2 open orders")
    orders.hears(order, ProviderOrderState.PARTIAL, 157)
    expect(page.locator(f"#order-{order.pk} .state")).to_have_text("Partial", timeout=15_000)
    expect(page.locator("#rail-wallet")).to_contain_text("1 open order")
    expect(page.locator("#order-tabs a", has_text="Partial").locator(".count")).to_have_text("1")
    expect(page.locator("#live")).to_have_attribute("hx-get", f"/orders/rows?open={still.pk}")


def test_the_choice_of_a_theme_stays_and_is_the_admins_too(
    live_server: Any, services: list[Service], quiet_page: Page
) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url)
    page.get_by_role("button", name="Menu").click()
    button = page.locator("#menu [data-theme-button]")
    expect(button).to_have_text("Theme: as the system")
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("localStorage.theme") == "dark"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{live_server.url}/accounts/login/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_keyboard_reaches_content_first(live_server: Any, services: list[Service], quiet_page: Page) -> None:
    page = quiet_page
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_a_problem_with_the_sign_in_takes_the_focus(live_server: Any, alice: User, quiet_page: Page) -> None:
    page = quiet_page
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_label("E-mail").fill(alice.email)
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_focused()
