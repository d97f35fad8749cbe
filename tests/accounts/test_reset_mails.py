"""Links for a new password: they end after an hour, and nobody floods a mailbox with them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from accounts import mails
from accounts.models import User
from notices.models import Outbox
from notices.outbox import render
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
DONE = "/accounts/password/reset/done/"
NOBODY = "nobody@example.com"


@pytest.fixture(autouse=True)
def _no_counts(settings: Settings) -> None:
    """No counts yet, and as if a minute lay between any two requests."""
    cache.clear()
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "reset_password": ""}


@pytest.fixture
def alice(db: None) -> User:
    return customer()


def ask(email: str, address: str = "198.51.100.7") -> Client:
    client = Client()
    assert client.post(RESET, {"email": email}, REMOTE_ADDR=address)["Location"] == DONE
    return client


def link_in(row: Outbox) -> str:
    [link] = re.findall(r"/accounts/password/reset/key/\S+", str(render(row).body))
    return str(link)


def test_a_link_works_for_an_hour_and_not_longer(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(alice.email)
    row = Outbox.objects.get()
    assert row.good_until == row.queued_at + timedelta(hours=1)
    page = Client().get(link_in(row), follow=True).content.decode()
    assert 'name="password1"' in page
    real = PasswordResetTokenGenerator._now
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: real(self) + timedelta(minutes=61))
    page = Client().get(link_in(row), follow=True).content.decode()
    assert 'name="password1"' not in page
    assert "A link works once, for one hour." in page


def test_an_address_without_an_account_gets_one_mail_an_hour(alice: User) -> None:
    for n in range(3):
        ask(NOBODY, f"{20 + n}.51.100.7")
    assert Outbox.objects.filter(to=NOBODY).count() == 1
    ask("somebody@example.com")
    assert Outbox.objects.filter(to="somebody@example.com").count() == 1


def test_a_network_has_a_share_of_the_mails_to_strangers(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "RATES", {**mails.RATES, "unknown_account_from_network": "3/1h/key"})
    for n in range(4):
        ask(f"victim+{n}@example.com", f"198.51.100.{n}")
    assert Outbox.objects.count() == 3
    ask("victim+9@example.com", "192.0.2.1")
    assert Outbox.objects.count() == 4
    ask(alice.email)
    assert Outbox.objects.filter(to=alice.email).exists(), "that is no stranger"


def test_an_account_gets_five_links_an_hour_and_each_of_them_works(alice: User) -> None:
    for n in range(7):
        ask(alice.email.upper() if n % 2 else alice.email, f"{20 + n}.51.100.7")
    rows = list(Outbox.objects.order_by("pk"))
    assert len(rows) == 5
    owner = Client()
    form = owner.get(link_in(rows[0]), follow=True).request["PATH_INFO"]
    owner.post(form, {"password1": "another horse battery", "password2": "another horse battery"})
    alice.refresh_from_db()
    assert not alice.check_password(PASSWORD)
    before = Outbox.objects.count()
    ask(alice.email)
    assert Outbox.objects.count() == before + 1, "a new password ended the links, so that there may be others"


def test_the_page_is_the_same_beyond_the_limit_and_for_anybody(alice: User) -> None:
    pages = []
    for email in (alice.email, NOBODY):
        for _n in range(6):
            client = ask(email)
        Outbox.objects.filter(to=email).update(error="450 later")
        html = client.get(DONE).content.decode().replace(email, "…")
        pages.append(re.sub(r'nonce="[^"]+"', "", html))
    assert "is delayed" in pages[0]
    assert pages[0] == pages[1]
