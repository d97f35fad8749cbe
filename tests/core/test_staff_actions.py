"""What staff did stays written down."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory

from accounts.models import User
from core.models import ShopSettings, StaffAction
from core.shop_settings import shop_settings
from core.staff_actions import record_staff_action, shell_actor, staff_actor
from storefront.embedded.postgres import OWNER_ROLE
from tests.roles import as_role

pytestmark = pytest.mark.django_db


def test_an_action_keeps_who_from_where_what_and_why() -> None:
    owner = User.objects.create_superuser("owner@shop.example", "correct horse battery")
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.7")
    request.user = owner
    row = record_staff_action(
        staff_actor(request),
        "wallet.credit",
        owner,
        reason="bank\x00 transfer",
        after={"amount": "5", "note": "x" * 9999},
    )
    row.refresh_from_db()
    assert (row.actor, row.address, row.action) == (f"staff:{owner.pk}", "203.0.113.7", "wallet.credit")
    assert (row.object_type, row.object_id, row.object_name) == ("accounts.user", str(owner.pk), "owner@shop.example")
    assert row.reason == "bank transfer"
    assert row.after["amount"] == "5"
    assert len(row.after["note"]) == 500


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_staffaction SET reason = 'another'",
        "DELETE FROM core_staffaction",
        "TRUNCATE core_staffaction",
    ],
)
def test_the_database_refuses_to_change_a_row(statement: str) -> None:
    record_staff_action(shell_actor(), "freeze", shop_settings(), reason="because")
    # Not even to the owner of the table.
    with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute(statement)
    assert StaffAction.objects.count() == 1


def test_there_is_one_row_of_settings() -> None:
    assert shop_settings().pk == 1
    with pytest.raises(IntegrityError, match="shop_settings_one_row"), transaction.atomic():
        ShopSettings.objects.create(pk=2, name="another")
