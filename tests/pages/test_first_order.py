"""A newcomer's way in a real browser: home, a service, the form, the account, the money, the order, and its end."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.utils.translation import gettext, override
from playwright.sync_api import Page, expect

from accounts.models import User
from billing import ledger
from catalog.models import Service
from core.models import ShopSettings
from orders.models import Order, OrderDraft
from tests.mails import sent_mails
from tests.pages.cast import Orders
from tests.pages.conftest import axe_problems, overflow
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture
def looks_good(quiet_page: Page) -> Callable[[], None]:
    def look() -> None:
        assert axe_problems(quiet_page) == []
        assert overflow(quiet_page) == 0

    return look


@pytest.mark.parametrize(("language", "size"), [("en", PHONE), ("ar", DESKTOP)])
def test_from_the_first_page_to_the_end_of_an_order(
    live_server: Any,
    services: list[Service],
    settings: Any,
    quiet_page: Page,
    looks_good: Callable[[], None],
    language: str,
    size: Any,
) -> None:
    settings.SHOP_URL = live_server.url
    ShopSettings.objects.update(languages=["ar"])
    cache.clear()
    page = quiet_page
    page.set_viewport_size(size)
    prefix = "" if language == "en" else f"/{language}"

    def in_words(text: str) -> str:
        with override(language):
            return gettext(text)

    def button(text: str) -> Any:
        return page.get_by_role("button", name=in_words(text), exact=True)

    heading = page.locator("h1")

    # 1. From the list to the page of a service and to the form, which needs no account.
    page.goto(f"{live_server.url}{prefix}/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    looks_good()
    page.get_by_role("link", name=services[0].name, exact=True).first.click()
    expect(heading).to_contain_text(services[0].name)
    looks_good()
    page.locator(".btn-primary", has_text=in_words("Order")).locator("visible=true").first.click()
    expect(heading).to_have_text(in_words("New order"))
    page.get_by_label(in_words("Link"), exact=True).fill("https://instagram.com/atelier.nord")
    quantity = page.get_by_label(in_words("Quantity"), exact=True)
    quantity.fill("80")
    expect(page.locator("#foot-quantity .error")).to_contain_text("100")
    quantity.fill("1000")
    expect(page.locator("#receipt .btn-primary, #paybar .btn-primary").locator("visible=true").first).to_be_enabled()
    looks_good()

    # 2. The account: e-mail, password, code.
    page.locator("[name=keep][value=sign-up]").locator("visible=true").first.click()
    expect(heading).to_have_text(in_words("Create an account"))
    page.get_by_label(in_words("E-mail")).fill("maya@example.com")
    page.get_by_label(in_words("Password"), exact=True).fill("correct horse battery staple")
    looks_good()
    button("Create account").click()
    page.locator("input[name=code]").wait_for()
    code = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", sent_mails()[-1].body, re.MULTILINE)
    assert code
    page.locator("input[name=code]").fill(code[1])
    button("Confirm").click()

    # 3. Back on the form, filled in and priced again. Nothing was placed, and there is no money yet.
    expect(heading).to_have_text(in_words("New order"))
    expect(page.get_by_label(in_words("Link"), exact=True)).to_have_value("https://instagram.com/atelier.nord")
    expect(quantity).to_have_value("1000")
    assert not Order.objects.exists()
    button("Add funds").locator("visible=true").first.click()
    expect(heading).to_have_text(in_words("Add funds"))
    looks_good()

    # 4. The owner credits it by hand; the order is placed by a press.
    maya = User.objects.get(email="maya@example.com")
    assert maya.language == language
    assert OrderDraft.objects.get().customer == maya
    ledger.credit(customer=maya, amount=Decimal(10), reason="Bank transfer", reference="maya:1", actor="owner")
    page.get_by_role("link", name=in_words("Back to your order")).click()
    expect(page.locator("#receipt")).to_contain_text("$1.859")
    place = page.locator("[data-busy-button=order-form]").locator("visible=true").first
    expect(place).to_be_enabled()
    place.click()
    page.wait_for_url(re.compile(rf"{re.escape(prefix)}/orders/\d+/"))
    order = Order.objects.get()
    assert (order.customer, order.quantity) == (maya, 1000)
    assert not OrderDraft.objects.exists()
    looks_good()

    # 5. Its end arrives by itself.
    shop = Orders(maya, services[0])
    shop.hears(shop.forwarded(order), ProviderOrderState.COMPLETED, 0)
    expect(page.locator(".state").first).to_have_text(in_words("Completed"), timeout=15_000)
    looks_good()
