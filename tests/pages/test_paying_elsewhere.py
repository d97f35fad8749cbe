"""A customer leaves to pay at another site, in a real browser, and comes back to a wallet that has it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from billing.models import TopUp
from billing.topups import looking
from tests.billing.topups.cast import method, started
from tests.billing.topups.signed.programs import running
from tests.billing.topups.stripe.fake import running_fake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop(settings: Any, live_server: Any) -> None:
    settings.DEMO = settings.ALLOW_PRIVATE_PROVIDER_HOSTS = True
    settings.SHOP_URL = live_server.url
    settings.STRIPE_API_ADDRESS = running_fake().url


def test_a_customer_pays_at_a_program_of_the_owner(
    live_server: Any, alice: User, sign_in: Callable[[User], None], quiet_page: Page, tmp_path: Path
) -> None:
    page = quiet_page
    with running("gateway.py", tmp_path):
        sign_in(alice)
        page.goto(f"{live_server.url}/wallet/add/?amount=25")
        page.get_by_role("radio", name=re.compile("Wallet")).check()
        page.get_by_role("button", name=re.compile("Continue|Pay|Add")).first.click()
        page.get_by_role("link", name="Pay $25.00").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{TopUp.objects.get().number}: 25.00 USD")
        page.get_by_role("button", name="Pay 25.00 USD").click()
        expect(page).to_have_url(re.compile(r"/wallet/topups/\d+/\?back=1"))
        looking.look_due(seconds=10)
        expect(page.get_by_text("$25.00 is in your wallet.")).to_be_visible()


def test_a_customer_leaves_for_stripe_by_a_link(
    live_server: Any, alice: User, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    topup = started(alice, method("stripe", "Card"), "25")
    sign_in(alice)
    quiet_page.goto(f"{live_server.url}/wallet/topups/{topup.pk}/")
    link = quiet_page.get_by_role("link", name="Pay $25.00")
    expect(link).to_have_attribute("href", f"https://checkout.stripe.com/c/pay/{topup.remote_id}")
    expect(link).to_have_attribute("rel", "noreferrer")
