"""Transfers checked by hand: what people saw decides, two of them above a limit, and never twice."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import PaymentMethod, TopUp, TopUpState, TransferReview
from billing.topups import reviewing, surplus
from core.clock import database_now
from core.models import StaffAction
from core.refusals import Refusal
from core.staff_actions import Actor
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, looked, method, started
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)

DANA, ERIN = Actor("staff:7", "dana"), Actor("staff:8", "erin")


@pytest.fixture(autouse=True)
def is_demo(settings: Any) -> None:
    settings.DEMO = False


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    details = DRIVERS["manual"].settings | {"second_above": "100"}
    return started(alice, method("manual", name="Bank transfer", settings=details), "150")


def approve(topup: TopUp, actor: Actor = DANA, amount: str = "150", reason: str = "") -> TopUp:
    seen = Decimal(amount)
    return reviewing.approve(topup_id=topup.pk, amount=seen, actor=actor, reason=reason, now=database_now())


def test_the_customer_reads_what_to_pay_and_says_that_it_is_sent(topup: TopUp, alice: User) -> None:
    page = sign_in_customer(alice)
    html = " ".join(page.get(f"/wallet/topups/{topup.pk}/").content.decode().split())
    assert "DE02 1203 0000 0000 2020 51" in html
    assert topup.number in html
    assert "150.00 USD" in html
    page.post(f"/wallet/topups/{topup.pk}/sent/", {"sender": "Harbor Media ApS"})
    assert "Harbor Media ApS" in page.get(f"/wallet/topups/{topup.pk}/").content.decode()
    [alert] = Alert.objects.filter(closed_at=None)
    assert alert.cause == f"topup:{topup.pk}:sent"
    assert balance(alice) == 0


@pytest.mark.parametrize("sender", ["", "   ", "a\nb", "x" * 121])
def test_a_notice_without_a_name_is_refused(topup: TopUp, sender: str) -> None:
    with pytest.raises(Refusal):
        reviewing.give_notice(topup=topup, sender=sender, now=database_now())


def test_nobody_says_it_for_another_customer(topup: TopUp) -> None:
    page = sign_in_customer(customer("bob@example.com", has="0"))
    assert page.post(f"/wallet/topups/{topup.pk}/sent/", {"sender": "Bob"}).status_code == 404


def test_above_the_limit_two_different_people_approve(topup: TopUp, alice: User) -> None:
    assert approve(topup).state == TopUpState.PENDING
    assert balance(alice) == 0
    with pytest.raises(Refusal, match="Somebody else"):
        approve(topup)
    assert approve(topup, ERIN).state == TopUpState.PAID
    assert balance(alice) == 150
    assert StaffAction.objects.filter(action="topup.approve").count() == 2
    assert broken() == []


def small(alice: User) -> TopUp:
    details = DRIVERS["manual"].settings | {"second_above": "100"}
    return started(alice, method("manual", name="Bank", settings=details), "10")


def test_in_a_shop_of_one_the_second_approver_is_off(topup: TopUp, alice: User) -> None:
    page = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    User.objects.create_user("weak@example.com", is_staff=True)
    User.objects.create_superuser("left@example.com", is_active=False)
    path = reverse("admin:billing_topup_change", args=[topup.pk])
    assert "One approval is enough" in page.get(path).content.decode()
    page.post(reverse("admin:billing_topup_review", args=[topup.pk]), {"approve": "1", "amount": "150"})
    assert balance(alice) == 150
    # A second person who comes later changes nothing of it.
    User.objects.create_superuser("second@example.com")
    assert looked(topup).state == TopUpState.PAID
    assert broken() == []


def test_what_was_seen_counts_as_well_as_what_was_asked(alice: User) -> None:
    topup = small(alice)
    page = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    User.objects.create_superuser("second@example.com")
    path = reverse("admin:billing_topup_change", args=[topup.pk])
    assert "If you saw more than 100.00 USD, a second" in " ".join(page.get(path).content.decode().split())
    assert approve(topup, amount="5000").state == TopUpState.PENDING
    assert looked(topup).state == TopUpState.PENDING
    assert balance(alice) == 0
    assert "Two of your staff have to approve" in page.get(path).content.decode()
    assert approve(topup, ERIN, "5000").state == TopUpState.PAID
    surplus.credit_surplus(topup_id=topup.pk, actor=DANA, reason="Paid more", now=database_now())
    assert balance(alice) == 5000
    assert broken() == []


def test_a_surplus_above_the_limit_that_one_approved_needs_another(alice: User) -> None:
    """As of a transfer that was approved before the limit was set."""
    topup = small(alice)
    PaymentMethod.objects.update(settings=DRIVERS["manual"].settings)
    assert approve(topup, amount="5000").state == TopUpState.PAID
    PaymentMethod.objects.update(settings=DRIVERS["manual"].settings | {"second_above": "100"})
    facts: dict[str, Any] = {"topup_id": topup.pk, "reason": "Paid more", "now": database_now()}
    with pytest.raises(reviewing.CannotReview, match=r"5,?000\.00 USD came in, which needs two"):
        surplus.credit_surplus(actor=DANA, **facts)
    assert balance(alice) == 10
    surplus.credit_surplus(actor=ERIN, **facts)
    assert balance(alice) == 5000


def test_two_people_agree_on_the_amount(topup: TopUp, alice: User) -> None:
    approve(topup)
    with pytest.raises(Refusal, match=r"dana entered 150\.00 USD"):
        approve(topup, ERIN, "140")
    assert balance(alice) == 0


def test_what_came_in_is_credited_when_it_is_less(topup: TopUp, alice: User) -> None:
    approve(topup, amount="90")
    found = approve(topup, ERIN, "90")
    assert (found.state, found.credited) == (TopUpState.UNDERPAID, 90)
    assert balance(alice) == 90
    with pytest.raises(Refusal, match="decided already"):
        approve(topup, Actor("staff:9", "fay"), "60")


def test_a_rejection_has_a_reason_that_the_customer_reads(topup: TopUp, alice: User) -> None:
    with pytest.raises(Refusal, match="reason"):
        reviewing.reject(topup_id=topup.pk, actor=DANA, reason=" ", now=database_now())
    found = reviewing.reject(topup_id=topup.pk, actor=DANA, reason="No such transfer", now=database_now())
    assert found.state == TopUpState.FAILED
    html = sign_in_customer(alice).get(f"/wallet/topups/{topup.pk}/").content.decode()
    assert "No such transfer" in html
    with pytest.raises(Refusal):
        approve(topup)
    assert balance(alice) == 0


def test_eight_people_at_once_credit_once(topup: TopUp, alice: User) -> None:
    def one(n: int) -> str:
        try:
            return str(approve(topup, Actor(f"staff:{n}", f"p{n}")).state)
        except Refusal as refusal:
            return refusal.code

    all_at_once(one, 8)
    assert balance(alice) == 150
    assert broken() == []


def test_staff_approve_in_the_admin_only_with_the_right(topup: TopUp, alice: User) -> None:
    path = reverse("admin:billing_topup_review", args=[topup.pk])
    weak = User.objects.create_user("weak@example.com", is_staff=True)
    assert sign_in_staff(weak).post(path, {"approve": "1", "amount": "150"}).status_code == 403
    for boss in [User.objects.create_superuser(f"boss{n}@example.com") for n in range(2)]:
        page = sign_in_staff(boss)
        assert page.get(reverse("admin:billing_topup_change", args=[topup.pk])).status_code == 200
        page.post(path, {"approve": "1", "amount": "150,00"})
    assert balance(alice) == 150
    assert TransferReview.objects.count() == 2


def test_the_pages_of_another_method_take_no_notice(alice: User, settings: Any) -> None:
    settings.DEMO = True
    topup = started(alice, method(), "10")
    page: Client = sign_in_customer(alice)
    page.post(f"/wallet/topups/{topup.pk}/sent/", {"sender": "Alice"})
    assert topup.notices.count() == 0
