"""Refunds that staff send themselves: out of the wallet first, then sent with a transaction or put back."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.gateways.contract import Ability
from billing.gateways.registry import all_gateways
from billing.models import PaymentRefund, TopUp, TopUpState
from billing.topups import refunding, refunds_by_hand
from billing.topups.refunding import CannotRefund
from core.clock import database_now
from core.models import StaffAction
from core.refusals import Refusal
from core.staff_actions import shell_actor
from notices.models import Alert
from orders import freezing
from tests.billing.cast import balance, customer
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, looked, method, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)

BY_HAND = [name for name, each in sorted(all_gateways().items()) if Ability.REFUND_BY_HAND in each.spec.abilities]
TRANSACTION = "9f2c4b7e0d6a4f1c8b3e5a7d9c1f2e4b"


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture(params=BY_HAND)
def topup(request: pytest.FixtureRequest, alice: User) -> TopUp:
    topup = started(alice, method(request.param, name="Coins"), "10")
    DRIVERS[request.param].pays(topup)
    return looked(topup)


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


def ask(topup: TopUp, amount: str = "4") -> PaymentRefund:
    return refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(amount), actor=shell_actor(),
        reason="Asked for it", now=database_now(),
    )  # fmt: skip


def sent(refund: PaymentRefund, transaction_id: str = TRANSACTION) -> PaymentRefund:
    return refunds_by_hand.mark_sent(
        topup_id=refund.payment.topup_id, refund_id=refund.pk, transaction_id=transaction_id, actor=shell_actor(),
        now=database_now(),
    )  # fmt: skip


def alerts() -> int:
    return Alert.objects.filter(cause__endswith=":by_hand", closed_at=None).count()


def test_it_is_out_of_the_wallet_and_waits_for_staff(topup: TopUp, alice: User) -> None:
    refund = ask(topup)
    assert refund.state == "by_hand"
    assert balance(alice) == 6
    assert alerts() == 1
    assert refunding.send_due(seconds=5, is_frozen=False) == 0
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert balance(alice) == 6
    assert sent(refund).refund_id == TRANSACTION
    assert alerts() == 0
    assert looked(topup).taken == 4
    with pytest.raises(CannotRefund):
        sent(refund)
    assert StaffAction.objects.filter(action="topup.refund_sent", reason=TRANSACTION).count() == 1
    assert broken() == []


def test_staff_settle_it_in_the_admin_and_the_customer_reads_the_transaction(
    topup: TopUp, alice: User, boss: Client
) -> None:
    change, page = (reverse(f"admin:billing_topup_{name}", args=[topup.pk]) for name in ("change", "refund_by_hand"))
    payment = str(topup.payments.get().pk)
    for amount in ("4", "3"):
        given = {"payment": payment, "amount": amount, "reason": "Asked for it"}
        boss.post(reverse("admin:billing_topup_refund", args=[topup.pk]), given)
    first, second = PaymentRefund.objects.all()
    assert boss.get(change).content.count(b"It is sent") == 2
    # Nothing is settled without a transaction, by an address of one, or without a reason.
    for button, words in (("sent", " "), ("sent", "https://x.test/1"), ("not_sent", "")):
        boss.post(page, {"refund": first.pk, "words": words, button: "1"})
    assert {r.state for r in PaymentRefund.objects.all()} == {"by_hand"}
    boss.post(page, {"refund": first.pk, "words": TRANSACTION, "sent": "1"})
    assert balance(alice) == 3
    assert alerts() == 1
    for _twice in range(2):
        boss.post(page, {"refund": second.pk, "words": "Wrong address", "not_sent": "1"})
    assert balance(alice) == 6
    assert alerts() == 0
    shown = boss.get(change).content.decode()
    assert TRANSACTION in shown
    assert "It is sent" not in shown
    hers = Client()
    hers.force_login(alice)
    assert TRANSACTION in hers.get(f"/wallet/topups/{topup.pk}/").content.decode()
    assert broken() == []


def test_a_refund_of_another_top_up_is_not_settled(topup: TopUp, alice: User) -> None:
    refund, other = ask(topup), started(alice, method(), "10")
    with pytest.raises(CannotRefund):
        refunds_by_hand.mark_not_sent(
            topup_id=other.pk, refund_id=refund.pk, actor=shell_actor(), reason="No", now=database_now()
        )
    assert balance(alice) == 6


def test_a_frozen_shop_settles_none(topup: TopUp, alice: User) -> None:
    refund = ask(topup)
    freezing.freeze(why="another timeline", now=database_now(), is_restored=True)
    with pytest.raises(Refusal):
        sent(refund)
    assert PaymentRefund.objects.get().state == "by_hand"


def test_eight_people_put_it_back_once(topup: TopUp, alice: User) -> None:
    refund = ask(topup)

    def one(_n: int) -> bool:
        try:
            return bool(
                refunds_by_hand.mark_not_sent(
                    topup_id=topup.pk, refund_id=refund.pk, actor=shell_actor(), reason="No", now=database_now()
                )
            )
        except Refusal:
            return False

    assert sum(all_at_once(one, 8)) == 1
    assert balance(alice) == 10
    assert broken() == []
