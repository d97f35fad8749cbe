"""Every page of the owner's side in a real browser: nothing on the console under the strict CSP, in light and dark."""

from collections.abc import Iterator
from typing import Literal

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from billing.models import Account, Transfer
from catalog.models import Service
from core.clock import database_now
from notices.alerts import open_alert
from notices.models import Alert
from orders.facts.days import day_of
from orders.models import Order
from tests.billing import cast
from tests.billing.cast import balance, money
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def said(page: Page) -> Iterator[list[str]]:
    """What the browser complained of."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("response", lambda r: problems.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    yield problems
    assert problems == []


@pytest.fixture
def signed_in(page: Page, owner: User, live_server: object, said: list[str]) -> str:
    cookie = sign_in_staff(owner).cookies[settings.SESSION_COOKIE_NAME]
    address = str(live_server)
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
    return address


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.looks)])
def test_no_page_of_the_owner_breaks_the_policy(
    page: Page, signed_in: str, alice: User, doubted: Order, partial: Order, theme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=theme)
    open_alert(cause="a", title="Something", path="/admin/", now=database_now())
    wallet, transfer, alert = Account.objects.get(customer=alice), Transfer.objects.all()[0], Alert.objects.get()
    addresses = [
        reverse("admin:index"),
        *[reverse(f"admin:{m}_changelist") for m in (
            "billing_wallet", "billing_transfer", "billing_hold", "orders_order", "orders_refill", "accounts_user",
            "notices_alert", "notices_heartbeat",
        )],
        reverse("admin:billing_wallet_change", args=[wallet.pk]),
        reverse("admin:billing_wallet_credit", args=[wallet.pk]),
        reverse("admin:billing_transfer_change", args=[transfer.pk]),
        reverse("admin:orders_order_change", args=[doubted.pk]),
        reverse("admin:orders_order_change", args=[partial.pk]),
        reverse("admin:accounts_user_add"),
        reverse("admin:accounts_user_change", args=[alice.pk]),
        reverse("admin:notices_alert_change", args=[alert.pk]),
    ]  # fmt: skip
    for address in addresses:
        page.goto(f"{signed_in}{address}")
        assert page.locator("h1").first.is_visible()


def test_the_owner_credits_a_wallet(page: Page, signed_in: str, alice: User) -> None:
    page.goto(f"{signed_in}{reverse('admin:billing_wallet_changelist')}")
    page.get_by_role("link", name="alice@example.com").click()
    page.get_by_role("link", name="Credit").click()
    page.get_by_label("Amount").fill("12.5")
    page.get_by_label("Reason").fill("Sorry")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Credit $12.50").click()
    page.get_by_text("Credited $12.50 to alice@example.com.").wait_for()
    assert balance(alice) == money("112.5")


def test_the_owner_closes_an_alert(page: Page, signed_in: str) -> None:
    open_alert(cause="a", title="Something", now=database_now())
    page.goto(f"{signed_in}{reverse('admin:notices_alert_changelist')}")
    page.locator("input.action-select").check()
    page.locator("select[name=action]").select_option("close")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("1 alert closed.").wait_for()
    assert Alert.objects.get().closed_by == "owner@example.com"


def test_a_report_marks_the_day_under_the_pointer_in_its_chart_and_in_its_table(
    page: Page, signed_in: str, alice: User, service: Service
) -> None:
    cast.settled(cast.order(alice, service, "10"))
    today = day_of(database_now())
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{signed_in}{reverse('admin:report')}?period=7")
    row, said = page.locator(f'tr[data-day="{today}"]'), page.locator("[data-plot-day]")
    # 1. From the table to the chart, and out of it.
    row.hover()
    page.locator("tr.is-hit").wait_for()
    assert "$10.00 − $5.00 = $5.00, 50.0%" in said.inner_text()
    page.locator("h1").hover()
    page.locator("tr.is-hit").wait_for(state="detached")
    assert said.inner_text() == ""
    # 2. From the chart to the table: the last day stands at its right end, in a page from right to left too.
    page.evaluate("document.documentElement.dir = 'rtl'")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 20)
    page.locator(f'tr.is-hit[data-day="{today}"]').wait_for()
    # 3. Another theme draws it anew.
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("document.querySelectorAll('.uplot').length === 1")
    assert not page.locator(".plot svg").is_visible()


def test_a_customer_is_found_by_the_keyboard_and_frozen(page: Page, signed_in: str, alice: User) -> None:
    # From a page of Django's, whose script is another than the cockpit's.
    page.goto(f"{signed_in}{reverse('admin:billing_wallet_changelist')}")
    page.keyboard.press("/")
    page.keyboard.type("alice@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="alice@example.com").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("ali")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="alice@example.com").click()
    page.get_by_role("link", name="Freeze…").click()
    page.get_by_label("Reason").fill("Two disputes")
    page.get_by_role("button", name="Freeze").click()
    page.get_by_text("alice@example.com is frozen.").wait_for()
    alice.refresh_from_db()
    assert not alice.is_active
