"""From nothing to the admin in a real browser: with an app, with a passkey, after a loss, and against a thief."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from accounts.models import ApiKey, User
from billing.models import Account
from core.models import ShopSettings
from tests.billing.cast import balance, money
from tests.billing.cast import customer as with_money
from tests.pages.cast import PASSWORD
from tests.pages.conftest import axe_problems, overflow, quiet_page, sign_in
from tests.sign_in import code_for, code_of

__all__ = ["quiet_page", "sign_in"]
pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds that a code still has to last when a browser types it in.
TYPED_IN = 5


@pytest.fixture(autouse=True)
def _shop(settings: Any, live_server: Any, quiet_page: Page) -> None:
    settings.SHOP_URL = live_server.url
    settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
    cache.clear()
    quiet_page.set_viewport_size({"width": 390, "height": 844})
    quiet_page.set_default_timeout(10_000)


@pytest.fixture
def clerk(db: None) -> User:
    """Staff beside the first owner, of a shop that is open."""
    User.objects.create_superuser("owner@example.com", PASSWORD)
    return User.objects.create_superuser("clerk@example.com", PASSWORD)


def types_password(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def confirms_by_password(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Confirm that it is you")
    page.get_by_role("main").get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def looks_good(page: Page, heading: str) -> None:
    """The page is there, fits the phone and can be read."""
    expect(page.locator("h1")).to_have_text(heading)
    assert axe_problems(page) == []
    assert overflow(page) == 0


def is_in_the_admin(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Today")


def sets_up_an_app(page: Page) -> None:
    """From the page that asks for the secret to the recovery codes."""
    expect(page.locator("h1")).to_have_text("Set up a second step")
    secret = page.locator("code.inline-code").inner_text()
    page.get_by_label("Code from the app").fill(code_for(secret, lasts=TYPED_IN))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator("h1")).to_have_text("Recovery codes")


def signs_out(page: Page) -> None:
    page.goto(re.sub(r"(?<=\d)/.*", "/account/", page.url))
    page.get_by_role("button", name="Sign out").click()


def has_a_passkey_device(page: Page) -> None:
    """Gives the browser a device that confirms every request."""
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.fixture
def never_opened(db: None) -> Iterator[None]:
    opened_at = ShopSettings.objects.get().opened_at
    ShopSettings.objects.update(opened_at=None)
    yield
    ShopSettings.objects.update(opened_at=opened_at)


def test_the_first_owner_sets_up_an_app_before_the_shop_opens(
    live_server: Any, never_opened: None, quiet_page: Page
) -> None:
    owner, page = User.objects.create_superuser("owner@example.com", PASSWORD), quiet_page
    page.goto(f"{live_server.url}/admin/")
    types_password(page, owner.email)
    is_in_the_admin(page)
    page.get_by_role("link", name="Set one up").click()
    page.get_by_role("link", name="Set it up").click()
    confirms_by_password(page)
    sets_up_an_app(page)
    page.get_by_role("link", name="To the admin").click()
    is_in_the_admin(page)
    expect(page.get_by_text("You are in without a second step")).to_have_count(0)
    signs_out(page)
    page.goto(f"{live_server.url}/admin/")
    types_password(page, owner.email)
    expect(page.locator("h1")).to_have_text("Second step")
    page.get_by_label("Code").fill(code_of(owner, lasts=TYPED_IN))
    page.get_by_role("button", name="Sign in").click()
    is_in_the_admin(page)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.looks)])
def test_a_member_of_staff_is_led_to_a_passkey_and_signs_in_with_it_alone(
    live_server: Any, clerk: User, quiet_page: Page, theme: Any
) -> None:
    page = quiet_page
    page.emulate_media(color_scheme=theme)
    has_a_passkey_device(page)
    page.goto(f"{live_server.url}/admin/")
    types_password(page, clerk.email)
    looks_good(page, "Second step for staff")
    page.get_by_role("link", name="Add a passkey").click()
    looks_good(page, "Confirm that it is you")
    confirms_by_password(page)
    looks_good(page, "Add a passkey")
    page.get_by_label("Name").fill("A phone with a rather long name, as people give them")
    page.get_by_role("button", name="Add passkey").click()
    looks_good(page, "Recovery codes")
    for path, heading in (("2fa/", "Second step"), ("2fa/webauthn/", "Passkeys"), ("sessions/", "Sessions")):
        page.goto(f"{live_server.url}/accounts/{path}")
        looks_good(page, heading)
    page.goto(f"{live_server.url}/admin/")
    is_in_the_admin(page)
    signs_out(page)
    page.goto(f"{live_server.url}/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    is_in_the_admin(page)
    # Money asks again, for the passkey.
    wallet = Account.objects.get(customer=with_money())
    page.goto(f"{live_server.url}/admin/billing/wallet/{wallet.pk}/credit/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_label("Amount")).to_be_visible()
    # After the password it is the second step.
    signs_out(page)
    page.goto(f"{live_server.url}/accounts/login/")
    types_password(page, clerk.email)
    expect(page.locator("h1")).to_have_text("Second step")
    page.get_by_role("button", name="Use a passkey").click()
    is_in_the_admin(page)


def test_staff_set_up_an_app_and_after_a_loss_use_a_recovery_code(
    live_server: Any, clerk: User, quiet_page: Page
) -> None:
    page = quiet_page
    page.goto(f"{live_server.url}/admin/")
    types_password(page, clerk.email)
    page.get_by_role("link", name="Set up an app").click()
    confirms_by_password(page)
    sets_up_an_app(page)
    recovery_code = page.locator("#recovery_codes").inner_text().split()[0]
    signs_out(page)
    page.goto(f"{live_server.url}/admin/")
    types_password(page, clerk.email)
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Sign in").click()
    is_in_the_admin(page)
    # Everything is lost: the owner of the server lets them in.
    call_command("reset_second_factor", clerk.email, "--reason", "lost")
    page.goto(f"{live_server.url}/admin/")
    types_password(page, clerk.email)
    expect(page.locator("h1")).to_have_text("Second step for staff")
    assert not Authenticator.objects.exists()


def test_a_stolen_session_changes_nothing_and_is_seen_and_ended(
    live_server: Any, clerk: User, sign_in: Callable[[User], None], quiet_page: Page, browser: Browser
) -> None:
    page, alice = quiet_page, with_money()
    wallet = Account.objects.get(customer=alice)
    sign_in(clerk)  # the thief's browser: signed in with a factor some time ago
    for path in ("/accounts/email/", "/account/api-keys/", f"/admin/billing/wallet/{wallet.pk}/credit/"):
        page.goto(live_server.url + path)
        if path == "/accounts/email/":
            page.get_by_label("New address").fill("thief@example.com")
            page.get_by_role("button", name="Change address").click()
        elif path == "/account/api-keys/":
            page.get_by_label("Name").fill("bot")
            page.get_by_role("button", name="Create key").click()
        expect(page.locator("h1")).to_have_text("Confirm that it is you")
    assert not ApiKey.objects.exists()
    assert balance(alice) == money("100")
    context = browser.new_context(user_agent="The owner's own browser")
    owner = context.new_page()
    owner.goto(f"{live_server.url}/accounts/login/")
    types_password(owner, clerk.email)
    owner.get_by_label("Code").fill(code_of(clerk, lasts=TYPED_IN))
    owner.get_by_role("button", name="Sign in").click()
    is_in_the_admin(owner)
    owner.goto(f"{live_server.url}/accounts/sessions/")
    expect(owner.get_by_text("The owner's own browser")).to_be_visible()
    owner.get_by_role("button", name="End all other sessions").click()
    page.goto(f"{live_server.url}/account/")
    expect(page.locator("h1")).to_have_text("Sign in")
    context.close()
