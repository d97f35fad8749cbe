"""Cryptomus and Heleket: signatures over PHP's bytes, and the many states of an invoice."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.contract import Asked, Config, Declined, Forged, Gateway, Ignored, NoAnswer, Started
from billing.gateways.cryptomus import GATEWAY as CRYPTOMUS
from billing.gateways.heleket import GATEWAY as HELEKET
from billing.models import GatewayEvent, TopUp, TopUpState
from billing.topups import events
from billing.topups.deciding import decide
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.topups import samples
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started
from tests.billing.topups.fakes.cryptomus import MERCHANT, md5_sign
from tests.billing.topups.fakes.server import FakeServer
from tests.billing.topups.samples import PRICE, REFERENCE, Call

pytestmark = pytest.mark.django_db(transaction=True)

GATEWAYS: dict[str, Gateway] = {"cryptomus": CRYPTOMUS, "heleket": HELEKET}
CALLS = [*samples.calls("cryptomus"), *samples.calls("heleket")]
UUID = "62f88b36-a9d5-4fa6-aa26-e040c3dbf26d"
KEY = "Pq4LkR2vTz9XbN4cPmH8sJd5yG1uF6aE3oQiVtKx"
DRIVER = DRIVERS["cryptomus"]


@pytest.fixture(scope="module")
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("cryptomus", "Coins"), "25")


def config(server: FakeServer | None = None, key: str = KEY) -> Config:
    return Config({"merchant": MERCHANT, "payment_key": key, "address": server.url if server else ""}, is_live=True)


def asked(remote_id: str = UUID) -> Asked:
    until = datetime(2026, 12, 1, tzinfo=UTC)
    return Asked(REFERENCE, "T-1", PRICE, "USD", remote_id, "https://shop.example/wallet/topups/1/?back=1", until)


def read(server: FakeServer, body: bytes, remote_id: str = UUID) -> str:
    server.queued = [(200, body)]
    return samples.summary(CRYPTOMUS.fetch(asked(remote_id), frozenset(), config(server)))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_each_sample_of_a_call_is_read_as_it_should_be(server: FakeServer, call: Call) -> None:
    gateway = GATEWAYS[call.folder]
    refused = {"forged": Forged, "ignored": Ignored}.get(call.reading)
    if refused is not None:
        with pytest.raises(refused):
            gateway.verify({}, call.body, config(key=call.key), database_now())
        return
    hint = gateway.verify({}, call.body, config(key=call.key), database_now())
    assert hint.reference == REFERENCE
    # Asked, the service answers with the same fields.
    answer = b'{"state":0,"result":' + call.body + b"}"
    assert read(server, answer, hint.remote_id) == call.reading


@pytest.mark.parametrize(
    ("state", "reading"),
    [
        ("check", "pending"),
        ("paid", "paid 25"),
        ("paid_over", "paid 30"),
        ("wrong_amount", "underpaid 10"),
        ("cancel", "expired"),
        ("locked", "held"),
    ],
)
def test_each_sample_of_an_answer(server: FakeServer, state: str, reading: str) -> None:
    assert read(server, samples.body("cryptomus", f"answer_info__{state}.json")) == reading


@pytest.mark.parametrize("name", ["cryptomus", "heleket"])
def test_the_sample_of_a_new_invoice(server: FakeServer, name: str) -> None:
    body = samples.body(name, "answer_create.json")
    server.queued = [(200, body)]
    answer = GATEWAYS[name].start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Started)
    found = json.loads(body)["result"]
    assert (answer.remote_id, answer.pay_url) == (found["uuid"], found["url"])
    sent = server.requests[-1]
    assert sent.headers["sign"] == md5_sign(sent.body, KEY)
    assert sent.headers["merchant"] == MERCHANT
    order = json.loads(sent.body)
    assert (order["amount"], order["currency"], order["order_id"]) == ("25.00", "USD", REFERENCE)
    assert (order["accuracy_payment_percent"], order["is_payment_multiple"]) == (0, True)


@pytest.mark.parametrize(("status", "file"), [(422, "answer_error_422"), (200, "answer_error_state1")])
def test_a_refusal_is_told_in_our_words(server: FakeServer, status: int, file: str) -> None:
    server.queued = [(status, samples.body("cryptomus", f"{file}.json"))]
    answer = CRYPTOMUS.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Declined)
    assert "0.5 USDT" not in str(answer.reason)


@pytest.mark.parametrize("file", ["answer_refund", "answer_error_state1"])
def test_what_names_no_invoice_is_no_answer(server: FakeServer, file: str) -> None:
    with pytest.raises(NoAnswer):
        read(server, samples.body("cryptomus", f"{file}.json"))


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "/pay", "https://x/ y", "https://x/\n"])
def test_a_page_that_is_none_is_no_answer(server: FakeServer, url: Any) -> None:
    given = json.loads(samples.body("cryptomus", "answer_create.json"))
    given["result"]["url"] = url
    server.queued = [(200, json.dumps(given).encode())]
    with pytest.raises(NoAnswer):
        CRYPTOMUS.start(replace(asked(), remote_id=""), config(server))


def signed(body: bytes, key: str = KEY) -> bytes:
    return body[:-1] + f',"sign":"{md5_sign(body, key)}"}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"payment","uuid":"x","uuid":"y"}',
        b'{"type":"payment","amount":NaN}',
        b'{"type":"payment","x":"\xff"}',
        b'{"a":' * 20_000 + b"{}" + b"}" * 20_000,
        b'\xef\xbb\xbf{"type":"payment"}',
    ],
)
def test_a_body_that_no_sender_writes_is_refused_whatever_its_signature(body: bytes) -> None:
    with pytest.raises(Forged):
        CRYPTOMUS.verify({}, signed(body), config(), database_now())


@pytest.mark.parametrize("key", ["", "short"])
def test_an_empty_or_short_key_never_verifies(key: str) -> None:
    with pytest.raises(Forged):
        CRYPTOMUS.verify({}, signed(b'{"type":"payment"}', key), config(key=key), database_now())


@pytest.mark.parametrize("uuid", ["../x", "", None, 5, ["x"], UUID.upper(), f"{UUID}?a=b"])
def test_a_call_that_names_no_invoice_is_genuine_and_of_no_use(uuid: Any) -> None:
    body = signed(json.dumps({"type": "payment", "uuid": uuid}).encode())
    with pytest.raises(Ignored):
        CRYPTOMUS.verify({}, body, config(), database_now())


def test_a_call_of_the_sister_service_is_forged(topup: TopUp) -> None:
    _headers, body = DRIVER.call(topup)
    other = Config(DRIVERS["heleket"].secrets, is_live=True)
    with pytest.raises(Forged):
        HELEKET.verify({}, body, other, database_now())


def test_the_rest_may_follow(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup, "wrong_amount_waiting", Decimal("10.048"))
    found = looked(topup)
    assert (found.state, found.received, balance(alice)) == (TopUpState.PENDING, 10, 0)
    DRIVER.calls(topup)
    DRIVER.fake.change(topup, "wrong_amount_waiting", Decimal("20.096"))
    DRIVER.calls(topup)
    assert GatewayEvent.objects.count() == 2
    DRIVER.fake.change(topup, "paid", Decimal("25.12"))
    for _again in range(2):
        assert looked(topup).state == TopUpState.PAID
    assert moved(topup) == {"topup": 25}
    assert broken() == []


def test_more_than_asked_for_is_credited_as_asked(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup, "paid_over", Decimal("30.144"))
    found = looked(topup)
    assert (found.received, balance(alice)) == (30, 25)
    assert broken() == []


@pytest.mark.parametrize("says_amount", [True, False])
def test_a_refund_takes_the_money_when_it_begins(topup: TopUp, alice: User, says_amount: bool) -> None:
    DRIVER.pays(topup)
    looked(topup)
    DRIVER.fake.change(topup, "refund_process")
    assert (looked(topup).state, balance(alice)) == (TopUpState.REFUNDED, 0)
    DRIVER.fake.change(topup, "refund_fail")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)
    DRIVER.fake.change(topup, "refund_paid")
    if not says_amount:
        DRIVER.fake.invoices[topup.reference]["payment_amount"] = None
    for _again in range(2):
        assert (looked(topup).state, balance(alice)) == (TopUpState.REFUNDED, 0)
    assert broken() == []


@pytest.mark.parametrize("status", ["refund_process", "refund_paid"])
def test_a_refund_that_is_seen_before_the_payment_leaves_nothing(topup: TopUp, alice: User, status: str) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.change(topup, status)
    assert (looked(topup).state, balance(alice)) == (TopUpState.REFUNDED, 0)
    assert broken() == []


def test_a_gateway_that_broke_down_alerts_the_owner_until_the_payment_shows_up(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.change(topup, "system_fail")
    unsure = Alert.objects.filter(cause=f"topup:{topup.pk}:unsure", closed_at=None)
    assert (looked(topup).state, moved(topup), unsure.count()) == (TopUpState.FAILED, {}, 1)
    DRIVER.fake.change(topup, "paid")
    assert (looked(topup).state, balance(alice), unsure.count()) == (TopUpState.PAID, topup.credit_amount, 0)


def test_money_that_is_not_ours_yet_waits_for_the_owner(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.change(topup, "locked")
    assert (looked(topup).state, moved(topup)) == (TopUpState.HELD, {})
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:decide").exists()


@pytest.mark.parametrize("status", ["process", "confirm_check", "check", "paid_off", None, ["paid"], {"a": 1}])
def test_nothing_is_credited_before_it_is_paid(topup: TopUp, alice: User, status: Any) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.reference]["payment_status"] = status
    DRIVER.fake.invoices[topup.reference]["status"] = status
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


@pytest.mark.parametrize(
    "changed", [{"amount": "2500"}, {"currency": "EUR"}, {"order_id": "0" * 32}, {"amount": "0.01"}]
)
def test_an_invoice_that_does_not_fit_is_not_credited(topup: TopUp, alice: User, changed: dict[str, str]) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.reference].update(changed)
    assert looked(topup).state == TopUpState.HELD
    assert (balance(alice), moved(topup)) == (0, {})


@pytest.mark.parametrize("silent", [None, "", "0", "0.00000000"])
@pytest.mark.parametrize("field", ["payment_amount", "payer_amount"])
def test_money_without_an_amount_waits_for_the_owner(topup: TopUp, alice: User, field: str, silent: Any) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.reference][field] = silent
    found = looked(topup)
    assert (found.state, balance(alice)) == (TopUpState.HELD, 0)
    assert "does not say how much" in found.why


@pytest.mark.parametrize("wrong", [True, "25,00", " 25", "+25", "-25", "NaN", "1e400", "２５", []])
def test_an_amount_that_is_none_is_no_answer(topup: TopUp, alice: User, wrong: Any) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.reference]["payment_amount"] = wrong
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


def test_the_services_own_test_call_pays_nothing(topup: TopUp, alice: User) -> None:
    """Truly signed, made for any reference and state by a button of theirs: no money is behind it."""
    body = DRIVER.fake.webhook(topup, status="paid", payment_amount="25.12")
    assert events.receive(topup.method, headers={}, body=body, now=database_now())
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


def test_the_call_of_one_topup_with_the_reference_of_another(topup: TopUp, alice: User) -> None:
    bob = customer("bob@example.com", has="0")
    other = started(bob, topup.method, "25")
    DRIVER.pays(other)
    body = DRIVER.fake.webhook(other, order_id=topup.reference)
    assert events.receive(topup.method, headers={}, body=body, now=database_now())
    assert Alert.objects.filter(cause=f"method:{topup.method_id}:contradicts").exists()
    assert looked(topup).state == TopUpState.PENDING
    assert looked(other).state == TopUpState.HELD
    assert (balance(alice), balance(bob)) == (0, 0)
    decide(topup_id=other.pk, accept=True, actor=shell_actor(), reason="It is his", now=database_now())
    assert (balance(alice), balance(bob)) == (0, 25)
    assert broken() == []


def test_a_lost_answer_to_the_start_finds_the_same_invoice(alice: User) -> None:
    by = method("cryptomus", "Coins")
    before = len(DRIVER.fake.invoices)
    DRIVER.fake.queued = [(504, b"")]
    topup = started(alice, by, "25")
    assert topup.state == TopUpState.CREATED
    assert looked(topup).remote_id == DRIVER.fake.invoices[topup.reference]["uuid"]
    assert len(DRIVER.fake.invoices) == before + 1


def test_the_settings_are_tested_with_a_signed_call(server: FakeServer) -> None:
    driver = DRIVERS["heleket"]
    good = {**driver.settings, **driver.secrets}
    assert HELEKET.check(Config(good, is_live=True)) == []
    assert "does not accept" in HELEKET.check(Config({**good, "payment_key": KEY}, is_live=True))[0]
    assert "no test mode" in HELEKET.check(Config(good, is_live=False))[0]
    assert isinstance(HELEKET.start(replace(asked(), remote_id=""), Config(good, is_live=False)), Declined)


def test_a_list_that_is_longer_than_the_shop_reads_is_no_answer(topup: TopUp, monkeypatch: pytest.MonkeyPatch) -> None:
    by = {**DRIVER.settings, **DRIVER.secrets}
    since = database_now() - timedelta(minutes=5)
    started(topup.customer, topup.method, "20")
    monkeypatch.setattr("billing.gateways.cryptomus.gateway._MOST_PAGES", 1)
    with pytest.raises(NoAnswer, match="more payments"):
        CRYPTOMUS.list_payments(since, Config(by, is_live=True))


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", "x" * 5000])
def test_odd_texts_of_a_genuine_call_are_no_trouble(text: str) -> None:
    body = f'{{"type":"payment","uuid":"{UUID}","order_id":"{text}","status":"{text}"}}'.encode()
    assert CRYPTOMUS.verify({}, signed(body), config(), database_now()).remote_id == UUID
