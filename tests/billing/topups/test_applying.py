"""One credit whatever a gateway says, in whatever order, and however often."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import ReadState
from billing.models import Account, AccountKind, Code, PaymentMethod, TopUp, TopUpPayment, TopUpState, Transfer
from billing.topups.applying import apply
from billing.topups.deciding import decide
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import broken, method, moved, reading, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def by() -> PaymentMethod:
    return method()


@pytest.fixture
def topup(alice: User, by: PaymentMethod) -> TopUp:
    return started(alice, by, "10")


def says(topup: TopUp, *amounts: str, **facts: Any) -> TopUp:
    return apply(topup.pk, reading(topup, *amounts, **facts), cause="test", now=database_now())


def test_the_rest_that_comes_later_completes_a_part(topup: TopUp, alice: User) -> None:
    assert says(topup, "4", state=ReadState.PENDING).state == TopUpState.PENDING
    assert balance(alice) == 0
    assert says(topup, "4", "6").state == TopUpState.PAID
    assert moved(topup) == {"topup": money("10")}
    assert Transfer.objects.get(reference=f"topup:{topup.pk}").key == f"topup:{topup.pk}:credit"


def test_an_owner_who_takes_less_credits_a_part_at_once_and_the_rest_later(alice: User) -> None:
    topup = started(alice, method(takes_less=True, fee_percent=Decimal(10)), "10")
    assert topup.pay_amount == 11
    assert says(topup, "5.5", state=ReadState.UNDERPAID).state == TopUpState.UNDERPAID
    assert moved(topup) == {"topup": money("5"), "topup_fee": money("0.5")}
    assert says(topup, "5.5", "5.5").state == TopUpState.PAID
    assert moved(topup) == {"topup": money("10"), "topup_fee": money("1")}
    assert broken() == []


def test_more_than_was_asked_for_is_credited_as_asked(topup: TopUp, alice: User) -> None:
    found = says(topup, "10", "3")
    assert (found.state, found.received, found.credited) == (TopUpState.PAID, 13, 10)
    assert balance(alice) == 10
    # What was too much goes back, and nothing is taken from the wallet.
    assert says(topup, "10", "3", refunded="3").credited == 10
    assert balance(alice) == 10


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"is_live": True}, "other mode"),
        ({"asked_amount": Decimal("1")}, "asked for 1 USD"),
        ({"asked_currency": "EUR"}, "asked for 10"),
        ({"currency": "EUR"}, "not the currency"),
        ({"currency": "USDT"}, "not the currency"),
        ({"state": ReadState.HELD, "why": "Settled by hand."}, "Settled by hand"),
        ({"payments": ()}, "names no payment"),
        ({"payments": (), "state": ReadState.UNDERPAID}, "names no payment"),
    ],
)
def test_what_does_not_fit_waits_for_the_owner(topup: TopUp, alice: User, facts: dict[str, Any], why: str) -> None:
    found = says(topup, "10", **facts)
    assert found.state == TopUpState.HELD
    assert why in found.why
    assert balance(alice) == 0
    [alert] = Alert.objects.filter(closed_at=None)
    assert alert.cause == f"topup:{topup.pk}:decide"
    # A reading that fits does not decide it.
    assert says(topup, "10").state == TopUpState.HELD
    assert balance(alice) == 0


def test_a_payment_of_another_topup_is_not_credited_twice(topup: TopUp, alice: User, by: PaymentMethod) -> None:
    says(topup, "10")
    bob = customer("bob@example.com", has="0")
    other = started(bob, by, "10")
    stolen = reading(topup, "10")
    found = apply(other.pk, stolen, cause="test", now=database_now())
    assert found.state == TopUpState.HELD
    assert f"belongs to top-up T-{topup.pk}" in found.why
    assert balance(bob) == 0
    assert balance(alice) == 10


def test_a_payment_that_shrinks_waits_for_the_owner_and_nothing_is_taken(topup: TopUp, alice: User) -> None:
    says(topup, "10")
    assert says(topup, "1").state == TopUpState.HELD
    assert balance(alice) == 10
    assert TopUpPayment.objects.get().amount == 10
    # What went back is taken all the same.
    assert says(topup, "1", refunded="4").state == TopUpState.HELD
    assert balance(alice) == 6
    assert broken() == []


@pytest.mark.parametrize("state", [ReadState.FAILED, ReadState.EXPIRED, ReadState.PAID])
def test_a_payment_that_disappears_waits_for_the_owner_once(topup: TopUp, alice: User, state: ReadState) -> None:
    says(topup, "10")
    assert says(topup).state == TopUpState.PAID  # It may only be checked anew.
    found = says(topup, state=state)
    assert (found.state, balance(alice)) == (TopUpState.HELD, 10)
    assert "does not name payment" in found.why
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:decide", closed_at=None, times=1).exists()
    accept(topup)
    for _again in range(2):
        assert says(topup, state=state).state == TopUpState.PAID
    assert Alert.objects.filter(closed_at=None).count() == 0
    assert balance(alice) == 10


def test_what_the_owner_accepted_and_disappears_later_opens_an_alert_once(topup: TopUp, alice: User) -> None:
    says(topup, "4", state=ReadState.UNDERPAID)
    accept(topup)
    for _again in range(2):
        assert says(topup, state=ReadState.FAILED).state == TopUpState.UNDERPAID
    assert Alert.objects.get(closed_at=None).cause == f"topup:{topup.pk}:warning"
    assert (Alert.objects.get(closed_at=None).times, balance(alice)) == (1, 4)


def test_a_payment_that_went_back_may_disappear(topup: TopUp, alice: User) -> None:
    says(topup, "10", refunded="10")
    assert says(topup, state=ReadState.FAILED).state == TopUpState.REFUNDED
    assert balance(alice) == 0


def test_a_late_payment_is_credited(topup: TopUp, alice: User) -> None:
    assert says(topup, state=ReadState.EXPIRED).state == TopUpState.EXPIRED
    assert says(topup, "10").state == TopUpState.PAID
    assert balance(alice) == 10


def test_readings_in_any_order_leave_the_same_wallet(by: PaymentMethod) -> None:
    ends = set()
    story = [(), ("4",), ("4", "6"), ("4", "6", "5")]
    for n, order in enumerate(permutations(range(4))):
        who = customer(f"c{n}@example.com", has="0")
        topup = started(who, by, "10")
        for step in (*order, *order):
            says(topup, *story[step])
        ends.add((balance(who), TopUp.objects.get(pk=topup.pk).credited))
    assert ends == {(money("10"), money("10"))}
    assert broken() == []


def test_a_chargeback_known_before_the_payment_is_credited_and_taken_in_one_go(topup: TopUp, alice: User) -> None:
    found = says(topup, "10", charged_back="10")
    assert (found.state, found.credited, found.taken) == (TopUpState.CHARGED_BACK, 10, 10)
    assert balance(alice) == 0
    assert moved(topup) == {"topup": 10, "chargeback": 10}


def test_lost_won_and_lost_again(topup: TopUp, alice: User) -> None:
    says(topup, "10")
    spend_all(alice, "7")
    says(topup, "10", charged_back="10")
    assert (balance(alice), moved(topup)["chargeback_loss"]) == (0, money("7"))
    won = says(topup, "10")
    # The shop's loss is made good first, and the wallet gets what it paid.
    assert (balance(alice), won.state, won.taken) == (money("3"), TopUpState.PAID, 0)
    assert moved(topup)["loss_back"] == money("7")
    says(topup, "10", charged_back="10")
    assert balance(alice) == 0
    assert moved(topup)["chargeback"] == money("6")
    assert moved(topup)["chargeback_loss"] == money("14")
    assert broken() == []


def test_a_refund_and_a_chargeback_of_one_payment_take_it_once(topup: TopUp, alice: User) -> None:
    says(topup, "10")
    found = says(topup, "10", refunded="6", charged_back="10")
    assert found.taken == 10
    assert balance(alice) == 0


def test_a_part_refund_takes_its_share_of_bonus_and_fee(alice: User) -> None:
    by = method(fee_percent=Decimal(10), bonus_percent=Decimal(20))
    topup = started(alice, by, "10")
    says(topup, "11")
    assert balance(alice) == 12
    says(topup, "11", refunded="5.5")
    assert balance(alice) == 6
    assert moved(topup) == {
        "topup": 10, "topup_fee": 1, "bonus": 2, "topup_refund": 5, "bonus_back": 1, "fee": money("0.5"),
    }  # fmt: skip
    # What the gateway account says is what is really left there.
    gateway = Account.objects.get(kind=AccountKind.GATEWAY)
    assert sum(t.amount * (1 if t.target_id == gateway.pk else -1) for t in Transfer.objects.filter(
        code__in=[Code.TOPUP, Code.TOPUP_FEE, Code.FEE, Code.TOPUP_REFUND])) == -money("5.5")  # fmt: skip
    assert broken() == []


def test_a_look_that_was_asked_for_meanwhile_is_kept(topup: TopUp) -> None:
    before = topup.next_look_at
    soon = database_now()
    TopUp.objects.filter(pk=topup.pk).update(next_look_at=soon)
    apply(topup.pk, reading(topup, "10"), cause="test", now=database_now(), seen=before)
    assert TopUp.objects.get().next_look_at == soon


def test_nothing_is_looked_at_for_ever(topup: TopUp) -> None:
    late = topup.watch_until + timedelta(seconds=1)
    found = apply(topup.pk, reading(topup), cause="test", now=late, seen=topup.next_look_at)
    assert (found.state, found.next_look_at) == (TopUpState.EXPIRED, None)


def accept(topup: TopUp) -> None:
    decide(topup_id=topup.pk, accept=True, actor=shell_actor(), reason="Looked into it", now=database_now())


def spend_all(who: User, amount: str) -> None:
    from billing.ledger import debit

    debit(customer=who, amount=money(amount), reason="Spent", reference="spent", actor="test")
