"""The owner's side of fresh deposits: rules, what is held of a top-up, and letting it be spent."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from billing.models import DepositRule, HeldDeposit, TopUp
from billing.queries import funds_of
from core.models import StaffAction
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.pages.cast import customer
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(settings: Any) -> TopUp:
    settings.DEMO = True
    DepositRule.objects.create(hours=24)
    topup = started(customer(money="0"), method(), "20")
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def test_the_owner_writes_rules(admin: Client) -> None:
    assert admin.get("/admin/billing/depositrule/").status_code == 200
    page = "/admin/billing/depositrule/add/"
    for wrong in ({"hours": "0"}, {"hours": "721"}, {"hours": "24", "younger_than_days": "0"}, {"hours": ""}):
        answer = admin.post(page, {"least": "0", "is_on": "on", **wrong})
        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors
    good = {"least": "50", "hours": "24", "younger_than_days": "7", "method": "", "is_on": "on"}
    assert admin.post(page, good).status_code == 302
    rule = DepositRule.objects.get()
    assert (rule.hours, rule.younger_than_days, rule.least, rule.method) == (24, 7, Decimal(50), None)
    listed = admin.get("/admin/billing/depositrule/").content.decode()
    assert "Every method" in listed
    assert StaffAction.objects.filter(object_type="billing.depositrule").exists()


def test_the_owner_releases_a_deposit_with_a_reason(admin: Client, held: TopUp) -> None:
    path = f"/admin/billing/topup/{held.pk}/"
    page = admin.get(f"{path}change/").content.decode()
    assert "cannot be spent before" in page
    assert "Let it be spent now" in page
    admin.post(f"{path}release/", {"reason": ""})
    assert HeldDeposit.objects.get().released_at is None
    assert admin.get(f"{path}release/").status_code == 405
    admin.post(f"{path}release/", {"reason": "known for years"})
    assert HeldDeposit.objects.get().released_at is not None
    assert funds_of(held.customer).spendable == 20
    page = admin.get(f"{path}change/").content.decode()
    assert "was released at" in page
    assert "Let it be spent now" not in page
    assert StaffAction.objects.get(action="deposit.release").reason == "known for years"


def test_staff_who_may_only_look_release_nothing(held: TopUp) -> None:
    looker = User.objects.create_user("l@example.com", "correct horse battery", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_topup"))
    client = sign_in_staff(looker, Client())
    path = f"/admin/billing/topup/{held.pk}/"
    assert "Let it be spent now" not in client.get(f"{path}change/").content.decode()
    assert client.post(f"{path}release/", {"reason": "x"}).status_code == 403
    assert HeldDeposit.objects.get().released_at is None


def test_the_customer_reads_from_when_it_can_be_spent(held: TopUp) -> None:
    client = sign_in_customer(held.customer)
    for page in ("/wallet/", "/wallet/add/", f"/wallet/topups/{held.pk}/"):
        assert "Available from" in client.get(page).content.decode(), page
    other = sign_in_customer(customer("bob@example.com"))
    assert "Available from" not in other.get("/wallet/").content.decode()
