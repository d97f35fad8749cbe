"""A form that waits for a confirmation runs only in the browser that sent it."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, User
from tests.mails import sent_mails
from tests.sign_in import PASSWORD_OF_TESTS, code_of, sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


def same_session(of: Client) -> Client:
    """Another browser that holds the same session, as after the cookie was stolen."""
    other = Client()
    name = next(name for name in of.cookies if name.endswith("sessionid"))
    other.cookies[name] = of.cookies[name].value
    return other


def test_a_form_planted_in_the_admin_does_not_run_when_the_owner_confirms() -> None:
    owner = User.objects.create_superuser("owner@example.com", PASSWORD_OF_TESTS)
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    page = reverse("admin:accounts_user_change", args=[clerk.pk])
    here = sign_in_staff(owner, confirmed=False)
    thief = same_session(here)
    for spelling in (
        page,
        page.replace(f"/{clerk.pk}/", f"/{clerk.pk}%20/"),
        page.replace(f"/{clerk.pk}/", f"/0{clerk.pk}/"),
    ):
        answer = thief.post(spelling, {"is_active": "on", "is_superuser": "on"})
        assert "reauthenticate" in answer.get("Location", ""), spelling
        asked = here.get(page)["Location"]
        here.post(asked, {"code": code_of(owner)}, follow=True)
        clerk.refresh_from_db()
        assert not clerk.is_superuser, spelling
        here.session.flush()
        here = sign_in_staff(owner, confirmed=False)
        thief = same_session(here)


def test_an_address_planted_in_a_stolen_session_gets_no_code() -> None:
    alice = User.objects.create_user("alice@example.com", PASSWORD_OF_TESTS)
    here = sign_in_customer(alice, confirmed=False)
    same_session(here).post("/accounts/email/", {"email": "thief@example.com", "action_add": ""})
    here.post("/accounts/reauthenticate/?next=/accounts/email/", {"password": PASSWORD_OF_TESTS}, follow=True)
    assert [mail.to for mail in sent_mails() if "thief@example.com" in mail.to] == []


def test_one_s_own_form_goes_on_after_the_confirmation() -> None:
    alice = User.objects.create_user("alice@example.com", PASSWORD_OF_TESTS)
    here = sign_in_customer(alice, confirmed=False)
    asked = here.post("/account/api-keys/", {"name": "bot", "may": "both"})["Location"]
    here.post(asked, {"password": PASSWORD_OF_TESTS})
    assert ApiKey.objects.count() == 1
