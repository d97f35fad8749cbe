"""A visitor's way to an order in a real browser: the form first, then the account, then the money, then the order."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect

from accounts.models import User
from billing import ledger
from catalog.models import Service
from core.models import ShopSettings
from orders.models import Order, OrderDraft
from tests.mails import sent_mails
from tests.pages.conftest import axe_problems, overflow

pytestmark = pytest.mark.django_db(transaction=True)


def looks_good(page: Page) -> None:
    assert axe_problems(page) == []
    assert overflow(page) == 0


def test_from_a_service_page_to_an_order(
    live_server: Any, services: list[Service], settings: Any, quiet_page: Page
) -> None:
    settings.SHOP_URL = live_server.url
    assert ShopSettings.objects.get().opened_at is not None
    cache.clear()
    page = quiet_page
    page.set_viewport_size({"width": 390, "height": 844})

    # 1. The form needs no account: fields, their mistakes and the charge.
    page.goto(f"{live_server.url}/services/{services[0].pk}/")
    page.locator(".paybar").get_by_role("link", name="Order").click()
    expect(page.locator("h1")).to_have_text("New order")
    page.get_by_label("Link").fill("https://instagram.com/atelier.nord")
    page.get_by_label("Quantity").fill("80")
    expect(page.locator("#foot-quantity .error")).to_contain_text("At least 100.")
    page.get_by_label("Quantity").fill("1000")
    expect(page.locator("#receipt")).to_contain_text("1,000 in one delivery.")
    expect(page.locator("#paybar")).to_contain_text("$1.859")
    looks_good(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    looks_good(page)

    # 2. The account: e-mail, password, code.
    page.get_by_role("button", name="Create an account to order").click()
    expect(page.locator("h1")).to_have_text("Create an account")
    expect(page.locator(".note.is-progress")).to_contain_text("your order is kept, and nothing has been placed")
    page.get_by_label("E-mail").fill("maya@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery staple")
    page.get_by_role("button", name="Create account").click()
    page.locator("input[name=code]").wait_for()
    code = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", sent_mails()[-1].body, re.MULTILINE)
    assert code
    page.locator("input[name=code]").fill(code[1])
    page.get_by_role("button", name="Confirm").click()

    # 3. Back on the form, filled and priced again. Nothing was placed, and there is no money yet.
    expect(page.locator("h1")).to_have_text("New order")
    expect(page.get_by_label("Link")).to_have_value("https://instagram.com/atelier.nord")
    expect(page.get_by_label("Quantity")).to_have_value("1000")
    expect(page.locator("#receipt")).to_contain_text("You need $1.859 more for this order.")
    assert not Order.objects.exists()
    page.get_by_role("button", name="Add funds").click()
    expect(page.locator("h1")).to_have_text("Add funds")

    # 4. The owner credits it by hand; the order is placed by a press.
    maya = User.objects.get(email="maya@example.com")
    assert OrderDraft.objects.get().customer == maya
    ledger.credit(customer=maya, amount=Decimal(10), reason="Bank transfer", reference="maya:1", actor="owner")
    page.get_by_role("link", name="Back to your order").click()
    place = page.locator("#receipt button.btn-primary")
    expect(place).to_be_enabled()
    place.click()
    expect(page.locator("h1")).to_have_text(re.compile(r"Order #\d+"))
    order = Order.objects.get()
    assert (order.customer, order.quantity) == (maya, 1000)
    assert not OrderDraft.objects.exists()
