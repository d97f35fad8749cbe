from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.api_keys import create_key
from accounts.models import User
from core.clock import database_now
from core.models import StaffAction
from storefront.settings import PASSWORD_HASHERS
from tests.admin.conftest import as_
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:accounts_user_changelist", "admin:accounts_user_add"


def page(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def with_rights(clerk: User, *names: str) -> Client:
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="accounts"))
    return sign_in_staff(clerk)


def test_people_are_listed_with_role_and_wallet(admin: Client, alice: User, clerk: User) -> None:
    text = admin.get(reverse(LIST)).content.decode()
    for shown in ("alice@example.com", "Customer", "clerk@example.com", "Staff", "Owner", "$100.00"):
        assert shown in text
    shown = admin.get(reverse(LIST), {"role": "customer"}).context["cl"].result_list
    assert [p.email for p in shown] == ["alice@example.com"]


def test_no_page_shows_a_password_hash(admin: Client, owner: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    owner.set_password("correct horse battery")
    owner.save()
    assert "argon2" in owner.password
    for address in (reverse(LIST), page(owner)):
        text = admin.get(address).content.decode()
        assert owner.password not in text
        assert "argon2" not in text


def test_an_owner_adds_staff_who_can_sign_in(admin: Client, client: Client) -> None:
    answer = admin.post(reverse(ADD), {"email": "New@Example.com", "first_password": "a long enough one"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    new = User.objects.get(email="new@example.com")
    assert (new.is_staff, new.is_superuser) == (True, False)
    answer = client.post(
        reverse("account_login"), {"login": "new@example.com", "password": "a long enough one"}, follow=True
    )
    assert "Second step for staff" in answer.content.decode()


@pytest.mark.parametrize("password", ["short", "password12", "12345678901", ""])
def test_a_weak_password_is_refused(admin: Client, password: str) -> None:
    answer = admin.post(reverse(ADD), {"email": "new@example.com", "first_password": password})
    assert answer.status_code == 200
    assert "first_password" in answer.context["adminform"].form.errors
    assert not User.objects.filter(email="new@example.com").exists()


def test_an_address_in_use_is_refused(admin: Client, alice: User) -> None:
    EmailAddress.objects.create(user=alice, email="second@example.com", verified=True)
    for email in ("ALICE@example.com", "second@example.com"):
        answer = admin.post(reverse(ADD), {"email": email, "first_password": "a long enough one"})
        assert "email" in answer.context["adminform"].form.errors
    assert User.objects.filter(is_staff=True).count() == 1


def test_a_customer_never_becomes_staff(admin: Client, alice: User) -> None:
    admin.post(page(alice), {"is_active": "on", "is_staff": "on", "is_superuser": "on", "email": "else@example.com"})
    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser, alice.email) == (False, False, "alice@example.com")


def test_a_customer_is_not_frozen_by_a_form_without_a_reason_and_never_deleted(admin: Client, alice: User) -> None:
    admin.post(page(alice), {})
    alice.refresh_from_db()
    assert alice.is_active
    assert admin.post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"}).status_code == 403


def test_staff_who_manage_people_cannot_grant_themselves_rights(clerk: User, owner: User) -> None:
    client = with_rights(clerk, "add_user", "change_user", "view_user", "delete_user")
    assert (
        client.post(reverse(ADD), {"email": "x@example.com", "first_password": "a long enough one"}).status_code == 403
    )
    client.post(page(clerk), {"is_active": "on", "is_superuser": "on", "is_staff": "on"})
    client.post(page(owner), {})
    clerk.refresh_from_db()
    owner.refresh_from_db()
    assert not clerk.is_superuser
    assert owner.is_active


def test_owners_cannot_deactivate_themselves(admin: Client, owner: User) -> None:
    admin.post(page(owner), {})
    owner.refresh_from_db()
    assert owner.is_active
    assert owner.is_superuser


def test_an_owner_ends_sessions_and_revokes_keys(admin: Client, owner: User, alice: User, clerk: User) -> None:
    hers, key = as_(alice), create_key(customer=alice, name="bot", now=database_now()).row
    assert hers.get(reverse("account")).status_code == 200
    admin.post(reverse(LIST), {"action": "end_sessions", "_selected_action": [str(alice.pk)]})
    assert hers.get(reverse("account")).status_code == 302
    keys = reverse("admin:accounts_apikey_changelist")
    as_(clerk).post(keys, {"action": "revoke", "_selected_action": [str(key.pk)]})
    key.refresh_from_db()
    assert key.revoked_at is None
    admin.post(keys, {"action": "use_smartpanel_words", "_selected_action": [str(key.pk)]})
    admin.post(keys, {"action": "revoke", "_selected_action": [str(key.pk)]})
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert key.status_words == "smartpanel"
    actions = StaffAction.objects.filter(actor=f"staff:{owner.pk}").values_list("action", flat=True)
    assert set(actions) == {"person.end_sessions", "api_key.revoke", "api_key.change"}


def test_owners_and_passwords_made_on_the_server_are_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", "--noinput", "--email", "new@example.com", verbosity=0)
    assert EmailAddress.objects.get(email="new@example.com").verified
    monkeypatch.setattr("getpass.getpass", lambda *_args, **_kwargs: "another horse battery")
    call_command("changepassword", "new@example.com", verbosity=0)
    rows = StaffAction.objects.order_by("id").values_list("action", "actor", "object_name")
    assert list(rows) == [
        ("owner.create", "shell", "new@example.com"),
        ("person.change_password", "shell", "new@example.com"),
    ]
