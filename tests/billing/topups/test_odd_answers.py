"""Answers that are odd and legitimate: a gateway may write a number as text, add fields, leave others empty."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.gateways.btcpay import GATEWAY as BTCPAY
from billing.gateways.contract import Asked, Config
from billing.gateways.cryptomus import GATEWAY as CRYPTOMUS
from billing.gateways.nowpayments import GATEWAY as NOWPAYMENTS
from billing.gateways.signed import GATEWAY as SIGNED
from billing.gateways.stripe import GATEWAY as STRIPE
from core.clock import database_now
from tests.billing.topups import samples
from tests.billing.topups.fakes.btcpay import STORE, WEBHOOK_SECRET
from tests.billing.topups.fakes.cryptomus import MERCHANT, md5_sign
from tests.billing.topups.fakes.nowpayments import IPN_SECRET
from tests.billing.topups.fakes.server import FakeServer
from tests.billing.topups.samples import PRICE, REFERENCE
from tests.billing.topups.signed.fake import ANSWER_KEY, REQUEST_KEY, FakeProgram, call_body, signed
from tests.billing.topups.stripe.fake import KEY, SECRET, FakeStripe, event, signature

pytestmark = pytest.mark.django_db

LATER = datetime(2026, 12, 31, tzinfo=UTC)
Facts = dict[str, Any]


def texts(value: Any) -> Any:
    """Every number as text."""
    if isinstance(value, dict):
        return {name: texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def numbers(value: Any) -> Any:
    """Every text of digits as a number."""
    if isinstance(value, dict):
        return {name: item if name == "order_id" else numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    is_number = isinstance(value, str) and value.replace(".", "", 1).isdecimal() and len(value) < 20
    return float(value) if is_number and "." in value else int(value) if is_number else value


def more(value: Any) -> Any:
    """Fields that nobody knows at every level, and the known ones in another order."""
    if isinstance(value, list):
        return [more(item) for item in value]
    if not isinstance(value, dict):
        return value
    added = {"new": None, "newer": [{"x": 1.5e-7}], "newest": "ü\x00 "}
    return added | {name: more(item) for name, item in reversed(value.items())}


ODD: dict[str, Callable[[Any], Any]] = {"as it is": lambda v: v, "texts": texts, "numbers": numbers, "more": more}
odd = pytest.mark.parametrize("how", ODD.values(), ids=ODD)


@pytest.fixture(scope="module")
def server() -> FakeServer:
    return FakeServer()


def asked(remote_id: str) -> Asked:
    return Asked(REFERENCE, "T-1", PRICE, "USD", remote_id, "https://shop.example/", LATER)


def without(value: Facts, *names: str) -> Facts:
    return {name: item for name, item in value.items() if name not in names}


@odd
def test_stripe(how: Any, fake_stripe: FakeStripe) -> None:
    charge = {"id": "ch_1", "amount_refunded": None, "disputed": False, "refunds": {"data": [], "has_more": False}}
    intent = {"id": "pi_1", "amount_received": 2500, "currency": "USD", "latest_charge": charge}
    session = {
        "id": "cs_1", "amount_total": 2500, "client_reference_id": REFERENCE, "currency": "usd", "livemode": True,
        "payment_intent": intent, "payment_status": "paid", "status": "complete",
    }  # fmt: skip
    empty = {"customer_details": None, "metadata": None, "url": None, "presentment_details": None}
    config = Config({"secret_key": KEY, "webhook_secret": SECRET}, is_live=True)
    fake_stripe.sessions["cs_1"] = {"payment_intent": None}
    sparse = {**intent, "amount_received": None, "currency": None}
    for answer in (session, {**session, **empty}, {**session, "payment_intent": sparse}):
        fake_stripe.raw = json.dumps(how(answer)).encode()
        assert samples.summary(STRIPE.fetch(asked("cs_1"), frozenset(), config)) == "paid 25"
    body = json.dumps(how(json.loads(event("checkout.session.completed", session)))).encode()
    first, _comma, v1 = signature(body).partition(",")
    for header in (f"{first},{v1}", f"{first},v1={'0' * 64},v0=ab,{v1}", f"{v1},{first}"):
        assert STRIPE.verify({"Stripe-Signature": header}, body, config, database_now()).remote_id == "cs_1"


@odd
def test_nowpayments(how: Any, server: FakeServer) -> None:
    given = json.loads(samples.body("nowpayments", "answer_fetch__finished.json"))
    empty = dict.fromkeys(("invoice_id", "payin_extra_id", "purchase_id", "outcome_amount", "fee", "updated_at"))
    capitals = {"price_currency": "USD", "pay_currency": given["pay_currency"].upper()}
    values = {"api_key": "x", "ipn_secret": IPN_SECRET, "coins": "usdttrc20", "address": server.url}
    for answer in (given, {**given, **empty}, {**given, **capitals}, without(given, "invoice_id", "payin_hash")):
        server.queued = [(200, json.dumps(how(answer)).encode())]
        found = NOWPAYMENTS.fetch(asked("4944856743"), frozenset({"4944856743"}), Config(values, is_live=True))
        assert samples.summary(found) == "paid 25"
    body = json.dumps(how(without(given, "payin_hash")), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    header = hmac.new(IPN_SECRET.encode(), body.encode(), hashlib.sha512).hexdigest()
    hint = NOWPAYMENTS.verify({"X-NOWPayments-Sig": header}, body.encode(), Config(values, True), database_now())
    assert hint.payment_id == "4944856743"


@odd
def test_cryptomus(how: Any, server: FakeServer) -> None:
    given = json.loads(samples.body("cryptomus", "answer_info__paid.json"))
    result = given["result"]
    empty = dict.fromkeys(("expired_at", "network", "txid", "merchant_amount", "payment_amount_usd", "payer_currency"))
    key = "Pq4LkR2vTz9XbN4cPmH8sJd5yG1uF6aE3oQiVtKx"
    config = Config({"merchant": MERCHANT, "payment_key": key, "address": server.url}, is_live=True)
    for answer in (result, {**result, **empty}, without(result, "payment_status"), without(result, "status", "url")):
        server.queued = [(200, json.dumps(how({"state": 0, "result": answer})).encode())]
        assert samples.summary(CRYPTOMUS.fetch(asked(result["uuid"]), frozenset(), config)) == "paid 25"
    body = json.dumps(how({"type": "payment", **result})).encode()
    sent = body[:-1] + f',"sign":"{md5_sign(body, key)}"}}'.encode()
    assert CRYPTOMUS.verify({"X": "y"}, sent, config, database_now()).remote_id == result["uuid"]


@odd
def test_btcpay(how: Any, server: FakeServer) -> None:
    given = json.loads(samples.body("btcpay", "answer_fetch__settled.json"))
    values = {"address": server.url, "store": STORE, "api_key": "x", "webhook_secret": WEBHOOK_SECRET}
    config = Config(values, is_live=True)
    empty = dict.fromkeys(("additionalStatus", "checkout", "receipt", "expirationTime", "type"))
    for answer in (given, {**given, **empty}, {**given, "currency": "usd"}, without(given, *empty)):
        server.queued = [(200, json.dumps(how(answer)).encode())]
        assert samples.summary(BTCPAY.fetch(asked(given["id"]), frozenset(), config)) == "paid 25"
    call = {"type": "InvoiceSettled", "storeId": STORE, "invoiceId": given["id"], "metadata": None, "timestamp": 1}
    body = json.dumps(how(call), indent=2).encode()
    digest = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    for name, value in (("BTCPay-Sig", digest), ("BTCPAY-SIG", digest.upper())):
        assert BTCPAY.verify({name: f"sha256={value}"}, body, config, database_now()).remote_id == given["id"]


@odd
def test_the_owners_own(how: Any, fake_program: FakeProgram) -> None:
    payment = {"id": "p-1", "amount": "25.00", "currency": "usd"}
    keys = {"request_key": REQUEST_KEY, "answer_key": ANSWER_KEY}
    config = Config({**keys, "status_address": f"{fake_program.url}/status"}, is_live=True)
    for changed in ({}, {"refunded": None, "charged_back": None}, {"refunded": 0, "charged_back": "0.00"}):
        said = {"state": "paid", "amount": "25.0", "payments": [{**payment, **changed}]}
        fake_program.bend = lambda known, said=said: {**how({**known, **said}), "nonce": known["nonce"]}  # type: ignore[misc]
        found = SIGNED.fetch(asked(REFERENCE), frozenset(), config)
        assert (samples.summary(found), found.payments[0].refunded) == ("paid 25", Decimal(0))
    fake_program.bend = lambda known: {**known, "payments": None}
    assert samples.summary(SIGNED.fetch(asked(REFERENCE), frozenset(), config)) == "pending"
    body = json.dumps(how({**json.loads(call_body(REFERENCE)), "id": "call-1"})).encode()
    at, _comma, v1 = signed(ANSWER_KEY, body).partition(",v1=")
    for header in (f"{at},v1={v1}", f"{at},v1={v1.upper()}"):
        assert SIGNED.verify({"X-Signature": header}, body, config, database_now()).reference == REFERENCE
