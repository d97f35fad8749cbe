"""A credited top-up that waits for the owner: nothing more is credited, and what goes back is taken all the same."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Declined, ReadState
from billing.gateways.demo import GATEWAY
from billing.ledger import NotEnoughMoney, debit
from billing.models import Account, PaymentMethod, PaymentRefund, TopUp, TopUpState
from billing.topups import deciding, refunding
from billing.topups.applying import apply
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, money
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, reading, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def by() -> PaymentMethod:
    return method(fee_percent=Decimal(10), bonus_percent=Decimal(20))


def says(topup: TopUp, *amounts: str, **facts: Any) -> TopUp:
    return apply(topup.pk, reading(topup, *amounts, **facts), cause="test", now=database_now())


def held(who: User, by: PaymentMethod, *amounts: str, **facts: Any) -> TopUp:
    """A top-up of 50 that was credited for these amounts, and is held since the gateway names another mode."""
    topup = started(who, by, "50")
    says(topup, *amounts, **facts)
    found = says(topup, *amounts, is_live=not topup.is_live)
    assert found.state == TopUpState.HELD
    return found


def ask(topup: TopUp, amount: str, **how: Any) -> PaymentRefund:
    return refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.order_by("pk")[0].pk, amount=Decimal(amount),
        actor=shell_actor(), reason="Asked for it", now=database_now(), **how,
    )  # fmt: skip


def accept(topup: TopUp) -> TopUp:
    return deciding.decide(
        topup_id=topup.pk, accept=True, actor=shell_actor(), reason="Looked into it", now=database_now()
    )


def alerts(topup: TopUp, name: str) -> int:
    return Alert.objects.filter(cause=f"topup:{topup.pk}:{name}", closed_at=None).count()


def test_a_refund_after_another_deposit_in_another_coin_leaves_the_wallet_first(alice: User) -> None:
    driver = DRIVERS["nowpayments"]
    topup = started(alice, method("nowpayments", "Coins"), "25", choice="usdttrc20")
    driver.pays(topup)
    looked(topup)
    assert driver.calls(topup, driver.fake.redeposit(topup.remote_id, "3", pay_currency="btc"))
    assert looked(topup).state == TopUpState.HELD
    assert balance(alice) == 25
    ask(topup, "25")
    assert (balance(alice), moved(topup)) == (0, {"topup": 25, "topup_refund": 25})
    assert looked(topup).state == TopUpState.HELD
    assert accept(topup).state == TopUpState.REFUNDED
    assert balance(alice) == 0
    assert broken() == []


def test_a_refund_takes_its_share_of_fee_and_bonus_and_nothing_twice(alice: User, by: PaymentMethod) -> None:
    topup = held(alice, by, "55")
    assert balance(alice) == 60
    ask(topup, "27.5")
    assert balance(alice) == 30
    after = moved(topup)
    assert after == {
        "topup": 50, "topup_fee": 5, "bonus": 10, "topup_refund": 25, "bonus_back": 5, "fee": money("2.5"),
    }  # fmt: skip
    says(topup, "55", refunded="27.5")
    assert (moved(topup), TopUp.objects.get().taken) == (after, 25)
    assert accept(topup).state == TopUpState.PART_REFUNDED
    assert moved(topup) == after
    assert broken() == []


def test_a_refund_that_the_wallet_cannot_give_is_not_sent(alice: User, by: PaymentMethod) -> None:
    topup = held(alice, by, "55")
    debit(customer=alice, amount=money("55"), reason="Spent", reference="spent", actor="test")
    with pytest.raises(NotEnoughMoney):
        ask(topup, "55")
    assert (balance(alice), PaymentRefund.objects.count()) == (5, 0)
    ask(topup, "55", bears_rest=True)
    assert balance(alice) == 0
    assert (moved(topup)["bonus_back"], moved(topup)["chargeback_loss"]) == (5, 50)
    assert Account.objects.get(customer=alice).frozen_at is None
    assert broken() == []


def test_a_refund_that_the_gateway_refuses_is_back_in_the_wallet(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup = held(alice, by, "55")
    monkeypatch.setattr(GATEWAY, "refund", lambda *_given: Declined("Too old"))
    ask(topup, "55")
    assert balance(alice) == 0
    assert refunding.send_due(seconds=5, is_frozen=False) == 1
    assert (balance(alice), TopUp.objects.get().state) == (60, TopUpState.HELD)
    assert broken() == []


def test_a_chargeback_is_taken_and_freezes_the_wallet_and_comes_back_when_it_is_won(
    alice: User, by: PaymentMethod
) -> None:
    topup = held(alice, by, "55")
    debit(customer=alice, amount=money("35"), reason="Spent", reference="spent", actor="test")
    found = says(topup, "55", charged_back="55")
    assert (found.state, found.taken, balance(alice)) == (TopUpState.HELD, 50, 0)
    assert moved(topup)["chargeback_loss"] == 35
    assert Account.objects.get(customer=alice).frozen_at is not None
    assert (alerts(topup, "chargeback"), alerts(topup, "decide")) == (1, 1)
    assert (says(topup, "55").taken, moved(topup)["loss_back"]) == (0, 35)
    assert broken() == []


def test_of_a_part_only_the_part_is_taken_and_no_more_is_credited(alice: User) -> None:
    by = method(takes_less=True, fee_percent=Decimal(10), bonus_percent=Decimal(20))
    topup = held(alice, by, "18.34567", state=ReadState.UNDERPAID)
    credit = balance(alice)
    assert (credit, moved(topup)["topup_fee"]) == (money("16.67788"), money("1.66778"))
    # The rest comes, and a part goes back: what is left is more than what was credited.
    assert says(topup, "18.34567", "36.65433", refunded="10").state == TopUpState.HELD
    assert (balance(alice), moved(topup)) == (credit, {"topup": credit, "topup_fee": money("1.66778")})
    says(topup, "18.34567", "36.65433", refunded="18.34567", charged_back="0")
    assert balance(alice) == credit
    assert accept(topup).credited == 50
    assert broken() == []


def test_of_a_part_all_goes_back_with_its_fee(alice: User) -> None:
    by = method(takes_less=True, fee_percent=Decimal(10))
    topup = held(alice, by, "18.34567", state=ReadState.UNDERPAID)
    for _again in range(2):
        says(topup, "18.34567", refunded="18.34567")
        assert balance(alice) == 0
    assert moved(topup) == {
        "topup": money("16.67788"), "topup_refund": money("16.67788"),
        "topup_fee": money("1.66778"), "fee": money("1.66778"),
    }  # fmt: skip
    assert broken() == []


def test_the_owner_reads_that_a_credited_topup_waits(alice: User, by: PaymentMethod) -> None:
    topup = held(alice, by, "55")
    assert alerts(topup, "decide") == 1
    accept(topup)
    assert alerts(topup, "decide") == 0
