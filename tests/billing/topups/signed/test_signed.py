"""The owner's own gateway: only a signed answer to this very question credits, and only what our row says."""

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.gateways.contract import Declined, Forged, NoAnswer
from billing.gateways.signed import GATEWAY
from billing.gateways.signed.signatures import HEADER
from billing.models import GatewayEvent, PaymentMethod, TopUp, TopUpState
from billing.topups import looking, methods
from billing.topups.starting import asked_of
from core.clock import database_now
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started
from tests.billing.topups.signed.fake import ANSWER_KEY, REQUEST_KEY, FakeProgram, call_body, signed
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("signed", "Wallet"), "25")


def sends(by: PaymentMethod, body: bytes, header: str = "") -> int:
    """Call the webhook as the program does, and let the shop look at what became due; return the HTTP status."""
    headers = {HEADER: header or signed(ANSWER_KEY, body)}
    answer = Client().post(f"/pay/{by.token}/", body, content_type="application/json", headers=headers)
    looking.look_due(seconds=5)
    return answer.status_code


def unix() -> int:
    return int(database_now().timestamp())


def test_the_link_is_signed_over_time_reference_amount_and_currency(topup: TopUp) -> None:
    text, _, signature = urlsplit(topup.pay_url).query.partition("&t=")
    facts = dict(parse_qsl(text))
    assert facts == {
        "reference": topup.reference,
        "amount": "25.00",
        "currency": "USD",
        "mode": "live",
        "number": topup.number,
        "expires": str(int(topup.expires_at.timestamp())),
        "return_url": asked_of(topup).return_url,
    }
    at, _, v1 = signature.partition("&v1=")
    assert signed(REQUEST_KEY, text.encode(), int(at)) == f"t={at},v1={v1}"


def test_a_payment_is_credited_by_its_status_alone(topup: TopUp, alice: User, fake_program: FakeProgram) -> None:
    assert sends(topup.method, call_body(topup.reference)) == 200
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    DRIVERS["signed"].pays(topup)
    assert sends(topup.method, call_body(topup.reference)) == 200
    assert (looked(topup).state, balance(alice), broken()) == (TopUpState.PAID, money("25"), [])
    asked = fake_program.asked[-1]
    assert (asked["reference"], asked["amount"], asked["currency"]) == (topup.reference, "25.00", "USD")


def test_what_goes_back_is_taken_and_what_comes_again_is_given(
    topup: TopUp, alice: User, fake_program: FakeProgram
) -> None:
    DRIVERS["signed"].pays(topup)
    looked(topup)
    [payment] = fake_program.payments[topup.reference]
    for refunded, left in (("10", "15"), ("10", "15"), ("25", "0"), ("5.5", "19.5")):
        payment["refunded"] = refunded
        looked(topup)
        assert balance(alice) == money(left)
    assert broken() == []


def bent(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda said: {**said, **changed}


PAID = {"id": "p-1", "amount": "25.00", "currency": "USD"}


@pytest.mark.parametrize(
    "bend",
    [
        bent(nonce="0" * 32),
        bent(reference="0" * 32),
        bent(type="changed"),
        bent(mode="demo"),
        bent(mode=True),
        bent(state="settled"),
        bent(state=["paid"]),
        bent(amount=None),
        bent(amount="25,00"),
        bent(amount="-25"),
        bent(amount="NaN"),
        bent(currency="UЅD"),
        bent(payments={}),
        bent(payments=[5]),
        bent(payments=[{**PAID, "id": ""}]),
        bent(payments=[{**PAID, "id": 5}]),
        bent(payments=[PAID, PAID]),
        bent(payments=[{**PAID, "amount": "1e400"}]),
        bent(payments=[{**PAID, "amount": "２５"}]),
        bent(payments=[{**PAID, "refunded": "-1"}]),
        bent(payments=[{"id": "p-1", "amount": "25.00"}]),
        bent(payments=[{**PAID, "id": f"p-{n}"} for n in range(200)]),
        lambda said: {},
        lambda said: {"said": [said]},
    ],
)
def test_an_answer_that_is_not_right_credits_nothing(
    bend: Any, topup: TopUp, alice: User, fake_program: FakeProgram
) -> None:
    DRIVERS["signed"].pays(topup)
    fake_program.bend = bend
    found = looked(topup)
    assert (found.state, found.misses, balance(alice)) == (TopUpState.PENDING, 1, 0)


@pytest.mark.parametrize(
    "sign",
    [
        lambda text: "",
        lambda text: signed(REQUEST_KEY, text),
        lambda text: signed("", text),
        lambda text: signed(ANSWER_KEY, text, unix() - 400),
        lambda text: signed(ANSWER_KEY, text, unix() + 400),
        lambda text: signed(ANSWER_KEY, text + b" "),
        lambda text: signed(ANSWER_KEY, text).replace("v1=", "v0="),
        lambda text: signed(ANSWER_KEY, text)[:-1],
        lambda text: f"{signed(ANSWER_KEY, text)}0",
        lambda text: signed(ANSWER_KEY, text).upper(),
    ],
)
def test_an_answer_with_a_wrong_signature_credits_nothing(
    sign: Any, topup: TopUp, alice: User, fake_program: FakeProgram
) -> None:
    DRIVERS["signed"].pays(topup)
    fake_program.sign = sign
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    fake_program.sign = None
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, money("25"))


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500])
def test_another_status_is_no_answer(status: int, topup: TopUp, alice: User, fake_program: FakeProgram) -> None:
    DRIVERS["signed"].pays(topup)
    fake_program.status = status
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


