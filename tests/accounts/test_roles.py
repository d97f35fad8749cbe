"""The ready roles: made by migrate, kept in step with their table, and chosen in plain words."""

from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import StaffLimit, StaffRole, User
from core.models import StaffAction
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ready() -> None:
    roles.sync_roles()


@pytest.fixture
def owner_client() -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def group_of(code: str) -> Group:
    group = StaffRole.objects.get(code=code).group
    assert group is not None
    return group


def rights_of(code: str) -> set[str]:
    rows = group_of(code).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{name}" for app, name in rows}


def test_each_table_of_the_admin_has_its_line() -> None:
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert registered - roles.tables_with_rights() == set()


def test_every_right_of_the_table_exists() -> None:
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    for role in roles.ROLES:
        assert role.rights - known == set()
        assert rights_of(role.code) == role.rights


def test_migrate_makes_each_role_once_and_keeps_what_the_owner_changed() -> None:
    support = group_of("support")
    [view_topup, change_wallet] = [
        Permission.objects.get(codename=name, content_type__app_label="billing")
        for name in ("view_topup", "change_wallet")
    ]
    support.permissions.remove(view_topup)
    support.permissions.add(change_wallet)
    Group.objects.filter(pk=support.pk).update(name="Helpers")
    StaffLimit.objects.filter(group=support).update(per_day=Decimal(7))
    group_of("catalog").delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert sorted(Group.objects.values_list("name", flat=True)) == ["Accountant", "Helpers", "Manager"]
    assert {"billing.view_topup", "billing.change_wallet"} & rights_of("support") == {"billing.change_wallet"}
    assert StaffLimit.objects.get(group=support).per_day == 7
    assert not StaffAction.objects.exists()


def test_a_right_that_comes_with_an_upgrade_is_given_and_one_that_goes_is_taken() -> None:
    row = StaffRole.objects.get(code="support")
    old = Permission.objects.get(codename="delete_ticket", content_type__app_label="support")
    group_of("support").permissions.add(old)
    new = Permission.objects.get(codename="view_ticket", content_type__app_label="support")
    group_of("support").permissions.remove(new)
    row.given = sorted({*row.given, "support.delete_ticket", "gone.view_table"} - {"support.view_ticket"})
    row.save()
    roles.sync_roles()
    assert {"support.view_ticket", "support.delete_ticket"} & rights_of("support") == {"support.view_ticket"}
    written = StaffAction.objects.get(action="role.sync")
    assert written.after == {"rights": "support.view_ticket"}
    assert written.before == {"rights": "gone.view_table, support.delete_ticket"}


def test_a_group_of_the_owner_with_that_name_stays_as_it_is() -> None:
    Group.objects.all().delete()
    StaffRole.objects.all().delete()
    own = Group.objects.create(name="Support")
    roles.sync_roles()
    assert not own.permissions.exists()
    assert group_of("support").name == "Support (ready)"


def test_the_owner_chooses_a_role_in_plain_words(owner_client: Client) -> None:
    add = reverse("admin:accounts_user_add")
    text = owner_client.get(add).content.decode()
    for words in (
        "Support. Answers tickets",
        "Moves at most $20.00 by one action and $50.00 a day.",
        "Catalog editor.",
    ):
        assert words in text
    form = {"email": "sam@example.com", "first_password": "correct horse battery", "role": "support"}
    assert owner_client.post(add, form).status_code == 302
    sam = User.objects.get(email="sam@example.com")
    assert (sam.is_staff, sam.is_superuser, [*sam.groups.all()]) == (True, False, [group_of("support")])
    page = reverse("admin:accounts_user_change", args=[sam.pk])
    assert 'value="support" id="id_role_2" checked' in owner_client.get(page).content.decode()
    owner_client.post(page, {"is_active": "on", "role": "accountant"})
    assert [*sam.groups.all()] == [group_of("accountant")]
    row = StaffAction.objects.filter(action="user.change").get()
    assert (row.before["role"], row.after["role"]) == ("support", "accountant")
    owner_client.post(page, {"is_active": "on", "role": "owner"})
    sam.refresh_from_db()
    assert sam.is_superuser
    both = [group_of("support").pk, group_of("catalog").pk]
    owner_client.post(page, {"is_active": "on", "role": "groups", "groups": both})
    sam = User.objects.get(pk=sam.pk)
    assert not sam.is_superuser
    assert {*sam.groups.values_list("pk", flat=True)} == {*both}


def test_only_an_owner_gives_a_role_and_never_to_themselves(owner_client: Client) -> None:
    owner = User.objects.get(email="owner@example.com")
    owner_client.post(reverse("admin:accounts_user_change", args=[owner.pk]), {"is_active": "on", "role": "support"})
    boss = User.objects.create_user("boss@example.com", is_staff=True)
    boss.groups.add(group_of("manager"))
    page = reverse("admin:accounts_user_change", args=[boss.pk])
    sign_in_staff(boss).post(page, {"is_active": "on", "role": "owner"})
    for person in (owner, boss):
        person.refresh_from_db()
    assert (owner.is_superuser, boss.is_superuser) == (True, False)


def test_the_page_of_a_group_sets_its_limits(owner_client: Client) -> None:
    group = group_of("support")
    page = reverse("admin:auth_group_change", args=[group.pk])
    assert 'value="50"' in owner_client.get(page).content.decode()
    rights = [*group.permissions.values_list("pk", flat=True)]
    answer = owner_client.post(page, {"name": "Support", "per_day": "75.5", "per_action": "", "permissions": rights})
    assert answer.status_code == 302
    limit = StaffLimit.objects.get(group=group)
    assert (limit.per_day, limit.per_action) == (Decimal("75.5"), None)
    assert StaffAction.objects.get(action="group.change").after["per_day"] == "75.5"
    answer = owner_client.post(page, {"name": "Support", "per_day": "-1", "per_action": "1e12"})
    assert {"per_day", "per_action"} <= answer.context["adminform"].form.errors.keys()
