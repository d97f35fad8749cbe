"""The suite that every gateway passes. A new gateway adds its driver to the cast, and nothing here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Ability, Config, Declined, Forged, Gateway, RefundDone, RefundStarted, Started
from billing.gateways.registry import all_gateways, gateway_named
from billing.ledger import Posting, post
from billing.models import Account, AccountKind, Code, PaymentMethod, TopUp, TopUpState
from billing.topups import looking, methods
from billing.topups.starting import asked_of
from core.clock import database_now
from tests.billing.cast import balance, customer, money, own
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=sorted(all_gateways()))
def gateway(request: pytest.FixtureRequest) -> Gateway:
    return gateway_named(request.param)


@pytest.fixture
def driver(gateway: Gateway) -> Any:
    return DRIVERS[gateway.spec.name]


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(gateway: Gateway, alice: User) -> TopUp:
    by = method(gateway.spec.name, fee_percent=Decimal(3), bonus_percent=Decimal(2), bonus_from=Decimal(10))
    topup = started(alice, by, "10")
    return topup


def those(can: Callable[[Gateway], bool]) -> pytest.MarkDecorator:
    """Only the gateways that can do what a test is about."""
    return pytest.mark.parametrize(
        "gateway", [name for name in sorted(all_gateways()) if can(gateway_named(name))], indirect=True
    )


def test_every_gateway_has_its_driver() -> None:
    assert set(DRIVERS) == set(all_gateways())


def test_it_describes_itself(gateway: Gateway) -> None:
    spec = gateway.spec
    assert spec.title
    assert spec.lives_for > timedelta(0)
    assert len({field.name for field in spec.fields}) == len(spec.fields)
    assert all(header == header.lower() for header in spec.headers)
    # A secret that signs calls counts for a while after it was replaced.
    signing = [field for field in spec.fields if field.signs_calls]
    assert bool(signing) == (Ability.WEBHOOK in spec.abilities)
    assert all(field.is_secret for field in signing)


def test_a_start_gives_an_id_and_a_way_to_pay(topup: TopUp) -> None:
    assert topup.state == TopUpState.PENDING
    assert topup.remote_id
    assert topup.pay_url or topup.instructions
    assert moved(topup) == {}


def test_a_start_that_is_repeated_finds_the_first(gateway: Gateway, topup: TopUp) -> None:
    again = gateway.start(asked_of(topup), methods.config_of(topup.method))
    assert isinstance(again, Started | Declined)
    assert isinstance(again, Started)
    assert again.remote_id == topup.remote_id


def test_it_says_what_it_was_asked_for_and_in_which_mode(gateway: Gateway, topup: TopUp) -> None:
    reading = gateway.fetch(asked_of(topup), frozenset(), methods.config_of(topup.method))
    assert (reading.asked_amount, reading.asked_currency) == (topup.pay_amount, topup.pay_currency)
    assert reading.is_live == topup.is_live
    assert reading.payments == ()


def test_nothing_is_credited_before_it_is_paid(topup: TopUp, alice: User) -> None:
    assert looked(topup).state == TopUpState.PENDING
    assert balance(alice) == 0


def test_a_payment_is_credited_once_with_our_amounts(topup: TopUp, driver: Any, alice: User) -> None:
    driver.pays(topup)
    for _again in range(3):
        found = looked(topup)
    assert found.state == TopUpState.PAID
    assert moved(topup) == {"topup": money("10"), "topup_fee": money("0.3"), "bonus": money("0.2")}
    assert balance(alice) == money("10.2")
    assert broken() == []


def test_a_payment_is_found_without_any_call_of_the_webhook(topup: TopUp, driver: Any, alice: User) -> None:
    driver.pays(topup)
    TopUp.objects.update(next_look_at=database_now())
    assert looking.look_due(seconds=10) == 1
    assert balance(alice) == money("10.2")


@those(lambda gateway: gateway.spec.has_live_mode)
def test_a_method_that_changes_its_mode_holds_no_topup_of_before(topup: TopUp, driver: Any, alice: User) -> None:
    driver.pays(topup)
    assert looked(topup).state == TopUpState.PAID
    PaymentMethod.objects.update(is_live=False)
    found = looked(topup)
    assert (found.state, found.why) == (TopUpState.PAID, "")
    assert balance(alice) == money("10.2")


def test_half_of_it_waits_for_the_owner(topup: TopUp, driver: Any, alice: User) -> None:
    driver.pays(topup, "0.5")
    assert looked(topup).state == TopUpState.UNDERPAID
    assert balance(alice) == 0


@those(lambda g: getattr(DRIVERS[g.spec.name], "can_pay_twice", True))
def test_twice_the_payment_is_credited_once(gateway: Gateway, topup: TopUp, driver: Any, alice: User) -> None:
    driver.pays(topup)
    driver.pays(topup)
    assert looked(topup).credited == money("10")
    assert balance(alice) == money("10.2")
    assert TopUp.objects.get().received == 2 * topup.pay_amount


@those(lambda g: hasattr(DRIVERS[g.spec.name], "fails"))
def test_a_failed_payment_credits_nothing_and_may_still_succeed(topup: TopUp, driver: Any, alice: User) -> None:
    driver.fails(topup)
    assert looked(topup).state == TopUpState.FAILED
    driver.pays(topup)
    assert looked(topup).state == TopUpState.PAID
    assert balance(alice) == money("10.2")


@those(lambda g: Ability.WEBHOOK in g.spec.abilities)
def test_a_genuine_call_makes_its_topup_due_and_credits_nothing(gateway: Gateway, topup: TopUp, driver: Any) -> None:
    driver.pays(topup)
    assert driver.calls(topup)
    topup.refresh_from_db()
    assert topup.next_look_at is not None
    assert topup.next_look_at <= database_now()
    assert moved(topup) == {}


@those(lambda g: Ability.WEBHOOK in g.spec.abilities)
def test_a_call_that_is_changed_or_signed_by_another_key_is_forged(gateway: Gateway, topup: TopUp, driver: Any) -> None:
    headers, body = driver.call(topup)
    config, now = methods.config_of(topup.method), database_now()
    secrets = dict.fromkeys(driver.secrets, "x" * 30)
    in_headers = [
        ({}, body, config),
        (dict.fromkeys(headers, ""), body, config),
        ({name: value[:-1] for name, value in headers.items()}, body, config),
        ({name: f"{value}0" for name, value in headers.items()}, body, config),
        (dict.fromkeys(headers, "ü" * 64), body, config),
    ]
    forged = [
        # Some sign inside the body, and their headers say nothing.
        *(in_headers if gateway.spec.headers else ()),
        (headers, body + b" ", config),
        (headers, body[:-1], config),
        (headers, b"", config),
        (headers, body, replace(config, values={**config.values, **secrets})),
        (headers, body, replace(config, values={})),
    ]
    for sent, text, settings in forged:
        with pytest.raises(Forged):
            gateway.verify(sent, text, settings, now)
    assert gateway.verify(headers, body, config, now).remote_id == topup.remote_id


@those(lambda g: Ability.REFUND in g.spec.abilities and Ability.NOTICE not in g.spec.abilities)
def test_a_refund_is_sent_once_for_each_key(gateway: Gateway, topup: TopUp, driver: Any) -> None:
    driver.pays(topup)
    looked(topup)
    asked, config = asked_of(topup), methods.config_of(topup.method)
    payment = topup.payments.get()
    for _again in range(2):
        answer = gateway.refund(asked, payment.payment_id, Decimal("4"), f"{topup.reference}:refund:1", config)
        assert isinstance(answer, RefundDone | RefundStarted)
    found = looked(topup)
    assert found.state == TopUpState.PART_REFUNDED
    assert topup.payments.get().refunded == 4
    assert broken() == []


@those(lambda g: hasattr(DRIVERS[g.spec.name], "charges_back"))
def test_a_chargeback_takes_what_the_wallet_has_and_freezes_it(
    gateway: Gateway, topup: TopUp, driver: Any, alice: User
) -> None:
    driver.pays(topup)
    looked(topup)
    spend(alice, "4")
    driver.charges_back(topup)
    for _again in range(2):
        found = looked(topup)
    assert found.state == TopUpState.CHARGED_BACK
    assert balance(alice) == 0
    codes = moved(topup)
    assert codes["bonus_back"] + codes["chargeback"] == money("6.2")
    assert codes["chargeback"] + codes["chargeback_loss"] == money("10")
    assert Account.objects.get(customer=alice).frozen_at is not None
    assert broken() == []


@those(lambda g: Ability.CANCEL in g.spec.abilities)
def test_a_cancelled_payment_takes_no_money(gateway: Gateway, topup: TopUp) -> None:
    assert gateway.cancel(asked_of(topup), methods.config_of(topup.method))
    assert looked(topup).state in (TopUpState.EXPIRED, TopUpState.FAILED)


def test_the_settings_of_the_cast_pass_its_own_check(gateway: Gateway) -> None:
    driver = DRIVERS[gateway.spec.name]
    values = {**driver.settings, **driver.secrets}
    assert gateway.check(Config(values, is_live=gateway.spec.has_live_mode)) == []


def spend(who: User, amount: str) -> None:
    wallet = Account.objects.get(customer=who)
    post([Posting("debit:x", Code.DEBIT, wallet.pk, own(AccountKind.OWNER), money(amount), "debit:x", "Spent")])


@those(lambda gateway: Ability.LIST in gateway.spec.abilities)
def test_its_list_has_what_was_paid_since_a_time_and_nothing_else(
    gateway: Gateway, driver: Any, topup: TopUp, alice: User
) -> None:
    paid = [topup, started(alice, topup.method, "20")]
    unpaid = started(alice, topup.method, "30")
    for each in paid:
        driver.pays(each)
    config, now = methods.config_of(topup.method), database_now()
    found = gateway.list_payments(now - timedelta(minutes=5), config)
    ours = {each.remote_id or each.reference: each for each in found}
    assert not {unpaid.remote_id, unpaid.reference} & {*ours}
    for each in paid:
        listed = ours.get(each.remote_id) or ours[each.reference]
        assert (listed.amount, listed.currency) == (each.pay_amount, each.pay_currency)
        assert abs(listed.paid_at - now) < timedelta(days=1)
    assert gateway.list_payments(now + timedelta(days=3), config) == []
