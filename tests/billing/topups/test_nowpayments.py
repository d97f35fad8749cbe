"""NOWPayments: its own signatures, coins, and the many ways in which coins arrive."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Asked, Config, Declined, Forged, Ignored, NoAnswer, ReadState, Started
from billing.gateways.nowpayments import GATEWAY
from billing.models import GatewayEvent, TopUp, TopUpState
from billing.topups import deciding, events, methods
from billing.topups.starting import CannotStart, asked_of
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.topups import samples
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started
from tests.billing.topups.fakes.nowpayments import API_KEY, IPN_SECRET, number
from tests.billing.topups.fakes.server import FakeServer
from tests.billing.topups.samples import PRICE, REFERENCE, Call

pytestmark = pytest.mark.django_db(transaction=True)

LATER = datetime(2026, 12, 1, tzinfo=UTC)
CALLS = samples.calls("nowpayments")
DRIVER = DRIVERS["nowpayments"]


@pytest.fixture(scope="module")
def server() -> FakeServer:
    """Answers what a test puts before it."""
    return FakeServer()


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("nowpayments", "Coins"), "25", choice="usdttrc20")


def config(server: FakeServer | None = None, key: str = IPN_SECRET) -> Config:
    address = server.url if server else ""
    return Config({"api_key": API_KEY, "ipn_secret": key, "coins": "usdttrc20: USDT", "address": address}, is_live=True)


def asked(remote_id: str = "4944856743") -> Asked:
    return Asked(REFERENCE, "T-1", PRICE, "USD", remote_id, "https://shop.example/", LATER, "usdttrc20")


def read(server: FakeServer, *bodies: bytes, more: frozenset[str] = frozenset(), remote_id: str = "4944856743") -> Any:
    server.queued = [(200, body) for body in bodies]
    return GATEWAY.fetch(asked(remote_id), more, config(server))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_each_sample_of_a_call_is_read_as_it_should_be(server: FakeServer, call: Call) -> None:
    given = {"x-nowpayments-sig": call.signature}
    if call.reading == "forged":
        with pytest.raises(Forged):
            GATEWAY.verify(given, call.body, config(key=call.key), database_now())
        return
    hint = GATEWAY.verify(given, call.body, config(key=call.key), database_now())
    assert hint.event_id.startswith(f"{hint.payment_id}:")
    # Asked, the gateway answers with the same fields.
    if hint.payment_id == hint.remote_id:
        assert samples.summary(read(server, call.body, remote_id=hint.remote_id)) == call.reading
    else:
        first = samples.body("nowpayments", "answer_fetch__waiting.json")
        found = read(server, first, call.body, more=frozenset({hint.payment_id}), remote_id=hint.remote_id)
        assert samples.summary(found) == call.reading


@pytest.mark.parametrize(
    ("state", "reading"),
    [
        ("waiting", "pending"),
        ("finished", "paid 25"),
        ("partially_paid", "underpaid 9.99999"),
        ("expired", "expired"),
        ("failed", "failed"),
        ("refunded", "refunded 25"),
    ],
)
def test_each_sample_of_an_answer(server: FakeServer, state: str, reading: str) -> None:
    found = read(server, samples.body("nowpayments", f"answer_fetch__{state}.json"))
    assert samples.summary(found) == reading
    assert (found.asked_amount, found.asked_currency, found.is_live) == (25, "USD", True)


def test_the_sample_of_a_new_payment(server: FakeServer) -> None:
    server.queued = [(201, samples.body("nowpayments", "answer_create_payment.json"))]
    answer = GATEWAY.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Started)
    assert answer.remote_id == "4944856743"
    assert answer.instructions == {
        "coin": "usdttrc20", "name": "USDT", "amount": "25.123456",
        "address": "TSampleAddressForPermille000000001", "memo": "",
    }  # fmt: skip
    sent = server.requests[-1]
    assert b'"price_amount":25.00,' in sent.body
    assert sent.headers["x-api-key"] == API_KEY


def test_too_little_is_refused_with_the_smallest_amount(server: FakeServer) -> None:
    low = samples.body("nowpayments", "answer_error_below_minimum.json")
    server.queued = [(400, low), (200, b'{"min_amount": 9.6, "fiat_equivalent": 9.63}')]
    answer = GATEWAY.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Declined)
    assert "about 9.63 USD or more" in str(answer.reason)


def test_an_answer_that_refuses_the_key_is_none_about_the_payment(server: FakeServer) -> None:
    refused = samples.body("nowpayments", "answer_error_401.json")
    server.queued = [(401, refused)]
    with pytest.raises(NoAnswer):
        GATEWAY.fetch(asked(), frozenset(), config(server))
    server.queued = [(401, refused)]
    assert "does not accept the API key" in GATEWAY.check(config(server))[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_address": "two\nlines"},
        {"pay_address": None},
        {"pay_address": "<b>"},
        {"pay_currency": "btc"},
        {"pay_amount": True},
        {"pay_amount": 0},
        {"payment_id": "../payout"},
        {"payin_extra_id": ["x"]},
    ],
)
def test_where_to_pay_is_shown_only_if_it_can_be_read(server: FakeServer, changed: dict[str, Any]) -> None:
    given = json.loads(samples.body("nowpayments", "answer_create_payment.json"))
    server.queued = [(201, json.dumps({**given, **changed}).encode())]
    if changed == {"pay_address": "<b>"}:
        assert isinstance(GATEWAY.start(replace(asked(), remote_id=""), config(server)), Started)
        return
    with pytest.raises(NoAnswer):
        GATEWAY.start(replace(asked(), remote_id=""), config(server))


def signed(body: bytes, key: str = IPN_SECRET) -> dict[str, str]:
    return {"x-nowpayments-sig": hmac.new(key.encode(), body, hashlib.sha512).hexdigest()}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"text"',
        b"payment_id=4944856743",
        b'\xef\xbb\xbf{"payment_id":1}',
        '{"payment_id":1}'.encode("utf-16"),
        b'{"payment_id":1}\xff',
        b'{"payment_id":NaN}',
        b'{"payment_id":1,"payment_id":1}',
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"payment_id":"\\ud800"}',
        b'{"payment_id":1} ',
        b'{"payment_id":1}{}',
    ],
)
def test_a_body_that_no_sender_writes_is_refused_whatever_its_signature(body: bytes) -> None:
    with pytest.raises(Forged):
        GATEWAY.verify(signed(body), body, config(), database_now())


@pytest.mark.parametrize("key", ["", " ", "short", "another-secret-of-24-chars"])
def test_an_empty_a_short_or_another_secret_never_verifies(key: str) -> None:
    body = b'{"payment_id":1}'
    with pytest.raises(Forged):
        GATEWAY.verify(signed(body, key), body, config(key=key if len(key) < 16 else IPN_SECRET), database_now())


@pytest.mark.parametrize("payment_id", ["null", '"../x"', '"1?a=b"', '"%2f"', "[]", "1.5", '""', "true", '"１"'])
def test_a_call_that_names_no_payment_is_genuine_and_of_no_use(payment_id: str) -> None:
    body = f'{{"payment_id":{payment_id}}}'.encode()
    with pytest.raises(Ignored):
        GATEWAY.verify(signed(body), body, config(), database_now())


def test_a_long_number_costs_nothing_and_names_nothing() -> None:
    body = b'{"payment_id":' + b"1" * 100_000 + b"}"
    with pytest.raises(Ignored):
        GATEWAY.verify(signed(body), body, config(), database_now())


def test_a_signature_in_capitals_is_refused(topup: TopUp) -> None:
    headers, body = DRIVER.call(topup)
    with pytest.raises(Forged):
        GATEWAY.verify({name: value.upper() for name, value in headers.items()}, body, config(), database_now())


def test_the_customer_chooses_among_the_coins_of_the_owner(alice: User) -> None:
    by = method("nowpayments", "Coins")
    assert dict(methods.choices_of(by)) == {"usdttrc20": "USDT on TRON", "btc": "Bitcoin", "xrp": "XRP"}
    with pytest.raises(CannotStart):
        started(alice, by, "25", choice="doge")
    assert TopUp.objects.count() == 0
    assert dict(started(alice, by, "25", choice="xrp").instructions)["memo"] == "3312744"
    assert started(alice, by, "25").choice == "usdttrc20"


def test_a_payment_on_its_way_is_seen_and_not_credited(topup: TopUp, alice: User) -> None:
    for state in ("confirming", "confirmed", "sending"):
        sent = DRIVER.fake.payments[topup.remote_id]["pay_amount"]
        DRIVER.fake.change(topup.remote_id, payment_status=state, actually_paid=sent)
        found = looked(topup)
        assert (found.state, balance(alice)) == (TopUpState.PENDING, 0)
        assert "confirmations" in found.why
    DRIVER.pays(topup, "0")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)


def test_a_redeposit_is_worth_what_was_sent_and_never_the_whole_price(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    looked(topup)
    again = DRIVER.fake.redeposit(topup.remote_id, "4.5")
    assert DRIVER.calls(topup, again)
    found = looked(topup)
    assert (found.state, found.credited, balance(alice)) == (TopUpState.PAID, 25, 25)
    assert found.received == 25 + Decimal("4.47787")
    assert [p.payment_id for p in topup.payments.order_by("pk")] == [topup.remote_id, again]
    assert broken() == []


def test_the_rest_by_a_second_transfer_makes_it_whole(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup, "0.5")
    assert looked(topup).state == TopUpState.UNDERPAID
    half = Decimal(DRIVER.fake.payments[topup.remote_id]["pay_amount"][1:]) / 2
    again = DRIVER.fake.redeposit(topup.remote_id, str(half), payment_status="partially_paid")
    assert DRIVER.calls(topup, again)
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)
    assert broken() == []


def test_a_further_payment_that_asks_for_another_amount_waits_for_the_owner(topup: TopUp, alice: User) -> None:
    """One coin sent would be the whole price if it said that one was to be sent."""
    again = DRIVER.fake.redeposit(topup.remote_id, "1", pay_amount=number(1))
    assert DRIVER.calls(topup, again)
    found = looked(topup)
    assert (found.state, found.received, balance(alice)) == (TopUpState.HELD, 0, 0)
    assert f"Payment {again} says that 1 usdttrc20 were to be sent, and the first one 25.123500." in found.why
    assert broken() == []


def test_without_a_choice_a_further_payment_is_in_the_coin_of_the_first(server: FakeServer) -> None:
    first = json.loads(samples.body("nowpayments", "answer_fetch__finished.json"))
    other = {**first, "payment_id": 77, "parent_payment_id": first["payment_id"], "pay_currency": "btc"}
    server.queued = [(200, json.dumps(one).encode()) for one in (first, other)]
    found = GATEWAY.fetch(replace(asked(), choice=""), frozenset({"77"}), config(server))
    assert (found.state, [payment.amount for payment in found.payments]) == (ReadState.HELD, [PRICE])
    assert "came in btc, and usdttrc20 was asked for" in found.why


def answers(server: FakeServer, *changes: dict[str, Any]) -> Any:
    """The reading where the first payment is changed like this, and others with the same address like those."""
    given = json.loads(samples.body("nowpayments", "answer_fetch__finished.json"))
    parent = {"parent_payment_id": given["payment_id"]}
    bodies = [{**given, **(parent if n else {}), **changed} for n, changed in enumerate(changes)]
    ids = frozenset(str(n) for n in range(1, len(changes)))
    return read(server, *(json.dumps(body).encode() for body in bodies), more=ids)


@pytest.mark.parametrize("echo", [4944856743, "4944856743"])
def test_an_answer_that_is_the_first_payment_once_more_counts_once(server: FakeServer, echo: Any) -> None:
    assert samples.summary(answers(server, {}, {"payment_id": echo, "parent_payment_id": None})) == "paid 25"


@pytest.mark.parametrize("named", [2, "", None, "../1"])
def test_an_answer_about_a_further_payment_has_to_name_it(server: FakeServer, named: Any) -> None:
    found = answers(server, {}, {"payment_id": named})
    assert (found.state, [payment.payment_id for payment in found.payments]) == (ReadState.HELD, ["4944856743"])
    assert "another payment" in found.why


def test_more_payments_than_are_read_wait_for_the_owner(server: FakeServer) -> None:
    found = answers(server, {}, *({"payment_id": n, "actually_paid": 1} for n in range(1, 22)))
    assert (found.state, len(found.payments)) == (ReadState.HELD, 21)
    assert found.payments[-1].payment_id == "20"


@pytest.mark.parametrize("silent", [{"actually_paid": None}, {"actually_paid": 0}, {"pay_amount": None}])
@pytest.mark.parametrize("status", ["finished", "partially_paid"])
def test_money_without_an_amount_waits_for_the_owner(server: FakeServer, silent: dict[str, Any], status: str) -> None:
    found = answers(server, {"payment_status": status, **silent})
    assert (found.state, found.payments) == (ReadState.HELD, ())
    assert "does not say how much" in found.why


@pytest.mark.parametrize(("live", "host"), [(True, "api-sandbox.nowpayments.io"), (False, "api.nowpayments.io")])
def test_the_address_of_the_other_mode_is_refused(live: bool, host: str) -> None:
    other = Config({**config().values, "address": f"https://{host}"}, is_live=live)
    assert set(GATEWAY.problems(other)) == {"address"}
    assert len(GATEWAY.check(other)) == 1
    assert isinstance(GATEWAY.start(replace(asked(), remote_id=""), other), Declined)
    assert GATEWAY.problems(replace(other, is_live=not live)) == {}


def test_a_payment_after_its_time_is_credited_once(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup.remote_id, payment_status="expired")
    assert looked(topup).state == TopUpState.EXPIRED
    DRIVER.pays(topup)
    assert DRIVER.calls(topup)
    for _again in range(2):
        assert looked(topup).state == TopUpState.PAID
    assert moved(topup) == {"topup": 25}
    assert balance(alice) == 25


@pytest.mark.parametrize("changed", [{}, {"actually_paid": number(0)}, {"actually_paid": None}])
def test_a_refunded_payment_is_taken_back(topup: TopUp, alice: User, changed: dict[str, Any]) -> None:
    DRIVER.pays(topup)
    looked(topup)
    # Some say so with what came in, some without.
    DRIVER.fake.change(topup.remote_id, payment_status="refunded", **changed)
    assert (looked(topup).state, balance(alice)) == (TopUpState.REFUNDED, 0)
    assert broken() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"pay_currency": "btc"},
        {"price_amount": number(1)},
        {"price_currency": "eur"},
        {"order_id": "0b7d6c551e2f4a90b3c49d8e7f605142"},
        {"order_id": None},
        {"payment_id": number(1)},
    ],
)
def test_what_does_not_fit_waits_for_the_owner(topup: TopUp, alice: User, changed: dict[str, Any]) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.change(topup.remote_id, **changed)
    found = looked(topup)
    assert (found.state, balance(alice), moved(topup)) == (TopUpState.HELD, 0, {})
    assert found.why
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:decide").exists()
    assert broken() == []


def test_the_owner_rejects_a_wrong_coin(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.change(topup.remote_id, pay_currency="btc")
    looked(topup)
    deciding.decide(topup_id=topup.pk, accept=False, actor=shell_actor(), reason="Another coin", now=database_now())
    assert (looked(topup).state, balance(alice)) == (TopUpState.FAILED, 0)


def test_a_signed_call_about_a_payment_that_is_not_there_credits_nothing(topup: TopUp, alice: User) -> None:
    body = f'{{"order_id":"{topup.reference}","parent_payment_id":{topup.remote_id},"payment_id":77}}'.encode()
    assert events.receive(topup.method, headers=signed(body), body=body, now=database_now())
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    assert topup.misses == 0


def test_a_payment_of_another_customer_is_credited_to_neither(topup: TopUp, alice: User) -> None:
    bob = customer("bob@example.com", has="0")
    other = started(bob, topup.method, "25")
    DRIVER.pays(other)
    # Truly signed, and says that bob's payment belongs to alice's.
    body = f'{{"parent_payment_id":{topup.remote_id},"payment_id":{other.remote_id},"payment_status":"finished"}}'
    assert events.receive(topup.method, headers=signed(body.encode()), body=body.encode(), now=database_now())
    assert looked(topup).state == TopUpState.HELD
    assert looked(other).state == TopUpState.PAID
    assert (balance(alice), balance(bob)) == (0, 25)
    assert broken() == []


@pytest.mark.parametrize(
    "wrong", [True, [], "25,00", " 25.00", "+25", "-25", "NaN", "1e400", "２５", {"a": 1}], ids=repr
)
def test_an_amount_that_is_none_is_no_answer(topup: TopUp, alice: User, wrong: Any) -> None:
    for name in ("price_amount", "actually_paid", "pay_amount"):
        DRIVER.pays(topup)
        before = dict(DRIVER.fake.payments[topup.remote_id])
        DRIVER.fake.change(topup.remote_id, **{name: wrong})
        assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
        DRIVER.fake.payments[topup.remote_id] = {**before, "actually_paid": number(0)}


def test_a_state_that_nobody_knows_is_waited_for(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    for state in ("paid_out", None, [], "FINISHED"):
        DRIVER.fake.change(topup.remote_id, payment_status=state)
        assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


def test_the_same_call_is_stored_once_and_each_step_of_a_payment(topup: TopUp) -> None:
    for _again in range(3):
        DRIVER.calls(topup)
    DRIVER.pays(topup, "0.5")
    DRIVER.calls(topup)
    assert GatewayEvent.objects.count() == 2
    assert not GatewayEvent.objects.exclude(remote_id=topup.remote_id).exists()


def test_no_answer_at_the_start_is_asked_again(alice: User) -> None:
    by = method("nowpayments", "Coins")
    DRIVER.fake.queued = [(502, b"")]
    topup = started(alice, by, "25")
    assert topup.state == TopUpState.CREATED
    DRIVER.pays(looked(topup))
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)


def test_no_secret_stands_in_what_goes_wrong(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    by = method("nowpayments", "Coins")
    for status in (401, 400, 500, 302):
        DRIVER.fake.queued = [(status, f'{{"message":"{API_KEY}","code":"{API_KEY[:3]}"}}'.encode())]
        topup = started(alice, by, "25")
        assert API_KEY not in topup.why
    assert GATEWAY.fetch(asked_of(looked(topup)), frozenset(), methods.config_of(by)).state is ReadState.PENDING
    assert API_KEY not in caplog.text
    assert IPN_SECRET not in caplog.text