@pytest.mark.parametrize(
    "bend",
    [
        bent(amount="2500"),
        bent(currency="JPY"),
        bent(mode="test"),
        bent(payments=[{**PAID, "currency": "EUR"}]),
        bent(payments=[{**PAID, "amount": "0"}]),
    ],
)
def test_what_does_not_fit_waits_for_the_owner(bend: Any, topup: TopUp, alice: User, fake_program: FakeProgram) -> None:
    DRIVERS["signed"].pays(topup)
    fake_program.bend = bend
    assert (looked(topup).state, balance(alice), moved(topup)) == (TopUpState.HELD, 0, {})
    assert broken() == []


def test_a_payment_of_another_topup_is_not_credited_twice(topup: TopUp, alice: User, fake_program: FakeProgram) -> None:
    DRIVERS["signed"].pays(topup)
    looked(topup)
    second = started(alice, topup.method, "25")
    fake_program.states[second.reference] = "paid"
    fake_program.payments[second.reference] = fake_program.payments[topup.reference]
    assert looked(second).state == TopUpState.HELD
    assert balance(alice) == money("25")


FORGED: dict[str, Callable[[str], tuple[bytes, str]]] = {
    "no signature": lambda r: (call_body(r), "x"),
    "the request key": lambda r: (b := call_body(r), signed(REQUEST_KEY, b)),
    "old": lambda r: (b := call_body(r), signed(ANSWER_KEY, b, unix() - 400)),
    "still to come": lambda r: (b := call_body(r), signed(ANSWER_KEY, b, unix() + 400)),
    "changed": lambda r: (call_body(r), signed(ANSWER_KEY, call_body(r))),
    "no id": lambda r: (b := call_body(r, id=None), signed(ANSWER_KEY, b)),
    "a number as id": lambda r: (b := call_body(r, id=7), signed(ANSWER_KEY, b)),
    "a path as reference": lambda r: (b := call_body("../" + r), signed(ANSWER_KEY, b)),
    "a list": lambda r: (b"[]", signed(ANSWER_KEY, b"[]")),
    "not text": lambda r: (b"\xff\xfe", signed(ANSWER_KEY, b"\xff\xfe")),
    "a key twice": lambda r: (b := call_body(r).replace(b'"mode"', b'"id": "x", "mode"'), signed(ANSWER_KEY, b)),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_call_leads_to_no_question(name: str, topup: TopUp, alice: User, fake_program: FakeProgram) -> None:
    body, header = FORGED[name](topup.reference)
    assert sends(topup.method, body, header) == 400
    assert (fake_program.asked, GatewayEvent.objects.count(), balance(alice)) == ([], 0, 0)


@pytest.mark.parametrize("changed", [{"type": "status"}, {"type": "ping"}, {"type": None}, {"mode": "test"}])
def test_a_genuine_call_about_something_else_is_taken_and_leads_to_no_question(
    changed: dict[str, Any], topup: TopUp, fake_program: FakeProgram
) -> None:
    assert sends(topup.method, call_body(topup.reference, **changed)) == 200
    assert (fake_program.asked, GatewayEvent.objects.count()) == ([], 0)


def test_a_call_that_is_repeated_and_a_call_for_another_are_no_money(
    topup: TopUp, alice: User, fake_program: FakeProgram
) -> None:
    DRIVERS["signed"].pays(topup)
    body = call_body(topup.reference)
    for _again in range(3):
        assert sends(topup.method, body) == 200
    bob = customer("bob", has="0")
    his = started(bob, topup.method, "25")
    assert sends(topup.method, call_body(his.reference)) == 200
    assert (GatewayEvent.objects.count(), balance(alice), balance(bob)) == (2, money("25"), 0)


def test_a_signature_needs_a_key(topup: TopUp) -> None:
    config = type(methods.config_of(topup.method))({"answer_key": "short"}, is_live=True)
    body = call_body(topup.reference)
    with pytest.raises(Forged):
        GATEWAY.verify({HEADER: signed("short", body)}, body, config, database_now())
    with pytest.raises(NoAnswer):
        GATEWAY.fetch(asked_of(topup), frozenset(), config)
    assert isinstance(GATEWAY.start(asked_of(topup), config), Declined)


# Setting it up


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


def saved(boss: Client, row: PaymentMethod, **changed: str) -> dict[str, Any]:
    """Send the form of a method; return its errors by field."""
    names = ("name", "arrives", "position", "currency", "exchange_rate", "least", "most", "fee_percent", "fee_fixed")
    given = {name: str(getattr(row, name)) for name in (*names, "bonus_percent", "bonus_from")}
    keys = {"config_request_key": REQUEST_KEY, "config_answer_key": ANSWER_KEY}
    addresses = {"config_start_address": "https://pay.example/start", "config_status_address": "https://pay.example/s"}
    path = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    answer: Any = boss.post(path, {**given, "is_on": "on", "is_live": "on", **keys, **addresses, **changed})
    return {} if answer.status_code == 302 else dict(answer.context["adminform"].form.errors)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"config_status_address": ""}, "config_status_address"),
        ({"config_start_address": ""}, "config_start_address"),
        ({"config_status_address": "http://pay.example/s"}, "config_status_address"),
        ({"config_status_address": "https://127.0.0.1/s"}, "config_status_address"),
        ({"config_status_address": "https://[::1]/s"}, "config_status_address"),
        ({"config_status_address": "https://169.254.169.254/latest"}, "config_status_address"),
        ({"config_status_address": "https://0x7f.1/s"}, "config_status_address"),
        ({"config_status_address": "https://shop.internal/s"}, "config_status_address"),
        ({"config_status_address": "https://a@pay.example/s"}, "config_status_address"),
        ({"config_status_address": "file:///etc/passwd"}, "config_status_address"),
        ({"config_start_address": "javascript:alert(1)"}, "config_start_address"),
        ({"config_request_key": ANSWER_KEY}, "config_request_key"),
        ({"config_request_key": ""}, "config_request_key"),
    ],
)
def test_settings_that_must_not_be_are_refused(
    boss: Client, settings: Any, changed: dict[str, str], field: str
) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    row = PaymentMethod.objects.create(gateway="signed", name="Wallet", currency="USD")
    assert field in saved(boss, row, **changed)


