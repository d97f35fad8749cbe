"""A customer pays with a coin: the page shows what to send, and then the credit."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from billing.models import PaymentMethod, TopUp
from billing.topups import looking
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)
DRIVER = DRIVERS["nowpayments"]


@pytest.fixture(autouse=True)
def coins(transactional_db: None) -> None:
    method("nowpayments", "Coins", fee_percent=1)


def test_from_the_amount_to_the_credit(
    live_server: Any, alice: User, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    # 1. Amount and coin.
    page.goto(f"{live_server.url}/wallet/add/")
    page.get_by_label("Amount").fill("25")
    expect(page.get_by_text("you pay $25.25", exact=True)).to_be_visible()
    page.get_by_label("Coin", exact=True).select_option("Bitcoin")
    expect(page.get_by_label("Coin", exact=True)).to_have_value("btc")
    page.get_by_role("button", name="Continue to pay $25.25").click()
    # 2. What to send where.
    topup = TopUp.objects.get()
    given = dict(topup.instructions)
    main = page.locator("main")
    expect(page.locator("h1")).to_have_text(f"Pay {given['amount']} Bitcoin")
    for text in ("Waiting for payment", given["address"], given["amount"], "20 min", "Bitcoin only."):
        expect(main).to_contain_text(text)
    expect(page.get_by_role("img", name="QR code for your wallet app").locator("path")).to_have_count(1)
    link = page.get_by_role("link", name="Open in a wallet app").get_attribute("href")
    assert link == f"bitcoin:{given['address']}?amount={given['amount']}"
    # 3. It is seen, then credited; the page follows without a reload.
    sent = DRIVER.fake.payments[topup.remote_id]["pay_amount"]
    DRIVER.fake.change(topup.remote_id, payment_status="confirming", actually_paid=sent)
    assert DRIVER.calls(topup)
    looking.look_due(seconds=5)
    expect(main).to_contain_text("Your payment was seen and waits for confirmations.")
    DRIVER.pays(topup, "0")
    assert DRIVER.calls(topup)
    looking.look_due(seconds=5)
    expect(main).to_contain_text("$25.00 is in your wallet.")
    expect(page.locator(".state")).to_contain_text("Credited")
    expect(page.get_by_text("Bitcoin only.")).to_have_count(0)


def test_without_a_script_a_reload_shows_it(live_server: Any, alice: User, browser: Browser) -> None:
    visitor = Client()
    sign_in_customer(alice, visitor)
    cookie = visitor.cookies[django_settings.SESSION_COOKIE_NAME]
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/wallet/add/")
    page.get_by_label("Amount").fill("25")
    page.get_by_label("Coin", exact=True).select_option("XRP")
    page.get_by_role("button", name="Show what arrives").click()
    expect(page.get_by_label("Coin", exact=True)).to_have_value("xrp")
    page.get_by_role("button", name="Continue").click()
    topup = TopUp.objects.get()
    expect(page.locator("main")).to_contain_text(f"With the memo {dict(topup.instructions)['memo']}.")
    DRIVER.pays(topup)
    page.get_by_role("link", name="Check again").click()
    looked(topup)
    page.reload()
    expect(page.locator("main")).to_contain_text("$25.00 is in your wallet.")
    context.close()


def test_another_customer_sees_nothing_of_it(alice: User, client: Any) -> None:
    topup = started(alice, PaymentMethod.objects.get(), "25")
    sign_in_customer(User.objects.create_user("bob@example.com"), client)
    assert client.get(f"/wallet/topups/{topup.pk}/").status_code == 404
