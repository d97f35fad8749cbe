"""Everything that staff do leaves a row: who, from where, what, why, and what changed."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import ledger
from billing.models import Transfer
from catalog.models import Provider, Service
from core.models import StaffAction
from notices.models import Alert
from storefront.embedded.postgres import OWNER_ROLE
from tests.admin.conftest import KEY, as_
from tests.roles import as_role

pytestmark = pytest.mark.django_db


def newest(action: str) -> StaffAction:
    row = StaffAction.objects.filter(action=action).first()
    assert row is not None, f"no row says {action}; there are {list(StaffAction.objects.values_list('action'))}"
    return row


def fields_of(response: Any) -> dict[str, Any]:
    """Return what a browser would send back from a form of the admin."""
    form = response.context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    given = {name: value for name, value in given.items() if value is not None and value is not False}
    for inline in response.context["inline_admin_formsets"]:
        given |= {f"{inline.formset.prefix}-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return given | {"dialect": "{}"} if "dialect" in form.fields else given


def test_a_provider_s_address_is_written_down_without_its_key(admin: Client, owner: User, service: Service) -> None:
    provider = service.source.provider
    page = reverse("admin:catalog_provider_change", args=[provider.pk])
    old = provider.url
    given = fields_of(admin.get(page)) | {"url": "https://other.example/api/v2", "key": "another-secret-key"}
    assert admin.post(page, given, REMOTE_ADDR="203.0.113.7").status_code == 302
    row = newest("provider.change")
    assert (row.actor, row.address) == (f"staff:{owner.pk}", "203.0.113.7")
    assert (row.before["url"], row.after["url"]) == (old, "https://other.example/api/v2")
    assert row.after["key"] == "set"
    assert "another-secret-key" not in str((row.before, row.after, row.reason))


def test_a_key_is_never_sent_to_an_address_it_was_not_given_for(admin: Client, service: Service) -> None:
    provider = service.source.provider
    page = reverse("admin:catalog_provider_change", args=[provider.pk])
    given = fields_of(admin.get(page)) | {"url": "https://thief.example/api/v2", "key": ""}
    response = admin.post(page, given)
    assert "Please enter the API key for the new address." in response.content.decode()
    provider.refresh_from_db()
    assert "thief" not in provider.url


def test_a_plain_http_address_is_refused_for_a_new_address(admin: Client, service: Service, settings: Any) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    provider = service.source.provider
    Provider.objects.filter(pk=provider.pk).update(url="http://panel.example/api/v2")
    page = reverse("admin:catalog_provider_change", args=[provider.pk])
    kept = fields_of(admin.get(page)) | {"low_balance": "31"}
    assert admin.post(page, kept).status_code == 302
    response = admin.post(page, kept | {"url": "http://other.example/api/v2", "key": KEY})
    assert "anybody on the way can read your API key" in response.content.decode()


def test_money_moved_by_hand(admin: Client, alice: User, owner: User) -> None:
    page = reverse("admin:billing_wallet_credit", args=[alice.wallet.pk])
    nonce = admin.get(page).context["form"]["nonce"].value()
    given = {"amount": "5", "reason": "bank transfer 17", "nonce": nonce, "confirmed": "1"}
    assert admin.post(page, given).status_code == 302
    row = newest("wallet.credit")
    assert (row.actor, row.reason, row.object_id) == (f"staff:{owner.pk}", "bank transfer 17", str(alice.wallet.pk))
    assert Decimal(row.after["amount"]) == 5


def test_a_credit_that_is_refused_leaves_no_row(admin: Client, alice: User) -> None:
    page = reverse("admin:billing_wallet_debit", args=[alice.wallet.pk])
    nonce = admin.get(page).context["form"]["nonce"].value()
    admin.post(page, {"amount": "99999", "reason": "too much", "nonce": nonce, "confirmed": "1"})
    assert not StaffAction.objects.exists()
    assert not Transfer.objects.filter(code="debit").exists()


def test_rights_of_a_person_and_of_a_group(admin: Client, clerk: User) -> None:
    group = Group.objects.create(name="Helpers")
    page = reverse("admin:accounts_user_change", args=[clerk.pk])
    admin.post(page, {"is_active": "on", "groups": [str(group.pk)]})
    assert newest("user.change").after["groups"] == "Helpers"
    page = reverse("admin:auth_group_change", args=[group.pk])
    right = Permission.objects.get(codename="view_order")
    assert admin.post(page, {"name": "Helpers", "permissions": [str(right.pk)]}).status_code == 302
    assert "view_order" in str(right.codename)
    assert newest("group.change").after["permissions"] == str(right)


def test_only_owners_reach_groups(clerk: User) -> None:
    group = Group.objects.create(name="Helpers")
    every = Permission.objects.filter(content_type__app_label="auth", content_type__model="group")
    clerk.user_permissions.set(every)
    staff = as_(clerk)
    for page in (
        reverse("admin:auth_group_changelist"),
        reverse("admin:auth_group_add"),
        reverse("admin:auth_group_change", args=[group.pk]),
        reverse("admin:auth_group_delete", args=[group.pk]),
    ):
        assert staff.get(page).status_code == 403
        assert staff.post(page, {"name": "Owners"}).status_code == 403


def test_bulk_actions_leave_a_row_for_each_object(admin: Client, service: Service) -> None:
    listing = reverse("admin:catalog_service_changelist")
    admin.post(listing, {"action": "hide", "_selected_action": [str(service.pk)]})
    assert newest("service.hide").object_id == str(service.pk)
    Alert.objects.create(cause="a cause", title="Title", body="Body", severity="warning")
    admin.post(
        reverse("admin:notices_alert_changelist"),
        {"action": "close", "_selected_action": [str(Alert.objects.get().pk)]},
    )
    assert newest("alert.close").object_name


def test_commands_on_the_server(alice: User) -> None:
    ledger.credit(customer=alice, amount=Decimal(1), reason="first", reference="before", actor="test")
    call_command("credit_wallet", alice.email, "2.50", "--reason", "goodwill", "--reference", "ticket 4")
    call_command("credit_wallet", alice.email, "2.50", "--reason", "goodwill", "--reference", "ticket 4")
    assert StaffAction.objects.filter(action="wallet.credit").count() == 1
    assert (newest("wallet.credit").actor, newest("wallet.credit").after["reference"]) == ("shell", "ticket 4")
    call_command("freeze", "--reason", "moving house")
    assert newest("shop.freeze").reason == "moving house"
    call_command("thaw", "--reason", "moved")
    assert newest("shop.thaw").reason == "moved"
    for url in ("https://one.example/api/v2", "https://two.example/api/v2"):
        call_command("add_provider", "Gulf", "--url", url, "--key", "a-secret-key")
    assert newest("provider.add").after["url"] == "https://one.example/api/v2"
    row = newest("provider.change")
    assert (row.before["url"], row.after["url"]) == ("https://one.example/api/v2", "https://two.example/api/v2")
    assert "a-secret-key" not in str(list(StaffAction.objects.values("before", "after")))


def test_the_list_is_searched_by_person_action_and_object(admin: Client, owner: User, alice: User) -> None:
    page = reverse("admin:billing_wallet_credit", args=[alice.wallet.pk])
    nonce = admin.get(page).context["form"]["nonce"].value()
    admin.post(page, {"amount": "5", "reason": "bank transfer 17", "nonce": nonce, "confirmed": "1"})
    call_command("freeze", "--reason", "moving house")
    listing = reverse("admin:core_staffaction_changelist")
    for term, found in (
        (owner.email, ["wallet.credit"]),
        ("wallet", ["wallet.credit"]),
        ("moving", ["shop.freeze"]),
        ("127.0.0.1", ["wallet.credit"]),
        ("nobody@shop.example", []),
    ):
        rows = admin.get(listing, {"q": term}).context["cl"].result_list
        assert [row.action for row in rows] == found, term
    html = admin.get(listing).content.decode()
    assert owner.email in html
    assert "Command on the server" in html
    first = StaffAction.objects.get(action="wallet.credit")
    html = admin.get(reverse("admin:core_staffaction_change", args=[first.pk])).content.decode()
    assert "bank transfer 17" in html


def test_rows_are_written_with_the_change_or_not_at_all(admin: Client, service: Service) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_staffaction ADD CONSTRAINT nothing_fits CHECK (action = '') NOT VALID")
    admin.raise_request_exception = False
    admin.post(reverse("admin:catalog_service_changelist"), {"action": "hide", "_selected_action": [str(service.pk)]})
    service.refresh_from_db()
    assert service.is_visible