def test_a_new_address_asks_for_the_keys_again(boss: Client, settings: Any) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    row = PaymentMethod.objects.create(gateway="signed", name="Wallet", currency="USD")
    assert saved(boss, row) == {}
    kept = {"config_request_key": "", "config_answer_key": ""}
    row.refresh_from_db()
    assert saved(boss, row, **kept) == {}
    errors = saved(boss, row, **kept, config_status_address="https://other.example/s")
    assert set(errors) == set(kept)


def test_an_address_of_our_own_network_is_never_called(topup: TopUp, settings: Any, fake_program: FakeProgram) -> None:
    """Also when the check at saving was passed, as by a name whose address changed since."""
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    with pytest.raises(NoAnswer):
        GATEWAY.fetch(asked_of(topup), frozenset(), methods.config_of(topup.method))
    assert fake_program.asked == []


def test_the_test_says_what_a_program_gets_wrong(topup: TopUp, fake_program: FakeProgram) -> None:
    config = methods.config_of(topup.method)
    assert GATEWAY.check(config) == []
    fake_program.bend = bent(state="paid", payments=[PAID])
    assert "does not exist: paid" in GATEWAY.check(config)[0]
    fake_program.bend = bent(mode="test")
    assert GATEWAY.check(config) == ["Your program answers in the other mode."]
    assert len(GATEWAY.check(type(config)({}, is_live=True))) == 4


def test_no_key_stands_in_a_log_line_or_row(topup: TopUp, fake_program: FakeProgram, caplog: Any, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    fake_program.sign = lambda text: "nonsense"
    looked(topup)
    fake_program.sign = None
    DRIVERS["signed"].pays(topup)
    sends(topup.method, call_body(topup.reference))
    written = "".join([caplog.text, *capfd.readouterr(), repr(list(TopUp.objects.values()))])
    written += repr(list(topup.history.values()))
    assert "no readable signature" in written
    assert REQUEST_KEY not in written
    assert ANSWER_KEY not in written


def test_it_waits_for_late_money_and_then_no_more(topup: TopUp, alice: User) -> None:
    DRIVERS["signed"].pays(topup)
    late = topup.expires_at + timedelta(days=2)
    assert looking.look(topup.pk, cause="look", now=late).state == TopUpState.PAID
    assert balance(alice) == money("25")
    assert Decimal(25) == topup.pay_amount
