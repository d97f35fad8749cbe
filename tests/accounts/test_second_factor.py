"""Staff enter the admin with a second factor, and confirm who they are before money, rights and providers."""

import re
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from billing.models import Account
from core.models import ShopSettings, StaffAction
from storefront.admin_site import CONFIRMED
from tests.billing import cast
from tests.mails import sent_mails
from tests.pages.cast import PASSWORD
from tests.sign_in import code_of, sign_in_staff

pytestmark = pytest.mark.django_db
NEEDED = "/account/second-step/"


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_superuser("owner@example.com", PASSWORD)


def by_password(person: User, client: Client | None = None) -> Client:
    """Signed in with the password alone."""
    client = client or Client()
    client.force_login(person)
    return client


def first_step(email: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    return client


def admin_pages() -> Iterator[tuple[str, str]]:
    """Name and path of every page of the admin, with "1" for each part of the path that varies."""

    def walk(patterns: list[Any], path: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            here = path + re.sub(r"<[^>]+>", "1", str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name, here

    [site] = [p for p in get_resolver().url_patterns if getattr(p, "namespace", "") == "admin"]
    yield from walk([site], "/")


def test_no_page_of_the_admin_opens_with_a_password_alone(owner: User) -> None:
    client = by_password(owner)
    pages = [(name, path) for name, path in admin_pages() if "(" not in path and name != "login"]
    assert len(pages) > 80
    for name, path in pages:
        answer = client.post(path) if name in CONFIRMED else client.get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, NEEDED), name


def test_a_factor_that_this_session_did_not_use_opens_nothing(owner: User) -> None:
    sign_in_staff(owner)
    client = by_password(owner)
    answer = client.get("/admin/", follow=True)
    assert "You signed in without your second step." in answer.content.decode()
    answer = client.post("/accounts/2fa/reauthenticate/?next=/admin/", {"code": code_of(owner)})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_factor_that_was_removed_opens_nothing(owner: User) -> None:
    client = sign_in_staff(owner)
    assert client.get("/admin/").status_code == 200
    Authenticator.objects.all().delete()
    assert client.get("/admin/")["Location"].startswith(NEEDED)


@pytest.mark.django_db(transaction=True)  # allauth announces a new factor when its transaction is over
def test_staff_set_up_an_app_and_are_in(owner: User) -> None:
    client = first_step(owner.email)
    assert "Set up an app" in client.get("/admin/", follow=True).content.decode()
    answer = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/reauthenticate/")
    client.post(answer.redirect_chain[-1][0], {"password": PASSWORD})
    client.get("/accounts/2fa/totp/activate/")
    code = format_hotp_value(hotp_value(client.session["mfa.totp.secret"], int(time.time()) // 30))
    client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert client.get("/admin/").status_code == 200
    # Next time the password is not enough.
    later = first_step(owner.email)
    assert later.get("/admin/")["Location"].startswith("/admin/login/")
    answer = later.post("/accounts/2fa/authenticate/", {"code": code_of(owner)}, follow=True)
    assert later.get("/admin/").status_code == 200


def test_customers_are_refused_as_before(db: None) -> None:
    alice = User.objects.create_user("alice@example.com", PASSWORD)
    assert by_password(alice).get("/admin/").status_code in (302, 403)
    assert NEEDED not in by_password(alice).get("/admin/").get("Location", "")


@pytest.fixture
def never_opened(db: None) -> None:
    ShopSettings.objects.update(opened_at=None)


def test_the_first_owner_of_a_shop_that_never_opened_gets_in_with_a_band_on_every_page(
    owner: User, never_opened: None
) -> None:
    client = by_password(owner)
    for path in ("/admin/", "/admin/orders/order/", "/admin/accounts/user/"):
        assert "You are in without a second step" in client.get(path).content.decode()
    assert "without a second step" not in sign_in_staff(owner).get("/admin/").content.decode()


def test_nobody_but_the_first_owner_gets_in_before_the_shop_opens(owner: User, never_opened: None) -> None:
    second = User.objects.create_superuser("second@example.com", PASSWORD)
    clerk = User.objects.create_user("clerk@example.com", PASSWORD, is_staff=True)
    for person in (second, clerk):
        assert by_password(person).get("/admin/")["Location"].startswith(NEEDED)


def test_the_demo_lets_in_whoever_sits_at_its_machine(owner: User, settings: Any) -> None:
    settings.DEMO = True
    client = by_password(owner)
    assert "This is a demo" in client.get("/admin/").content.decode()
    assert client.get("/admin/", REMOTE_ADDR="192.0.2.1")["Location"].startswith(NEEDED)
    assert client.get("/admin/", HTTP_X_FORWARDED_FOR="127.0.0.1")["Location"].startswith(NEEDED)
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/admin/", secure=True)["Location"].startswith(NEEDED)


#: What stands for the varying part of a page's path.
ROWS = {
    "billing_wallet": lambda: Account.objects.get(customer=cast.customer()).pk,
    "accounts_user": lambda: User.objects.create_user("clerk@example.com", is_staff=True).pk,
    "catalog_provider": lambda: cast.provider(key="key").pk,
}


@pytest.mark.parametrize("name", CONFIRMED)
def test_pages_that_could_ruin_the_shop_ask_who_is_there(owner: User, name: str) -> None:
    client = sign_in_staff(owner, confirmed=False)
    path = dict(admin_pages())[name]
    row = "_".join(name.split("_")[:2])
    if "/1/" in path and row in ROWS:
        path = path.replace("/1/", f"/{ROWS[row]()}/")
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 302, name
        assert re.match(r"/accounts/(2fa/)?reauthenticate/", answer["Location"]), name
    confirmed = sign_in_staff(owner).get(path)
    assert "reauthenticate" not in confirmed.get("Location", ""), name


def test_deleting_chosen_rows_asks_who_is_there_where_deleting_one_does(owner: User) -> None:
    client, sent = sign_in_staff(owner, confirmed=False), {"action": "delete_selected", "_selected_action": "1"}
    for table in ("billing_depositrule", "catalog_customerprice", "auth_group"):
        path = reverse(f"admin:{table}_changelist")
        assert "reauthenticate" in client.post(path, sent)["Location"], table
        assert client.get(path).status_code == 200, table
    answer = client.post(reverse("admin:support_cannedanswer_changelist"), sent)
    assert "reauthenticate" not in answer.get("Location", "")


def test_every_page_of_the_list_exists() -> None:
    assert {name for name, _path in admin_pages()} >= set(CONFIRMED)


def test_looking_at_a_customer_asks_nothing(owner: User) -> None:
    alice = cast.customer()
    client = sign_in_staff(owner, confirmed=False)
    assert client.get(reverse("admin:accounts_user_change", args=[alice.pk])).status_code == 200


def test_a_form_with_a_key_in_it_is_not_kept_while_the_person_confirms(owner: User) -> None:
    client = sign_in_staff(owner, confirmed=False)
    path = reverse("admin:catalog_provider_add")
    answer = client.post(path, {"name": "Gulf", "key": "a-secret-key"})
    assert answer["Location"] == f"/accounts/reauthenticate/?next={path.replace('/', '%2F')}"
    assert "a-secret-key" not in str(client.session.items())
    page = client.post(f"/accounts/2fa/reauthenticate/?next={path}", {"code": code_of(owner)}, follow=True)
    assert "Nothing was saved. Fill in the form once more." in page.content.decode()


def test_who_has_a_factor_confirms_with_it_and_not_with_the_password(owner: User) -> None:
    client = sign_in_staff(owner, confirmed=False)
    path = reverse("admin:accounts_user_add")
    answer = client.post(f"/accounts/reauthenticate/?next={path}", {"password": PASSWORD})
    assert answer["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert "reauthenticate" in client.get(path)["Location"]


def test_a_lost_factor_is_reset_on_the_server(owner: User) -> None:
    client = sign_in_staff(owner)
    other = sign_in_staff(User.objects.create_superuser("second@example.com", PASSWORD))
    out = StringIO()
    call_command("reset_second_factor", "Owner@Example.com", "--reason", "phone in the lake", stdout=out)
    assert "factors removed: 1, sessions ended: 1" in out.getvalue()
    assert client.get("/account/").status_code == 302
    assert other.get("/admin/").status_code == 200
    assert "Set up an app" in first_step(owner.email).get("/admin/", follow=True).content.decode()
    row = StaffAction.objects.get()
    assert (row.actor, row.action, row.object_id) == ("shell", "person.reset_second_factor", str(owner.pk))
    assert (row.reason, row.before) == ("phone in the lake", {"factors": "totp"})
    [message] = sent_mails()
    assert message.to == ["owner@example.com"]
    assert "removed the second step of your account" in " ".join(str(message.body).split())


def test_nobody_is_reset_for_an_unknown_address(db: None) -> None:
    with pytest.raises(CommandError, match="nobody with the address"):
        call_command("reset_second_factor", "nobody@example.com", "--reason", "x")


def test_the_owner_of_the_command_line_has_a_verified_address(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="first@example.com", verbosity=0)
    assert EmailAddress.objects.get().verified
    assert "Set up an app" in first_step("first@example.com").get("/admin/", follow=True).content.decode()


def test_a_code_that_opens_every_account_is_refused(settings: Any) -> None:
    settings.MFA_TOTP_INSECURE_BYPASS_CODE = "123456"
    with pytest.raises(ImproperlyConfigured):
        apps.get_app_config("accounts").ready()


def test_changing_the_password_happens_on_the_shops_own_page(owner: User) -> None:
    answer = sign_in_staff(owner).get("/admin/password_change/")
    assert answer["Location"] == "/accounts/password/change/"


def test_passkeys_belong_to_the_shops_own_name(settings: Any) -> None:
    settings.SHOP_URL = "https://shop.example:8443/panel"
    assert get_adapter().get_public_key_credential_rp_entity()["id"] == "shop.example"
    assert django_settings.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN is False
    assert admin.site.name == "admin"
