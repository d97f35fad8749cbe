"""The owner's side: stock admin in the shop's colours, under the same policy, readable in light and dark."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.pages.cast import PASSWORD, Orders
from tests.pages.conftest import LAW, axe_problems

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.looks)])
def test_the_admin_is_readable_and_breaks_no_rule_of_the_policy(
    live_server: Any,
    orders: Orders,
    sign_in: Callable[[User], None],
    quiet_page: Page,
    theme: Literal["light", "dark"],
) -> None:
    order = orders.partial(remains=157)
    orders.in_doubt()
    sign_in(User.objects.create_superuser("owner@example.com", PASSWORD))
    page, faults = quiet_page, []
    page.emulate_media(color_scheme=theme)
    for path in (
        "/admin/",
        "/admin/orders/order/",
        f"/admin/orders/order/{order.pk}/change/",
        "/admin/catalog/provider/",
        f"/admin/catalog/service/{order.service_id}/languages/",
    ):
        page.goto(live_server.url + path)
        faults += [f"{path} {theme}: {problem}" for problem in axe_problems(page, LAW)]
    assert faults == []


def test_states_and_money_look_as_in_the_shop(
    live_server: Any, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    orders.partial(remains=157)
    sign_in(User.objects.create_superuser("owner@example.com", PASSWORD))
    quiet_page.goto(f"{live_server.url}/admin/orders/order/")
    expect(quiet_page.locator("#result_list .state.is-partial")).to_have_text("Partial")
    expect(quiet_page.locator("#result_list .money").first).to_contain_text("$")
    assert quiet_page.evaluate("getComputedStyle(document.body).fontFamily").startswith('"IBM Plex Sans"')


def test_staff_sign_in_through_the_shops_own_page(live_server: Any, db: None, quiet_page: Page) -> None:
    User.objects.create_superuser("owner@example.com", PASSWORD)
    page = quiet_page
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.get_by_label("E-mail").fill("owner@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Second step for staff")
