"""Signing up with a code by mail, signing in, the account's own page, the second step."""

import re

import pytest
from allauth.mfa.adapter import get_adapter as mfa_adapter
from django.test import Client

from accounts.models import User
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD

pytestmark = pytest.mark.django_db


def test_a_visitor_signs_up_with_email_password_and_the_code_from_the_mail(client: Client, services: object) -> None:
    html = client.get("/accounts/signup/").content.decode()
    assert re.findall(r'<input[^>]*name="(email|password1|password2|username)"', html) == ["email", "password1"]
    answer = client.post("/accounts/signup/", {"email": "bob@example.com", "password1": PASSWORD}, follow=True)
    assert "bob@example.com" in answer.content.decode()
    mails = sent_mails()
    assert [m.subject for m in mails] == ["[Permille] Your code"]
    codes = re.findall(r"^([A-Z0-9]{4}-[A-Z0-9]{4})$", str(mails[0].body), re.MULTILINE)
    assert len(codes) == 1, mails[0].body
    answer = client.post("/accounts/confirm-email/", {"code": codes[0]}, follow=True)
    assert answer.status_code == 200
    bob = User.objects.get(email="bob@example.com")
    assert not bob.is_staff
    assert client.get("/wallet/").status_code == 200


def test_a_wrong_password_says_so_and_not_which_half_was_wrong(client: Client, alice: User) -> None:
    for email in (alice.email, "nobody@example.com"):
        html = client.post("/accounts/login/", {"login": email, "password": "wrong horse"}).content.decode()
        assert "E-mail and password do not match." in html
        assert 'role="alert"' in html


def test_customers_land_in_the_shop_and_staff_in_the_admin(client: Client, alice: User, services: object) -> None:
    assert client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})["Location"] == "/"
    client.logout()
    User.objects.create_superuser("owner@example.com", PASSWORD)
    answer = client.post("/accounts/login/", {"login": "owner@example.com", "password": PASSWORD}, follow=True)
    assert answer.redirect_chain


def test_the_account_page_leads_to_what_can_be_changed(signed_in: Client) -> None:
    html = signed_in.get("/account/").content.decode()
    assert "alice@example.com" in html
    for path in ("/accounts/email/", "/accounts/password/change/", "/accounts/2fa/"):
        assert f'href="{path}"' in html
        assert signed_in.get(path, follow=True).status_code == 200


def test_signing_out_takes_a_post(signed_in: Client) -> None:
    assert "Your orders continue while you are signed out." in signed_in.get("/accounts/logout/").content.decode()
    assert signed_in.get("/account/").status_code == 200
    signed_in.post("/accounts/logout/")
    assert signed_in.get("/account/").status_code == 302


def test_secrets_of_the_second_step_are_sealed() -> None:
    adapter = mfa_adapter()
    sealed = adapter.encrypt("JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in sealed
    assert adapter.decrypt(sealed) == "JBSWY3DPEHPK3PXP"


def test_a_forgotten_password_is_answered_the_same_for_anybody(client: Client, alice: User) -> None:
    seen = set()
    for email in (alice.email, "nobody@example.com"):
        answer = client.post("/accounts/password/reset/", {"email": email}, follow=True)
        assert answer.status_code == 200
        seen.add(answer.redirect_chain[0][0])
    assert len(seen) == 1
