"""Wrong codes of the second factor: a limit for whoever has the password, which does not keep the owner out."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import password_limits
from accounts.models import User
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD, customer
from tests.sign_in import code_of, sign_in_staff

pytestmark = pytest.mark.django_db
TOO_MANY = "Too many attempts."
WRONG = "000000"


@pytest.fixture(autouse=True)
def _few_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No counts yet, and the limit of the account in small."""
    cache.clear()
    monkeypatch.setattr(password_limits, "RATES", {**password_limits.RATES, "code": "8/1h/key"})


@pytest.fixture
def owner(db: None) -> User:
    person = customer()
    sign_in_staff(person)
    return person


def signing_in(address: str, device: Client | None = None, password: str = PASSWORD) -> Client:
    """A browser that has entered the password and is asked for a code."""
    device = device or Client()
    device.defaults["REMOTE_ADDR"] = address
    answer = device.post("/accounts/login/", {"login": "alice@example.com", "password": password})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    return device


def enter(device: Client, code: str) -> str:
    """Enter a code; return the page, or "in"."""
    answer = device.post("/accounts/2fa/authenticate/", {"code": code})
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_who_knows_the_password_does_not_keep_the_owners_codes_refused(owner: User) -> None:
    thief = signing_in("198.51.100.7")
    for _n in range(5):
        assert TOO_MANY not in enter(thief, WRONG)
    assert TOO_MANY in enter(thief, code_of(owner))
    assert TOO_MANY in enter(signing_in("198.51.100.99"), code_of(owner)), "the same network"
    assert enter(signing_in("192.0.2.1"), code_of(owner)) == "in"


def test_many_networks_run_into_the_limit_of_the_account_but_a_known_device_does_not(owner: User) -> None:
    known = Client()
    assert enter(signing_in("192.0.2.1", known), code_of(owner)) == "in"
    known.post("/accounts/logout/")
    cache.clear()  # which codes were used stands there too
    for n in range(8):
        assert TOO_MANY not in enter(signing_in(f"{20 + n}.51.100.7"), WRONG)
    assert TOO_MANY in enter(signing_in("203.0.113.9"), code_of(owner))
    signing_in("203.0.113.9", known)
    for _n in range(4):
        assert TOO_MANY not in enter(known, WRONG)
    assert enter(known, code_of(owner)) == "in"


def test_a_new_password_by_mail_gets_the_owner_in_meanwhile(owner: User) -> None:
    for n in range(8):
        enter(signing_in(f"{20 + n}.51.100.7"), WRONG)
    device = Client()
    device.post("/accounts/password/reset/", {"email": owner.email})
    [link] = re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", str(sent_mails()[-1].body))
    form = device.get(link, follow=True).request["PATH_INFO"]
    device.post(form, {"password1": "another horse battery", "password2": "another horse battery"})
    assert enter(device, code_of(owner)) == "in"


def test_confirming_with_a_code_has_the_same_limit(owner: User) -> None:
    thief = sign_in_staff(owner, confirmed=False)
    for _n in range(5):
        thief.post("/accounts/2fa/reauthenticate/", {"code": WRONG})
    assert TOO_MANY in thief.post("/accounts/2fa/reauthenticate/", {"code": code_of(owner)}).content.decode()


def test_codes_beyond_the_limit_are_in_the_security_log(owner: User, caplog: Any) -> None:
    thief = signing_in("198.51.100.7")
    for _n in range(6):
        caplog.clear()
        enter(thief, WRONG)
    assert f"factor_limited actor=customer:{owner.pk} address=198.51.100.7" in caplog.text
