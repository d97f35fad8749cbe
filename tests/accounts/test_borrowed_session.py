"""Somebody with a person's session does not get the account: what matters asks again, and the person hears of it."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client, RequestFactory

from accounts import password_limits
from accounts.api_keys import create_key
from accounts.models import ApiKey, User
from core.clock import database_now
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD, customer
from tests.sign_in import code_of, sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db
NEW_PASSWORD = {"password1": "another horse battery", "password2": "another horse battery"}
NEW_KEY = {"name": "bot", "may": "both", "networks": ""}


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return customer()


def body_of(subject: str) -> str:
    [found] = [message for message in sent_mails() if message.subject == f"[Permille] {subject}"]
    assert found.to == ["alice@example.com"]
    return str(found.body)


def test_a_borrowed_session_changes_neither_address_nor_keys(alice: User) -> None:
    thief = sign_in_customer(alice, confirmed=False)
    for path, given in (
        ("/accounts/email/", {"email": "thief@example.com", "action_add": ""}),
        ("/account/api-keys/", NEW_KEY),
        ("/accounts/2fa/totp/activate/", {}),
    ):
        answer = thief.post(path, given)
        assert answer["Location"].startswith("/accounts/reauthenticate/"), path
    assert thief.post("/accounts/password/change/", {"oldpassword": "a guess", **NEW_PASSWORD}).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert not ApiKey.objects.exists()
    assert sent_mails() == []


def test_the_old_password_can_be_guessed_a_few_times_only(
    alice: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief, who = sign_in_customer(alice, confirmed=False), f"customer:{alice.pk}"

    def guess(old: str, address: str = "198.51.100.7") -> str:
        caplog.clear()
        answer = thief.post("/accounts/password/change/", {"oldpassword": old, **NEW_PASSWORD}, REMOTE_ADDR=address)
        return answer.content.decode()

    for old in ("a", "b", "c", "d", "e"):
        assert "Enter your current password." in guess(old)
        assert f"sign_in_failed actor={who} address=198.51.100.7" in caplog.text
    assert "Too many attempts." in guess(PASSWORD)
    assert f"sign_in_limited actor={who} address=198.51.100.7" in caplog.text
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    cache.clear()
    monkeypatch.setattr(password_limits, "RATES", {**password_limits.RATES, "account": "6/1h/key"})
    for n in range(6):
        consumed = password_limits.count_attempt(_from(f"{20 + n}.51.100.7"), email=alice.email)
        assert consumed is not None
    assert "Too many attempts." in guess(PASSWORD, "192.0.2.1"), "the account has no more in this hour, from anywhere"


def _from(address: str) -> HttpRequest:
    return RequestFactory().post("/accounts/login/", REMOTE_ADDR=address)


def test_a_form_goes_on_after_the_password(alice: User) -> None:
    client = sign_in_customer(alice, confirmed=False)
    asked = client.post("/account/api-keys/", NEW_KEY)["Location"]
    page = client.post(asked, {"password": PASSWORD}, follow=True)
    key = page.context["new_key"]
    assert ApiKey.objects.get() == page.context["new_row"]
    assert page.context["new_row"].prefix in body_of("A new API key")
    assert key not in body_of("A new API key")


def test_the_old_address_hears_of_a_new_one(alice: User) -> None:
    client = sign_in_customer(alice)
    client.post("/accounts/email/", {"email": "new@example.com", "action_add": ""})
    [code] = re.findall(r"^([A-Z0-9]{4}-[A-Z0-9]{4})$", str(sent_mails()[0].body), re.MULTILINE)
    client.post("/accounts/confirm-email/", {"code": code})
    alice.refresh_from_db()
    assert alice.email == "new@example.com"
    told = body_of("Your e-mail address was changed")
    assert "from alice@example.com to new@example.com" in " ".join(told.split())
    assert "http://testserver/accounts/password/reset/" in told


def test_a_new_password_is_mailed_and_the_keys_are_offered_for_revoking(alice: User) -> None:
    create_key(customer=alice, name="bot", now=database_now())
    client = sign_in_customer(alice)
    answer = client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **NEW_PASSWORD})
    assert "The password of your account was changed." in body_of("Your password was changed")
    assert answer["Location"] == "/account/api-keys/after-password/"
    page = client.get(answer["Location"]).content.decode()
    assert "1 key still orders for you" in page
    assert ApiKey.objects.get().revoked_at is None
    assert "1 key is revoked." in client.post(answer["Location"], follow=True).content.decode()
    assert ApiKey.objects.get().revoked_at is not None
    assert client.get(answer["Location"])["Location"] == "/account/"


def test_a_password_reset_by_mail_offers_the_keys_too(alice: User) -> None:
    create_key(customer=alice, name="bot", now=database_now())
    client = Client()
    client.post("/accounts/password/reset/", {"email": alice.email})
    [link] = re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", str(sent_mails()[0].body))
    form = client.get(link, follow=True).request["PATH_INFO"]
    answer = client.post(form, NEW_PASSWORD, follow=True)
    assert "1 key still orders for you" in answer.content.decode()
    assert "with a link from our mail" in body_of("Your password was changed")


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_second_factor_is_mailed(alice: User) -> None:
    client = sign_in_staff(alice)  # with an app; she is a customer
    client.post("/accounts/2fa/totp/deactivate/")
    assert "The authenticator app was removed" in body_of("Your authenticator app was removed")


def test_the_owner_of_an_account_sees_a_foreign_session_and_ends_it(alice: User) -> None:
    def signed_in(**facts: Any) -> Client:
        client = Client()
        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, **facts)
        return client

    mine = signed_in(REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT="Firefox")
    thief = signed_in(REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT="<b>Thief</b>")
    page = mine.get("/accounts/sessions/").content.decode()
    assert "192.0.2.1" in page
    assert "198.51.100.7" in page
    assert "&lt;b&gt;Thief" in page
    assert 'href="/accounts/sessions/"' in mine.get("/account/").content.decode()
    assert thief.get("/account/").status_code == 200
    assert "All other sessions are ended." in mine.post("/accounts/sessions/", follow=True).content.decode()
    assert thief.get("/account/").status_code == 302
    assert mine.get("/account/").status_code == 200


@pytest.mark.parametrize("host", ["localhost:1337", "LOCALHOST", "127.0.0.1:80"])
def test_links_in_mails_lead_to_the_shop_whatever_name_the_request_used(alice: User, settings: Any, host: str) -> None:
    settings.SHOP_URL = "https://shop.example"
    for path, given in (
        ("/accounts/password/reset/", {"email": alice.email}),
        ("/accounts/password/reset/", {"email": "nobody@example.com"}),
        ("/accounts/signup/", {"email": alice.email, "password1": PASSWORD}),
        ("/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD}),
    ):
        Client(HTTP_HOST=host).post(path, given)
    assert len(sent_mails()) == 4
    links = re.findall(r"https?://\S+", " ".join(str(message.body) for message in sent_mails()))
    assert len(links) >= 7
    assert [link for link in links if not link.startswith("https://shop.example")] == []


def test_a_confirmation_lasts_a_quarter_of_an_hour(alice: User, settings: Any) -> None:
    client = sign_in_customer(alice)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    assert "reauthenticate" in client.post("/account/api-keys/", NEW_KEY)["Location"]


def test_a_customer_with_an_app_confirms_with_it(alice: User) -> None:
    client = sign_in_staff(alice, confirmed=False)
    asked = client.post("/account/api-keys/", NEW_KEY)["Location"]
    assert asked.startswith("/accounts/2fa/reauthenticate/")
    client.post(asked, {"code": code_of(alice)})
    assert ApiKey.objects.count() == 1
