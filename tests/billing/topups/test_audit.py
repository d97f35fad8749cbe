"""The audit knows top-ups: quiet about sound ones, hourly and nightly, and it names each kind of damage."""

from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing.models import TopUp
from core.clock import database_now
from orders import auditing
from orders.models import AuditState
from tests.billing.cast import customer
from tests.billing.topups.cast import DRIVERS, broken, looked, method, started
from tests.roles import unguarded

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    topup = started(alice, method(fee_percent=3, bonus_percent=2), "10")
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def damage(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with unguarded():
            cursor.execute(statement, values)


def names() -> set[str]:
    return {line.partition(":")[0] for line in broken()}


def test_a_sound_topup_passes(topup: TopUp) -> None:
    started(topup.customer, topup.method, "10")
    assert broken() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing_topup SET credited = 5",
        "UPDATE billing_topup SET taken = 5",
        "UPDATE billing_topuppayment SET amount = 1",
        "UPDATE billing_topuppayment SET currency = 'EUR'",
        "DELETE FROM billing_topuppayment",
    ],
)
def test_a_row_that_says_something_else_than_its_transfers_is_named(topup: TopUp, statement: str) -> None:
    damage(statement)
    assert names() == {"topups"}


def test_a_topup_of_another_customer_is_named(topup: TopUp) -> None:
    bob = customer("bob@example.com", has="0")
    damage("UPDATE billing_topup SET customer_id = %s", bob.pk)
    assert names() == {"topups"}


def test_transfers_of_no_topup_are_named(topup: TopUp) -> None:
    damage("UPDATE billing_transfer SET reference = 'topup:0', key = 'topup:0:' || id WHERE code = 'topup'")
    assert names() == {"topups", "documents"}


def test_the_hourly_audit_looks_at_new_topups(alice: User) -> None:
    by = method()
    AuditState.objects.create(next_at=database_now())
    state = AuditState.objects.get()
    auditing.audit_everything(state, now=database_now())
    topup = started(alice, by, "10")
    DRIVERS["demo"].pays(topup)
    looked(topup)
    assert [f.name for f in auditing.audit_changes(state) if not f.holds] == []
    damage("UPDATE billing_topup SET credited = 5")
    assert [f.name for f in auditing.audit_changes(state) if not f.holds] == ["topups"]
