"""Wrong passwords: strangers run into limits, and no number of their guesses keeps the owner out."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import signing
from django.core.cache import cache
from django.test import Client

from accounts import password_limits
from accounts.models import User
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
WRONG = "wrong horse"
TOO_MANY = "Too many attempts."


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return customer()


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The higher limits in small, with the same order among them."""
    few = {"account": "6/1h/key", "account_from_wide_network": "4/1h/key", "wide_network": "6/1m/key"}
    monkeypatch.setattr(password_limits, "RATES", {**password_limits.RATES, **few})


def guess(address: str, email: str = "alice@example.com", password: str = WRONG, **extra: Any) -> str:
    """Try a password on a new device; return the page, or "in"."""
    return on(Client(), address, email, password, **extra)


def on(device: Client, address: str, email: str = "alice@example.com", password: str = PASSWORD, **extra: Any) -> str:
    given = {"login": email, "password": password}
    answer = device.post(LOGIN, given, REMOTE_ADDR=address, **extra)
    return "in" if answer.status_code == 302 else answer.content.decode()


def signed_out(device: Client) -> Client:
    device.post("/accounts/logout/")
    return device


def known_device(address: str = "192.0.2.1") -> Client:
    device = Client()
    assert on(device, address) == "in"
    return signed_out(device)


def test_a_stranger_has_five_attempts_and_the_owner_elsewhere_none_less(alice: User) -> None:
    for _n in range(5):
        assert TOO_MANY not in guess("198.51.100.7")
    for address in ("198.51.100.7", "198.51.100.200"):  # one network
        assert TOO_MANY in guess(address, password=PASSWORD)
    assert guess("192.0.2.1", password=PASSWORD) == "in"


def test_a_known_device_gets_in_while_strangers_of_its_own_network_are_refused(alice: User) -> None:
    device = known_device()
    for _n in range(5):
        guess("192.0.2.1")
    assert TOO_MANY in guess("192.0.2.1", password=PASSWORD)
    assert on(device, "192.0.2.1") == "in"


def test_many_networks_run_into_the_limit_of_the_account_but_a_known_device_does_not(
    alice: User, few_attempts: None
) -> None:
    device = known_device()
    for n in range(6):
        assert TOO_MANY not in guess(f"{20 + n}.51.100.7")
    assert TOO_MANY in guess("203.0.113.9", password=PASSWORD)
    assert on(device, "203.0.113.9") == "in"


def test_a_new_password_by_mail_gets_the_owner_in_meanwhile(alice: User, few_attempts: None) -> None:
    for n in range(6):
        guess(f"{20 + n}.51.100.7")
    device = Client()
    device.post("/accounts/password/reset/", {"email": "alice@example.com"})
    [link] = [word for word in str(sent_mails()[-1].body).split() if "/password/reset/key/" in word]
    page = device.get("/" + link.split("/", 3)[3], follow=True)
    new = {"password1": "another horse battery", "password2": "another horse battery"}
    answer = device.post(page.request["PATH_INFO"], new, follow=True)
    assert answer.context["user"] == alice
    for n in range(6):
        guess(f"{20 + n}.51.100.7")
    assert on(signed_out(device), "203.0.113.9", password="another horse battery") == "in"


def test_a_known_device_has_five_attempts_too(alice: User) -> None:
    device = known_device()
    for _n in range(5):
        assert TOO_MANY not in on(device, "192.0.2.1", password=WRONG)
    assert TOO_MANY in on(device, "192.0.2.1")
    assert guess("192.0.2.1", password=PASSWORD) == "in"


def test_a_device_is_known_to_the_account_alone_and_until_its_password_changes(alice: User) -> None:
    device = known_device()
    customer("bob@example.com")
    for email in ("bob@example.com", "alice@example.com"):
        for _n in range(5):
            guess("192.0.2.1", email)
    assert TOO_MANY in on(device, "192.0.2.1", "bob@example.com")
    alice.set_password("another horse battery")
    alice.save()
    assert TOO_MANY in on(device, "192.0.2.1", password="another horse battery")


def test_the_cookie_of_a_device_is_signed_and_out_of_reach_of_scripts(alice: User, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    device = known_device()
    cookie = device.cookies[settings.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert cookie["max-age"] == 365 * 24 * 3600
    assert alice.email not in cookie.value
    for _n in range(5):
        guess("192.0.2.1")
    forged = Client()
    entries = signing.loads(cookie.value, salt="accounts.known_devices")
    forged.cookies[settings.DEVICE_COOKIE_NAME] = signing.dumps(entries, key="not ours", salt="accounts.known_devices")
    assert TOO_MANY in on(forged, "192.0.2.1")
    forged.cookies[settings.DEVICE_COOKIE_NAME] = signing.dumps(entries)  # ours, from another use
    assert TOO_MANY in on(forged, "192.0.2.1")


def test_a_device_of_one_account_is_a_stranger_to_another_of_the_same_address(alice: User) -> None:
    bob = customer("bob@example.com")
    EmailAddress.objects.create(user=bob, email="alice@example.com", verified=False)
    for _n in range(2):
        device = Client()
        assert on(device, "192.0.2.1", "bob@example.com") == "in"
        for _m in range(3):
            on(signed_out(device), "192.0.2.1", password=WRONG)
    assert TOO_MANY in guess("192.0.2.1", password=PASSWORD)


@pytest.mark.parametrize("spelling", ["ALICE@example.com", " alice@example.com ", "al\u0131ce@example.com"])
def test_another_spelling_has_no_attempts_of_its_own(alice: User, spelling: str) -> None:
    for _n in range(5):
        guess("198.51.100.7")
    assert guess("198.51.100.7", spelling, PASSWORD) != "in"


def test_another_spelling_of_our_name_has_no_attempts_of_its_own(alice: User) -> None:
    for _n in range(5):
        guess("198.51.100.7")
    assert TOO_MANY in guess("198.51.100.7", password=PASSWORD, HTTP_HOST="localhost:1337")


def test_one_large_network_does_not_use_up_what_an_account_has(alice: User, few_attempts: None) -> None:
    tried = [TOO_MANY in guess(f"2001:db8:1:{n:x}::1") for n in range(6)]
    assert tried == [False] * 4 + [True] * 2
    assert guess("2001:db8:2::1", password=PASSWORD) == "in"


def test_one_large_network_cannot_try_every_account(alice: User, few_attempts: None) -> None:
    for n in range(6):
        assert TOO_MANY not in guess(f"2001:db8:1:{n:x}::1", f"nobody{n}@example.com")
    assert TOO_MANY in guess("2001:db8:1:ffff::1", "nobody@example.com")
    assert guess("2001:db8:2::1", password=PASSWORD) == "in"


def test_a_good_password_costs_nothing(alice: User) -> None:
    for _n in range(6):
        assert guess("198.51.100.7", password=PASSWORD) == "in"
