"""Refunds and disputes at Stripe, and what is listed after a restore: every wallet ends exactly right."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Declined, NoAnswer, RefundDone, RefundStarted
from billing.gateways.stripe import GATEWAY
from billing.models import Account, TopUp, TopUpState
from billing.models.topups import RefundState
from billing.topups import methods
from billing.topups.starting import asked_of
from core.clock import database_now
from notices.models import Alert
from tests.billing.cast import balance, money
from tests.billing.topups.cast import broken, looked, method, moved, started
from tests.billing.topups.stripe.driver import intent_of, refunds, sends
from tests.billing.topups.stripe.fake import FakeStripe, event

pytestmark = pytest.mark.django_db


def test_refund_after_refund_up_to_the_whole(paid: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    for amount, left, state in (("10", "15", "part_refunded"), ("15", "0", "refunded")):
        assert refunds(paid, amount).state == RefundState.DONE
        assert (looked(paid).state, balance(alice)) == (state, money(left))
    assert [one["amount"] for one in fake_stripe.refunds] == [1000, 1500]
    assert moved(paid) == {"topup": money("25"), "topup_refund": money("25")}
    assert broken() == []


def test_a_refund_of_the_dashboard_is_found_by_its_event(paid: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    intent = intent_of(fake_stripe, paid)
    fake_stripe.refund(intent["id"], 1000)
    charge = {**intent["latest_charge"], "payment_intent": intent["id"], "metadata": intent["metadata"]}
    assert sends(paid.method, event("charge.refunded", charge)) == 200
    assert balance(alice) == money("15")
    assert broken() == []


def test_a_refund_that_comes_back_days_later_is_in_the_wallet_again(
    paid: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    refund = refunds(paid, "10")
    assert balance(alice) == money("15")
    failed = fake_stripe.fail_refund(refund.refund_id)
    for _again in range(2):
        assert sends(paid.method, event("refund.failed", failed)) == 200
    refund.refresh_from_db()
    assert (refund.state, balance(alice)) == (RefundState.FAILED, money("25"))
    assert Alert.objects.filter(cause=f"topup:{paid.pk}:refund").count() == 1
    assert refunds(paid, "10").state == RefundState.DONE
    assert (balance(alice), broken()) == (money("15"), [])


def test_a_refund_whose_key_stripe_forgot_is_not_sent_again(paid: TopUp, fake_stripe: FakeStripe) -> None:
    asked, config = asked_of(paid), methods.config_of(paid.method)
    payment_id = paid.payments.get().payment_id
    first = GATEWAY.refund(asked, payment_id, Decimal(10), "a-key", config)
    fake_stripe.keys.clear()
    assert GATEWAY.refund(asked, payment_id, Decimal(10), "a-key", config) == first
    assert len(fake_stripe.refunds) == 1
    assert isinstance(GATEWAY.refund(asked, payment_id, Decimal(16), "b-key", config), Declined)


def test_a_key_that_is_refused_says_nothing_about_a_refund(paid: TopUp, fake_stripe: FakeStripe) -> None:
    """An earlier try may have been taken: its money is not put back."""
    refund = refunds(paid, "10")
    config = methods.config_of(paid.method)
    wrong = type(config)({**config.values, "secret_key": "sk_live_of_somebody_else"}, is_live=True)
    with pytest.raises(NoAnswer, match="HTTP 401"):
        GATEWAY.refund(asked_of(paid), refund.payment.payment_id, Decimal(10), refund.key, wrong)
    with pytest.raises(NoAnswer, match="HTTP 404"):
        GATEWAY.refund(asked_of(paid), "pi_unknown", Decimal(10), "another", config)


@pytest.mark.parametrize(
    ("status", "answer"),
    [("succeeded", RefundDone), ("pending", RefundStarted), ("requires_action", RefundStarted), ("failed", Declined)],
)
def test_each_state_of_a_refund_is_understood(
    paid: TopUp, fake_stripe: FakeStripe, status: str, answer: type[Any]
) -> None:
    payment_id = paid.payments.get().payment_id
    fake_stripe.refund(payment_id, 1000, {"key": "a-key"}, status)
    found = GATEWAY.refund(asked_of(paid), payment_id, Decimal(10), "a-key", methods.config_of(paid.method))
    assert isinstance(found, answer)


def test_an_inquiry_alerts_the_owner_and_moves_nothing(paid: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    dispute = fake_stripe.dispute(paid.remote_id, "warning_needs_response")
    assert sends(paid.method, event("charge.dispute.created", dispute)) == 200
    assert balance(alice) == money("25")
    assert Account.objects.get(customer=alice).frozen_at is None
    alert = Alert.objects.get(cause=f"topup:{paid.pk}:dispute")
    dispute["status"] = "warning_closed"
    assert sends(paid.method, event("charge.dispute.closed", dispute)) == 200
    alert.refresh_from_db()
    assert alert.closed_at is not None


def test_an_early_warning_of_fraud_alerts_the_owner(paid: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    warning = {"id": "issfr_1", "livemode": True, "payment_intent": intent_of(fake_stripe, paid)["id"]}
    assert sends(paid.method, event("radar.early_fraud_warning.created", warning)) == 200
    assert "may be fraud" in Alert.objects.get(cause=f"topup:{paid.pk}:warning").body
    assert (balance(alice), Account.objects.get(customer=alice).frozen_at) == (money("25"), None)


def test_a_dispute_freezes_then_takes_and_gives_back_when_it_is_won(
    paid: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    dispute = fake_stripe.dispute(paid.remote_id, "needs_response")
    assert sends(paid.method, event("charge.dispute.created", dispute)) == 200
    assert balance(alice) == money("25")
    assert Account.objects.get(customer=alice).frozen_at is not None
    move = {"currency": "usd", "fee": 0}
    dispute["balance_transactions"] = [{**move, "amount": -2500}]
    assert sends(paid.method, event("charge.dispute.funds_withdrawn", dispute)) == 200
    assert (looked(paid).state, balance(alice)) == (TopUpState.CHARGED_BACK, 0)
    dispute |= {"status": "won"}
    dispute["balance_transactions"].append({**move, "amount": 2500})
    assert sends(paid.method, event("charge.dispute.funds_reinstated", dispute)) == 200
    assert (looked(paid).state, balance(alice)) == (TopUpState.PAID, money("25"))
    # The bank disputes it again, and wins.
    fake_stripe.dispute(paid.remote_id, "lost", -2500)
    assert (looked(paid).state, balance(alice)) == (TopUpState.CHARGED_BACK, 0)
    assert broken() == []


def test_refunded_and_disputed_counts_once(paid: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    refunds(paid, "10")
    fake_stripe.dispute(paid.remote_id, "lost", -2500)
    assert looked(paid).state == TopUpState.CHARGED_BACK
    assert balance(alice) == 0
    codes = moved(paid)
    assert codes["topup_refund"] + codes["chargeback"] == money("25")
    assert broken() == []


def test_what_happened_before_the_first_look_is_found_in_one(
    topup: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    fake_stripe.pay(topup.remote_id)
    fake_stripe.refund(intent_of(fake_stripe, topup)["id"], 500)
    fake_stripe.dispute(topup.remote_id, "lost", -2000)
    assert looked(topup).state == TopUpState.CHARGED_BACK
    assert (balance(alice), broken()) == (0, [])


def test_every_order_of_events_ends_with_the_same_wallet(alice: User, fake_stripe: FakeStripe) -> None:
    by = method("stripe", "Card")
    for order in itertools.permutations(range(4)):
        topup = started(alice, by, "25")
        fake_stripe.pay(topup.remote_id)
        intent = intent_of(fake_stripe, topup)
        refund = fake_stripe.refund(intent["id"], 1000)
        dispute = fake_stripe.dispute(topup.remote_id, "warning_closed")
        charge = {**intent["latest_charge"], "payment_intent": intent["id"], "metadata": intent["metadata"]}
        bodies = [
            event("checkout.session.completed", fake_stripe.sessions[topup.remote_id]),
            event("charge.refunded", charge),
            event("refund.created", refund),
            event("charge.dispute.closed", dispute),
        ]
        for n in order:
            assert sends(by, bodies[n]) == 200
        assert moved(looked(topup)) == {"topup": money("25"), "topup_refund": money("10")}, order
    assert (balance(alice), broken()) == (24 * money("15"), [])


def test_what_was_paid_since_a_dump_is_listed(alice: User, fake_stripe: FakeStripe) -> None:
    by = method("stripe", "Card")
    config, before = methods.config_of(by), database_now() - timedelta(minutes=1)
    topups = [started(alice, by, amount) for amount in ("25", "26", "27", "28")]
    for topup in topups[:3]:
        fake_stripe.pay(topup.remote_id)
    fake_stripe.sessions[topups[0].remote_id]["client_reference_id"] = None  # another site on the same account
    # Subscriptions and what cannot be read are passed over.
    odd = {"status": "complete", "created": int(database_now().timestamp())}
    fake_stripe.sessions["cs_1"] = {**odd, "id": "cs_1", "mode": "subscription"}
    fake_stripe.sessions["cs_2"] = {**odd, "id": "cs_2", "payment_status": "paid", "client_reference_id": "of another"}
    fake_stripe.page_size = 1
    found = GATEWAY.list_payments(before, config)
    assert [(one.reference, one.remote_id, one.amount, one.currency) for one in found] == [
        (topup.reference, topup.remote_id, topup.pay_amount, "USD") for topup in (topups[2], topups[1])
    ]
    assert found[0].payment_id == intent_of(fake_stripe, topups[2])["id"]
    assert before < found[0].paid_at < database_now() + timedelta(seconds=1)
    assert GATEWAY.list_payments(database_now() + timedelta(hours=1), config) == []
    fake_stripe.broken = 1
    with pytest.raises(NoAnswer):
        GATEWAY.list_payments(before, config)
