"""Sign-ups: no network uses up what the shop allows, and no number of accounts that nobody verified does."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from accounts import sign_up
from accounts.models import User
from core.models import ShopSettings
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db
TOO_MANY_HERE = "Too many sign-ups from your network."
TOO_MANY = "Many people are signing up just now."


@pytest.fixture(autouse=True)
def _few_sign_ups(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(sign_up, "RATES", {"sign_up_from_network": "3/1h/key", "sign_up_from_wide_network": "6/1h/key"})
    ShopSettings.objects.update(signups_per_hour=2)


def ask(email: str, address: str, password: str = PASSWORD) -> str:
    """Sign up from ``address``; return the page, or "in"."""
    given = {"email": email, "password1": password}
    answer = Client().post("/accounts/signup/", given, REMOTE_ADDR=address)
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_one_network_does_not_use_up_the_sign_ups_of_the_shop(caplog: pytest.LogCaptureFixture) -> None:
    for n in range(3):
        assert ask(f"bot{n}@example.com", f"198.51.100.{n}") == "in"
    assert TOO_MANY_HERE in ask("bot3@example.com", "198.51.100.9")
    assert "sign_up_limited actor=visitor" in caplog.text
    assert not User.objects.filter(email="bot3@example.com").exists()
    assert ask("carol@example.com", "192.0.2.1") == "in", "nobody had to verify an address for that"


def test_a_wide_network_has_a_limit_of_its_own() -> None:
    for n in range(6):
        assert ask(f"bot{n}@example.com", f"2001:db8:1:{n:x}::1") == "in"
    assert TOO_MANY_HERE in ask("bot6@example.com", "2001:db8:1:ffff::1")
    assert ask("carol@example.com", "2001:db8:2::1") == "in"


def test_the_limit_of_the_shop_counts_customers_of_the_last_hour_who_verified_an_address_or_signed_in() -> None:
    assert ask("bot@example.com", "198.51.100.1") == "in"
    customer()
    signed_in = customer("bob@example.com")
    EmailAddress.objects.filter(user=signed_in).update(verified=False)
    assert ask("carol@example.com", "192.0.2.1") == "in"
    User.objects.filter(pk=signed_in.pk).update(last_login=F("date_joined"))
    EmailAddress.objects.get_or_create(user=User.objects.get(email="alice@example.com"), verified=True)
    assert TOO_MANY in ask("dave@example.com", "192.0.2.1")
    User.objects.update(date_joined=F("date_joined") - timedelta(hours=1))
    assert ask("dave@example.com", "192.0.2.1") == "in"


def test_what_the_form_refuses_is_no_sign_up_and_an_address_with_an_account_is_one() -> None:
    for _n in range(4):
        assert ask("carol@example.com", "192.0.2.1", "short") != "in"
    customer()
    for _n in range(3):
        ask("alice@example.com", "192.0.2.1")
    assert TOO_MANY_HERE in ask("carol@example.com", "192.0.2.1")
