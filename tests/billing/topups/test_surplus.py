"""What came in and was not credited: credited above, written off, or sent back at the shop's cost."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from billing.ledger import debit
from billing.models import Account, Document, TopUp, TopUpState
from billing.topups import deciding, refunding, surplus
from billing.topups.applying import apply
from billing.topups.uncredited import is_uncredited
from core.clock import database_now
from core.models import StaffAction
from core.refusals import Refusal
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, reading, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


def facts() -> dict[str, Any]:
    return {"actor": shell_actor(), "reason": "Asked for it", "now": database_now()}


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    """Ten were asked for, and 14 came."""
    topup = started(alice, method(), "10")
    return apply(topup.pk, reading(topup, "14"), cause="look", now=database_now())


def listed() -> set[int]:
    return set(TopUp.objects.filter(is_uncredited()).values_list("pk", flat=True))


def alerts() -> list[str]:
    """The open alerts, by what they are about and how often they were raised."""
    return [f"{alert.cause.split(':')[2]} {alert.times}" for alert in Alert.objects.filter(closed_at=None)]


def test_what_was_paid_above_is_credited_once(topup: TopUp, alice: User) -> None:
    assert balance(alice) == 10
    assert (listed(), alerts()) == ({topup.pk}, ["surplus 1"])
    surplus.credit_surplus(topup_id=topup.pk, **facts())
    assert balance(alice) == 14
    assert (listed(), alerts()) == (set(), [])
    with pytest.raises(surplus.NothingLeft):
        surplus.credit_surplus(topup_id=topup.pk, **facts())
    apply(topup.pk, reading(topup, "14"), cause="look", now=database_now())
    assert (balance(alice), moved(topup)) == (14, {"topup": 14})
    assert [each.amount for each in Document.objects.order_by("pk")] == [10, 4]
    assert StaffAction.objects.filter(action="topup.surplus", reason="Asked for it").exists()
    assert broken() == []


def test_while_it_is_being_checked_nothing_above_is_credited(topup: TopUp, alice: User) -> None:
    apply(topup.pk, reading(topup, "14", is_live=True), cause="look", now=database_now())
    assert (listed(), alerts()) == (set(), ["decide 1"])
    for _again in range(2):
        with pytest.raises(surplus.NothingLeft, match="Decide about this top-up first"):
            surplus.credit_surplus(topup_id=topup.pk, **facts())
    decide = {"topup_id": topup.pk, "accept": True, **facts()}
    assert deciding.decide(**decide).credited == 10
    assert (listed(), alerts()) == ({topup.pk}, ["surplus 1"])
    surplus.credit_surplus(topup_id=topup.pk, **facts())
    assert balance(alice) == 14
    assert broken() == []


def test_a_refund_of_it_takes_that_much(topup: TopUp, alice: User) -> None:
    surplus.credit_surplus(topup_id=topup.pk, **facts())
    apply(topup.pk, reading(topup, "14", refunded="7"), cause="look", now=database_now())
    assert balance(alice) == 7
    apply(topup.pk, reading(topup, "14", refunded="14"), cause="look", now=database_now())
    assert balance(alice) == 0
    assert broken() == []


def test_a_refund_of_what_was_never_credited_takes_nothing(topup: TopUp, alice: User) -> None:
    apply(topup.pk, reading(topup, "14", refunded="4"), cause="look", now=database_now())
    assert balance(alice) == 10
    assert (listed(), alerts()) == (set(), [])
    with pytest.raises(surplus.NothingLeft):
        surplus.credit_surplus(topup_id=topup.pk, **facts())


def test_what_comes_after_a_rejection_is_listed_until_it_is_settled(alice: User) -> None:
    topup = started(alice, method(), "10")
    apply(topup.pk, reading(topup, "3", state="underpaid"), cause="look", now=database_now())
    deciding.decide(topup_id=topup.pk, accept=False, **facts())
    # What was rejected is still here, and the owner knows.
    assert (listed(), alerts()) == ({topup.pk}, [])
    for _again in range(2):
        apply(topup.pk, reading(topup, "3", "7"), cause="look", now=database_now())
    assert (TopUp.objects.get().state, balance(alice)) == (TopUpState.FAILED, 0)
    assert (listed(), alerts()) == ({topup.pk}, ["surplus 1"])
    surplus.write_off(topup_id=topup.pk, **facts())
    assert (listed(), alerts()) == (set(), [])


def test_the_rounding_of_a_coin_is_nothing_to_decide(alice: User) -> None:
    topup = started(alice, method(), "10")
    apply(topup.pk, reading(topup, "10.00499"), cause="look", now=database_now())
    assert (listed(), alerts()) == (set(), [])
    apply(topup.pk, reading(topup, "10.01"), cause="look", now=database_now())
    assert (listed(), alerts()) == ({topup.pk}, ["surplus 1"])


def test_what_is_written_off_is_off_the_list_and_moves_nothing(topup: TopUp, alice: User) -> None:
    surplus.write_off(topup_id=topup.pk, **facts())
    assert TopUp.objects.get().written_off == 4
    assert surplus.uncredited(TopUp.objects.get()) == 0
    assert (listed(), alerts()) == (set(), [])
    with pytest.raises(surplus.NothingLeft):
        surplus.write_off(topup_id=topup.pk, **facts())
    assert balance(alice) == 10
    assert broken() == []


def test_writing_off_a_part_payment_rejects_it(alice: User) -> None:
    topup = started(alice, method(), "10")
    topup = apply(topup.pk, reading(topup, "3", state="underpaid"), cause="look", now=database_now())
    assert topup.state == TopUpState.UNDERPAID
    assert surplus.write_off(topup_id=topup.pk, **facts()).state == TopUpState.FAILED
    assert balance(alice) == 0


def test_the_shop_bears_what_the_wallet_does_not_hold_if_it_says_so(alice: User) -> None:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup)
    looked(topup)
    debit(customer=alice, amount=money("7"), reason="Spent", reference="spent", actor="test")
    given = {"topup_id": topup.pk, "payment_id": topup.payments.get().pk, "amount": Decimal(10)}
    with pytest.raises(Refusal):
        refunding.ask_refund(**given, **facts())
    refunding.ask_refund(**given, **facts(), bears_rest=True)
    assert balance(alice) == 0
    assert moved(topup) == {"topup": 10, "topup_refund": 3, "chargeback_loss": 7}
    assert Account.objects.get(customer=alice).frozen_at is None
    assert broken() == []


def test_staff_settle_it_in_the_admin(topup: TopUp, alice: User) -> None:
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    shown = boss.get(reverse("admin:billing_topup_change", args=[topup.pk])).content.decode()
    assert "4.00 USD came in" in " ".join(shown.split())
    page = reverse("admin:billing_topup_surplus", args=[topup.pk])
    boss.post(page, {"credit": "1", "reason": ""})
    assert balance(alice) == 10
    boss.post(page, {"credit": "1", "reason": "He asked"})
    assert balance(alice) == 14
    assert boss.get(reverse("admin:billing_transfer_changelist") + "?large=1").status_code == 200
