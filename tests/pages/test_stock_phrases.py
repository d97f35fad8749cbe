"""No page carries a stock sentence of django-allauth or of Django's admin: the shop speaks for itself everywhere."""

import html
import re
from typing import Any

import pytest
from allauth.account import app_settings as account_settings
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.test import Client

from accounts.models import CustomerGroup, User
from catalog.models import Category, Service
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD, Orders
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db

STOCK_PHRASES = (
    # django-allauth
    "Account Inactive",
    "This account is inactive",
    "Alternative options",
    "An authenticator app is not active",
    "Are you sure?",
    "Bad Token",
    "Confirm Access",
    "Email address",
    "Forgotten your password?",
    "New Password (again)",
    "Please contact us",
    "Please reauthenticate",
    "Recovery Codes",
    "Reset My Password",
    "Successfully signed in",
    "successfully changed",
    "The code expires shortly",
    "Two-Factor Authentication",
    "You have signed out",
    "You are receiving this email",
    "Your password can’t be too similar",
    # Django's admin
    "Site administration",
    "Django administration",
    "Select {name} to change",
    "Select {name} to view",
    "Are you sure you want to delete",
    "Yes, I’m sure",
    "Thanks for spending some quality time",
    "It probably wasn’t added via this admin site",
)


def found_in(page: str) -> list[str]:
    """The stock phrases on a page, which its tags and line breaks do not hide."""
    words = " ".join(html.unescape(re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)).split())
    names = [str(model._meta.verbose_name) for model in apps.get_models()]
    phrases = [p for p in STOCK_PHRASES if "{name}" not in p]
    phrases += [p.format(name=name) for p in STOCK_PHRASES if "{name}" in p for name in names]
    return [phrase for phrase in phrases if phrase in words]


def stock_phrases(client: Client, *paths: str) -> list[str]:
    """Each stock phrase on these pages as "path: phrase"."""
    found = []
    for path in paths:
        answer = client.get(path, follow=True)
        assert answer.status_code == 200, path
        found += [f"{path}: {phrase}" for phrase in found_in(answer.content.decode())]
    return found


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    cache.clear()


def test_stock_phrases_are_found_across_tags_and_lines() -> None:
    page = "<title>Select order\n to view</title><p>Two-Factor\nAuthentication</p><script>var a = 'Bad Token'</script>"
    assert found_in(page) == ["Two-Factor Authentication", "Select order to view"]


def test_pages_of_visitors(client: Client, alice: User, services: list[Service]) -> None:
    paths = [
        "/",
        "/updates/",
        "/status/",
        "/api/",
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
    ]
    paths += ["/accounts/password/reset/done/", "/accounts/password/reset/key/done/", "/accounts/inactive/"]
    paths += ["/accounts/password/reset/key/a-b/"]
    assert stock_phrases(client, *paths) == []
    assert settings.PASSWORD_RESET_TIMEOUT == 3600, "the page and the mail say one hour"
    assert account_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT == 15 * 60, "the page says 15 minutes"
    posts = [
        ("/accounts/signup/", {"email": "bob@example.com", "password1": PASSWORD}),
        ("/accounts/confirm-email/", {"code": "AAAA-BBBB"}),
        ("/accounts/password/reset/", {"email": alice.email}),
        ("/accounts/password/reset/", {"email": "nobody@example.com"}),
    ]
    for path, fields in posts:
        assert found_in(client.post(path, fields, follow=True).content.decode()) == [], path
    visitor = Client()
    visitor.post("/accounts/signup/", {"email": alice.email, "password1": PASSWORD})
    mails = sent_mails()
    assert len(mails) == 4
    assert [found_in(f"{message.subject} {message.body}") for message in mails] == [[]] * 4
    link = re.search(r"http://testserver(/\S+)", str(mails[1].body))
    assert link is not None
    assert stock_phrases(client, link[1]) == []


def test_pages_of_a_customer(signed_in: Client, alice: User, orders: Orders) -> None:
    order = orders.completed()
    client = signed_in
    answers = [
        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True),
        client.post("/accounts/logout/", follow=True),
        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True),
        client.post("/accounts/email/", {"email": "other@example.com", "action_add": ""}, follow=True),
    ]
    TOTP.activate(alice, generate_totp_secret())
    RecoveryCodes.activate(alice)
    paths = [
        "/orders/",
        f"/orders/{order.pk}/",
        "/order/",
        "/wallet/",
        "/wallet/add/",
        "/account/",
        "/account/api-keys/",
    ]
    paths += ["/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/reauthenticate/"]
    paths += ["/accounts/2fa/", "/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/"]
    paths += ["/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/reauthenticate/"]
    assert stock_phrases(client, *paths) == []
    answers += [
        client.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": "short", "password2": "x"}),
        client.post("/accounts/2fa/recovery-codes/generate/", follow=True),
        client.post("/accounts/2fa/totp/deactivate/", follow=True),
    ]
    assert [found_in(answer.content.decode()) for answer in answers] == [[]] * len(answers)
    assert stock_phrases(client, "/accounts/2fa/", "/accounts/2fa/totp/activate/") == []


def test_second_step_of_sign_in(client: Client, alice: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, follow=True)
    assert "Second step" in answer.content.decode()
    assert found_in(answer.content.decode()) == []


def test_pages_of_the_owner(client: Client, orders: Orders, services: list[Service]) -> None:
    owner = User.objects.create_superuser("owner@example.com", PASSWORD)
    sign_in_staff(owner, client)
    rows = [orders.completed(), services[0], Category.objects.all()[0], orders.who]
    paths = ["/admin/", "/admin/orders/"]
    for model in admin.site._registry:
        paths.append(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")
    for row in rows:
        place = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}"
        paths += [f"{place}/change/", f"{place}/history/"]
    assert stock_phrases(client, *paths) == []
    group = CustomerGroup.objects.create(name="Friends", percent=5)
    groups = "/admin/accounts/customergroup/"
    assert stock_phrases(client, f"{groups}{group.pk}/delete/") == []
    several = client.post(groups, {"action": "delete_selected", "_selected_action": group.pk})
    assert "Delete the selected" in several.content.decode()
    assert found_in(several.content.decode()) == []
    assert found_in(client.post("/admin/logout/", follow=True).content.decode()) == []
