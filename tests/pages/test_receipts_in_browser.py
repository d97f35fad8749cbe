"""In a real Chromium: an order that misses money is paid for by its least top-up, and the receipt is printed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User
from billing.models import BonusRule, Document, MoneySettings, TopUp
from catalog.models import Service
from tests.billing.topups.cast import looked, method
from tests.pages.cast import customer

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_an_order_that_misses_money_to_the_printed_receipt(
    live_server: Any,
    services: list[Service],
    sign_in: Callable[[User], None],
    quiet_page: Page,
    settings: Any,
    tmp_path: Path,
) -> None:
    settings.DEMO = True
    settings.SHOP_URL = live_server.url
    MoneySettings.objects.create(company="Quay Ltd", address="12 Quay Street", tax_number="IE 1", tax_percent=23)
    BonusRule.objects.create(percent=10, is_first=True)
    method(name="Demo payment", least=5)
    alice, page = customer("alice@example.com", "0"), quiet_page
    sign_in(alice)
    # 1. The form of the order sends her to add funds, with the least amount filled in.
    page.goto(f"{live_server.url}/order/?service={services[0].pk}&link=https://instagram.com/x&quantity=200")
    page.click("text=Add funds >> visible=true") if page.locator("#add-funds").count() == 0 else page.click(
        "#add-funds"
    )
    page.wait_for_url("**/wallet/add/**")
    assert "The smallest top-up is $5.00." in page.locator("main").inner_text()
    assert page.locator("#amount").input_value() == "5"
    page.locator("#offers button.btn-primary").click()
    # 2. She pays at the demo, which is left for by a link.
    page.locator("a.btn-primary.btn-lg").click()
    page.locator("button[value=pay]").click()
    topup = looked(TopUp.objects.get())
    page.goto(f"{live_server.url}/wallet/topups/{topup.pk}/?service={services[0].pk}")
    receipt = Document.objects.get()
    # 3. The receipt, on the screen and on paper.
    page.click(f"text={receipt.number}")
    sheet = page.locator("article.sheet")
    shown = sheet.inner_text()
    for words in ("Quay Ltd", "IE 1", "VAT 23% on $4.07", "$0.93", "+$0.50", "$5.50", receipt.number):
        assert words in shown
    page.screenshot(path=tmp_path / "receipt.png", full_page=True)
    page.emulate_media(media="print")
    assert not page.locator(".sheet-top").is_visible()
    assert not page.locator("aside.rail").is_visible()
    assert sheet.is_visible()
    page.screenshot(path=tmp_path / "paper.png")
    page.emulate_media(media="screen")
    # 4. Back to the order, still filled in.
    page.goto(f"{live_server.url}/wallet/topups/{topup.pk}/?service={services[0].pk}")
    page.click("text=Back to your order")
    assert page.locator("[name=quantity]").input_value() == "200"
