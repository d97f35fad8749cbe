"""Refunds of payments: out of the wallet first, asked for once, and back if the gateway refuses."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from billing.gateways.contract import Declined, NoAnswer, RefundDone
from billing.gateways.demo import GATEWAY
from billing.ledger import NotEnoughMoney, debit
from billing.models import PaymentRefund, TopUp, TopUpState
from billing.topups import refunding
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer, money
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def ask(topup: TopUp, amount: str = "4") -> PaymentRefund:
    return refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(amount), actor=shell_actor(),
        reason="Asked for it", now=database_now(),
    )  # fmt: skip


def send(**how: Any) -> int:
    return refunding.send_due(seconds=5, **{"is_frozen": False, **how})


def test_the_money_leaves_the_wallet_before_the_gateway_is_asked(topup: TopUp, alice: User) -> None:
    ask(topup)
    assert balance(alice) == 6
    # A look that does not see the refund yet gives nothing back.
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert balance(alice) == 6
    assert send() == 1
    assert looked(topup).taken == 4
    assert moved(topup) == {"topup": 10, "topup_refund": 4}
    assert send() == 0
    assert broken() == []


def test_a_frozen_shop_sends_no_refund(topup: TopUp) -> None:
    ask(topup)
    assert send(is_frozen=True) == 0
    assert send() == 1


def test_without_an_answer_it_is_asked_again_with_the_same_key(
    topup: TopUp, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []

    def answer(asked: Any, payment_id: str, amount: Decimal, key: str, config: Any) -> RefundDone:
        keys.append(key)
        if len(keys) == 1:
            raise NoAnswer("the line broke")
        return RefundDone("re_1")

    monkeypatch.setattr(GATEWAY, "refund", answer)
    refund = ask(topup)
    send()
    assert PaymentRefund.objects.get().state == "waiting"
    PaymentRefund.objects.update(next_at=database_now())
    send()
    assert keys == [refund.key] * 2
    assert PaymentRefund.objects.get().refund_id == "re_1"
    assert balance(alice) == 6


def test_the_owner_looks_at_a_gateway_that_never_answers(topup: TopUp, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[RefundDone] = []

    def answer(*_given: Any) -> RefundDone:
        if not answers:
            raise NoAnswer("too_large")
        return answers[0]

    monkeypatch.setattr(GATEWAY, "refund", answer)
    ask(topup)
    cause = f"topup:{topup.pk}:unanswered"
    for n in range(5):
        assert not Alert.objects.filter(cause=cause).exists(), n
        PaymentRefund.objects.update(next_at=database_now())
        send()
    assert "asked 5 times" in Alert.objects.get(cause=cause, closed_at=None).body
    answers.append(RefundDone("re_1"))
    PaymentRefund.objects.update(next_at=database_now())
    send()
    assert Alert.objects.get(cause=cause).closed_at


def test_what_the_gateway_refuses_is_back_in_the_wallet(
    topup: TopUp, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GATEWAY, "refund", lambda *_given: Declined("Too old"))
    ask(topup)
    send()
    assert balance(alice) == 10
    assert moved(topup) == {"topup": 10, "topup_refund": 4, "chargeback_back": 4}
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:refund").exists()
    assert TopUp.objects.get().state == TopUpState.PAID
    assert broken() == []


def test_a_wallet_that_spent_it_refuses(topup: TopUp, alice: User) -> None:
    debit(customer=alice, amount=money("7"), reason="Spent", reference="spent", actor="test")
    with pytest.raises(NotEnoughMoney):
        ask(topup)
    assert balance(alice) == 3
    assert PaymentRefund.objects.count() == 0
    assert ask(topup, "3").amount == 3
    assert balance(alice) == 0


@pytest.mark.parametrize("amount", ["0", "-1", "10.01", "NaN"])
def test_more_than_there_is_cannot_be_sent_back(topup: TopUp, alice: User, amount: str) -> None:
    with pytest.raises(Refusal):
        ask(topup, amount)
    assert balance(alice) == 10


def test_eight_people_at_once_send_back_no_more_than_was_paid(topup: TopUp, alice: User) -> None:
    def one(_n: int) -> bool:
        try:
            return bool(ask(topup))
        except Refusal:
            return False

    assert sum(all_at_once(one, 8)) == 2
    assert balance(alice) == 2
    assert broken() == []


def test_staff_send_back_in_the_admin(topup: TopUp, alice: User) -> None:
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    page = reverse("admin:billing_topup_refund", args=[topup.pk])
    boss.post(page, {"payment": str(topup.payments.get().pk), "amount": "2.5", "reason": "Asked for it"})
    assert balance(alice) == money("7.5")
    assert "2.50 USD" in boss.get(reverse("admin:billing_topup_change", args=[topup.pk])).content.decode()
    boss.post(page, {"payment": "999", "amount": "2.5", "reason": "Asked for it"})
    boss.post(page, {"payment": str(topup.payments.get().pk), "amount": "2.5", "reason": ""})
    assert balance(alice) == money("7.5")
