"""Payments at Stripe from start to end, at a server that answers as Stripe does: every wallet ends exactly right."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Declined, NoAnswer
from billing.gateways.stripe import GATEWAY
from billing.models import GatewayEvent, PaymentMethod, TopUp, TopUpState
from billing.models.topups import RefundState
from billing.topups import looking, methods
from billing.topups.starting import asked_of
from tests.billing.cast import balance, money
from tests.billing.topups.cast import broken, looked, method, moved, started
from tests.billing.topups.stripe.driver import refunds, sends
from tests.billing.topups.stripe.fake import KEY, SECRET, TEST_KEY, FakeStripe, event

pytestmark = pytest.mark.django_db


# What is asked of Stripe


def test_a_session_is_asked_for_as_stripe_wants_it(topup: TopUp, fake_stripe: FakeStripe) -> None:
    [(verb, path, asked)] = fake_stripe.calls
    assert (verb, path, asked["mode"]) == ("POST", "/v1/checkout/sessions", "payment")
    assert asked["client_reference_id"] == topup.reference
    assert asked["metadata"] == asked["payment_intent_data"]["metadata"] == {"topup": topup.reference}
    price = asked["line_items"]["0"]["price_data"]
    assert (price["currency"], price["unit_amount"], price["product_data"]["name"]) == ("usd", "2500", topup.number)
    assert int(asked["expires_at"]) == int(topup.expires_at.timestamp())
    assert asked["success_url"].endswith(f"/{topup.pk}/?back=1")
    assert list(fake_stripe.keys) == [topup.reference]
    assert topup.pay_url == f"https://checkout.stripe.com/c/pay/{topup.remote_id}"


@pytest.mark.parametrize(
    ("currency", "rate", "units", "pay"),
    [("JPY", "151.337", "3784", "3784"), ("KWD", "0.3071", "7680", "7.68"), ("HUF", "356.1", "890300", "8903")],
)
def test_amounts_are_written_in_the_units_of_their_currency(
    alice: User, fake_stripe: FakeStripe, currency: str, rate: str, units: str, pay: str
) -> None:
    by = method("stripe", "Card", currency=currency, exchange_rate=Decimal(rate))
    topup = started(alice, by, "25")
    assert fake_stripe.calls[0][2]["line_items"]["0"]["price_data"]["unit_amount"] == units
    assert topup.pay_amount == Decimal(pay)
    fake_stripe.pay(topup.remote_id)
    assert looked(topup).state == TopUpState.PAID
    assert balance(alice) == money("25")


def test_a_start_that_broke_off_finds_the_same_session(alice: User, fake_stripe: FakeStripe) -> None:
    fake_stripe.silent = 1
    topup = started(alice, method("stripe"), "25")
    assert topup.state == TopUpState.CREATED
    found = looked(topup)
    assert (found.state, list(fake_stripe.sessions)) == (TopUpState.PENDING, [found.remote_id])


@pytest.mark.parametrize("trouble", ["broken", "silent", "raw"])
def test_trouble_on_the_way_is_no_answer(topup: TopUp, fake_stripe: FakeStripe, trouble: str) -> None:
    fake_stripe.pay(topup.remote_id)
    setattr(fake_stripe, trouble, b'{"id": "x' if trouble == "raw" else 1)
    assert looked(topup).state == TopUpState.PENDING
    fake_stripe.raw = None
    assert looked(topup).state == TopUpState.PAID


def test_an_answer_without_end_is_cut_off(topup: TopUp, fake_stripe: FakeStripe) -> None:
    fake_stripe.raw = b" " * 1_100_000
    with pytest.raises(NoAnswer):
        GATEWAY.fetch(asked_of(topup), frozenset(), methods.config_of(topup.method))


def test_another_request_under_the_same_key_is_refused_for_good(topup: TopUp, caplog: Any) -> None:
    asked = asked_of(topup)
    changed = type(asked)(**{**asked.__dict__, "amount": Decimal(26)})
    assert isinstance(GATEWAY.start(changed, methods.config_of(topup.method)), Declined)
    assert "another request under the same key" in caplog.text


def test_an_amount_that_stripe_does_not_take_is_declined(alice: User) -> None:
    topup = started(alice, method("stripe", least=Decimal("0.1")), "0.2")
    assert topup.state == TopUpState.FAILED
    assert "another one" in topup.why


def test_a_wrong_key_declines_and_is_found_by_the_test(alice: User) -> None:
    by = method("stripe")
    by.set_secrets({"secret_key": "sk_live_of_somebody_else", "webhook_secret": SECRET})
    by.save()
    assert started(alice, by, "25").state == TopUpState.FAILED
    assert GATEWAY.check(methods.config_of(by)) == ["Stripe does not know the secret key."]


@pytest.mark.parametrize(
    ("key", "is_live"),
    [(TEST_KEY, True), (KEY, False), ("pk_live_51Publishable00", True), ("rk_test_51Restricted", True)],
)
def test_a_key_of_the_other_mode_is_refused(key: str, is_live: bool) -> None:
    by = PaymentMethod(gateway="stripe", is_live=is_live)
    by.set_secrets({"secret_key": key, "webhook_secret": "we_1NotASigningSecret"})
    config = methods.config_of(by)
    assert set(GATEWAY.problems(config)) == {"secret_key", "webhook_secret"}
    assert len(GATEWAY.check(config)) == 2


# Paid, late, twice, not at all


def test_a_bank_debit_is_credited_days_later(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    fake_stripe.complete_unpaid(topup.remote_id)
    session = fake_stripe.sessions[topup.remote_id]
    assert sends(topup.method, event("checkout.session.completed", session)) == 200
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    fake_stripe.pay(topup.remote_id)
    assert sends(topup.method, event("checkout.session.async_payment_succeeded", session)) == 200
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, money("25"))


def test_after_its_time_the_session_is_ended_at_stripe(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    late = topup.expires_at + timedelta(minutes=1)
    assert looking.look(topup.pk, cause="look", now=late).state == TopUpState.EXPIRED
    assert fake_stripe.sessions[topup.remote_id]["status"] == "expired"
    assert balance(alice) == 0


def test_paid_at_the_last_moment_is_credited_and_not_ended(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    fake_stripe.pay(topup.remote_id)
    assert GATEWAY.cancel(asked_of(topup), methods.config_of(topup.method)) is False
    late = topup.expires_at + timedelta(minutes=1)
    assert looking.look(topup.pk, cause="look", now=late).state == TopUpState.PAID
    assert balance(alice) == money("25")


def test_a_session_alone_is_enough_to_credit(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    fake_stripe.is_bare = True
    fake_stripe.pay(topup.remote_id)
    paid = looked(topup)
    assert (paid.state, balance(alice)) == (TopUpState.PAID, money("25"))
    assert refunds(paid, "10").state == RefundState.DONE
    assert (looked(paid).state, balance(alice), broken()) == (TopUpState.PART_REFUNDED, money("15"), [])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>Not Found</html>"),
        (404, b"\xff"),
        (404, b'{"error": null}'),
        (405, b"{}"),
        (400, None),
        (405, None),
    ],
)
def test_what_an_account_does_not_show_is_no_reason_to_wait(
    topup: TopUp, alice: User, fake_stripe: FakeStripe, status: int, body: bytes | None
) -> None:
    fake_stripe.is_bare, fake_stripe.bare_status, fake_stripe.bare_body = True, status, body
    fake_stripe.pay(topup.remote_id)
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, money("25"))


@pytest.mark.parametrize(
    ("status", "body"), [(401, None), (403, None), (429, None), (400, b'{"error": {"code": "rate_limit"}}'), (503, b"")]
)
def test_a_part_of_the_answer_that_is_missing_is_asked_for_again(
    topup: TopUp, alice: User, fake_stripe: FakeStripe, status: int, body: bytes | None
) -> None:
    fake_stripe.is_bare, fake_stripe.bare_status, fake_stripe.bare_body = True, status, body
    fake_stripe.pay(topup.remote_id)
    found = looked(topup)
    assert (found.state, found.misses, balance(alice)) == (TopUpState.PENDING, 1, 0)


def test_refunds_and_disputes_of_a_charge_that_is_only_named_are_found(
    paid: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    fake_stripe.has_short_charges = True
    refund = refunds(paid, "10")
    assert (looked(paid).state, balance(alice)) == (TopUpState.PART_REFUNDED, money("15"))
    fake_stripe.fail_refund(refund.refund_id)
    assert (looked(paid).state, balance(alice)) == (TopUpState.PAID, money("25"))
    fake_stripe.dispute(paid.remote_id, "lost", -2500)
    assert (looked(paid).state, balance(alice), broken()) == (TopUpState.CHARGED_BACK, 0, [])


def test_a_bank_debit_that_failed_is_known_from_its_call_where_the_payment_is_not_shown(
    topup: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    fake_stripe.is_bare = True
    fake_stripe.complete_unpaid(topup.remote_id)
    session = fake_stripe.sessions[topup.remote_id]
    assert looked(topup).state == TopUpState.PENDING
    assert sends(topup.method, event("checkout.session.async_payment_failed", session)) == 200
    assert looked(topup).state == TopUpState.FAILED
    fake_stripe.pay(topup.remote_id)
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, money("25"))


def test_two_events_about_one_payment_credit_once(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    fake_stripe.pay(topup.remote_id)
    session = fake_stripe.sessions[topup.remote_id]
    body = event("checkout.session.completed", session)
    for sent in (body, body, event("checkout.session.completed", session)):
        assert sends(topup.method, sent) == 200
    assert GatewayEvent.objects.count() == 2
    assert moved(topup) == {"topup": money("25")}
    assert (balance(alice), broken()) == (money("25"), [])


def test_an_old_paid_topup_is_looked_at_weekly_for_disputes(paid: TopUp) -> None:
    later = paid.expires_at + timedelta(days=20)
    assert looking.look(paid.pk, cause="look", now=later).next_look_at == later + timedelta(days=7)


def test_a_session_that_expired_is_not_looked_at_for_months(topup: TopUp, fake_stripe: FakeStripe) -> None:
    fake_stripe.sessions[topup.remote_id]["status"] = "expired"
    later = topup.expires_at + timedelta(days=15)
    assert looking.look(topup.pk, cause="look", now=later).next_look_at is None
