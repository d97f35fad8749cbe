"""BTCPay Server: signed deliveries without amounts, and invoices that are paid late, in part, or by a button."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.btcpay import GATEWAY
from billing.gateways.contract import Asked, Config, Declined, Forged, Ignored, NoAnswer, Started
from billing.models import GatewayEvent, PaymentRefund, TopUp, TopUpState
from billing.models.topups import RefundState
from billing.topups import events, refunding
from billing.topups.mail_texts import topup_mail
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.topups import samples
from tests.billing.topups.cast import DRIVERS, broken, looked, method, moved, started
from tests.billing.topups.fakes.btcpay import API_KEY, STORE, WEBHOOK_SECRET
from tests.billing.topups.fakes.server import FakeServer
from tests.billing.topups.samples import PRICE, REFERENCE, Call
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = samples.calls("btcpay")
INVOICE = "Hk7Wq2ZtLr8VbN4XcPm3Jd"
DRIVER = DRIVERS["btcpay"]


@pytest.fixture(scope="module")
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("btcpay", "Bitcoin"), "25")


def config(server: FakeServer | None = None, key: str = WEBHOOK_SECRET) -> Config:
    address = server.url if server else "https://pay.example.com"
    values = {"address": address, "store": STORE, "api_key": API_KEY, "webhook_secret": key}
    return Config(values, is_live=True)


def asked(remote_id: str = INVOICE) -> Asked:
    until = datetime(2026, 12, 1, tzinfo=UTC)
    return Asked(REFERENCE, "T-1", PRICE, "USD", remote_id, "https://shop.example/wallet/topups/1/?back=1", until)


def read(server: FakeServer, state: str) -> str:
    """The reading of a sample of an answer; an expired invoice is asked about its payments, too."""
    paid = b'[{"payments":[{"status":"Settled"}]}]'
    server.queued = [(200, samples.body("btcpay", f"answer_fetch__{state}.json")), (200, paid)]
    return samples.summary(GATEWAY.fetch(asked(), frozenset(), config(server)))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_each_sample_of_a_call_is_read_as_it_should_be(server: FakeServer, call: Call) -> None:
    given = {"btcpay-sig": call.signature}
    refused = {"forged": Forged, "ignored": Ignored}.get(call.reading)
    if refused is not None:
        with pytest.raises(refused):
            GATEWAY.verify(given, call.body, config(key=call.key), database_now())
        return
    hint = GATEWAY.verify(given, call.body, config(key=call.key), database_now())
    if call.reading == "of no top-up":
        assert (hint.remote_id, hint.reference) == ("Zz9SomeoneElsesInvoice", "")
        return
    assert (hint.remote_id, hint.reference) == (INVOICE, REFERENCE)
    answer, _colon, reading = call.reading.partition(": ")
    assert read(server, answer) == reading


@pytest.mark.parametrize(("state", "reading"), [("new", "pending"), ("wrong_currency", "held")])
def test_each_other_sample_of_an_answer(server: FakeServer, state: str, reading: str) -> None:
    assert read(server, state) == reading


def test_the_sample_of_a_new_invoice(server: FakeServer) -> None:
    server.queued = [(200, b"[]"), (200, samples.body("btcpay", "answer_create.json"))]
    answer = GATEWAY.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Started)
    assert (answer.remote_id, answer.pay_url) == (INVOICE, f"https://btcpay.example/i/{INVOICE}")
    assert answer.expires_at == datetime.fromtimestamp(1790000300, UTC)
    sent = server.requests[-1]
    assert sent.path == f"/api/v1/stores/{STORE}/invoices"
    assert sent.headers["authorization"] == f"token {API_KEY}"
    order = json.loads(sent.body)
    assert (order["amount"], order["currency"]) == ("25.00", "USD")
    assert order["metadata"]["orderId"] == REFERENCE
    assert order["checkout"]["paymentTolerance"] == 0


def test_an_invoice_of_another_amount_under_our_reference_is_not_taken(server: FakeServer) -> None:
    first = json.loads(samples.body("btcpay", "answer_create.json"))
    small = json.dumps([{**first, "id": "Small", "amount": "0.01"}, "x", {**first, "metadata": None}]).encode()
    server.queued = [(200, small), (200, samples.body("btcpay", "answer_create.json"))]
    answer = GATEWAY.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, Started)
    assert answer.remote_id == INVOICE


@pytest.mark.parametrize(("status", "kind"), [(422, Declined), (401, Declined)])
def test_a_refusal_is_told_in_our_words(server: FakeServer, status: int, kind: type) -> None:
    server.queued = [(200, b"[]"), (status, samples.body("btcpay", "answer_error_422.json"))]
    answer = GATEWAY.start(replace(asked(), remote_id=""), config(server))
    assert isinstance(answer, kind)
    assert "should be 0" not in str(answer)


def test_the_sample_of_a_refund_is_a_link(server: FakeServer) -> None:
    server.queued = [(200, b"[]"), (200, samples.body("btcpay", "answer_refund.json"))]
    answer = GATEWAY.refund(asked(), INVOICE, Decimal(25), f"{REFERENCE}:refund:1", config(server))
    assert getattr(answer, "refund_id", "") == "https://btcpay.example/pull-payments/PP7Qw2"
    assert json.loads(server.requests[-1].body)["customAmount"] == "25.00"


def signed(body: bytes, key: str = WEBHOOK_SECRET) -> dict[str, str]:
    return {"btcpay-sig": f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"}


@pytest.mark.parametrize(
    "body", [b"", b"x", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":"\xff"}', b"[" * 20_000, b'\xef\xbb\xbf{"type":"x"}']
)
def test_a_body_that_no_sender_writes_is_refused_whatever_its_signature(body: bytes) -> None:
    with pytest.raises(Forged):
        GATEWAY.verify(signed(body), body, config(), database_now())


@pytest.mark.parametrize(
    "event",
    [
        [],
        None,
        "InvoiceSettled",
        {"type": "PayoutCompleted", "storeId": STORE, "invoiceId": INVOICE},
        {"type": "InvoiceSettled", "storeId": "AnotherStore", "invoiceId": INVOICE},
        {"type": "InvoiceSettled", "invoiceId": INVOICE},
        {"type": "InvoiceSettled", "storeId": STORE, "invoiceId": "../stores"},
        {"type": "InvoiceSettled", "storeId": STORE, "invoiceId": f"{INVOICE}?x=1"},
        {"type": "InvoiceSettled", "storeId": STORE, "invoiceId": 7.5},
        {"type": 7, "storeId": STORE, "invoiceId": INVOICE},
        {"storeId": STORE},
    ],
)
def test_a_genuine_call_that_is_not_ours_is_of_no_use(event: Any) -> None:
    body = json.dumps(event).encode()
    with pytest.raises(Ignored):
        GATEWAY.verify(signed(body), body, config(), database_now())


@pytest.mark.parametrize("delivery", [None, "", [7], "x" * 10_000, "a b", "\n"])
def test_a_delivery_without_an_id_is_known_by_its_content(delivery: Any) -> None:
    event = {"type": "InvoiceSettled", "storeId": STORE, "invoiceId": INVOICE, "originalDeliveryId": delivery}
    body = json.dumps(event).encode()
    hint = GATEWAY.verify(signed(body), body, config(), database_now())
    assert hint.event_id == f"{hashlib.sha256(body).hexdigest()}:InvoiceSettled"


def test_a_redelivery_is_stored_once(topup: TopUp) -> None:
    for n in range(3):
        headers, body = DRIVER.fake.delivery(
            topup.remote_id, deliveryId=f"again-{n}", originalDeliveryId="first", isRedelivery=n > 0
        )
        assert events.receive(topup.method, headers=headers, body=body, now=database_now())
    assert GatewayEvent.objects.count() == 1


def test_what_was_seen_is_credited_once_it_is_settled(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup.remote_id, "Processing", paid="25")
    found = looked(topup)
    assert (found.state, balance(alice)) == (TopUpState.PENDING, 0)
    assert "confirmations" in found.why
    # Replaced by another transaction.
    DRIVER.fake.change(topup.remote_id, "New", paid="0")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    DRIVER.fake.change(topup.remote_id, "Settled", paid="25")
    for _again in range(2):
        assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)
    assert broken() == []


@pytest.mark.parametrize(("detail", "paid"), [("PaidLate", "25"), ("PaidPartial", "10")])
def test_what_comes_late_counts_once_it_is_confirmed(topup: TopUp, alice: User, detail: str, paid: str) -> None:
    DRIVER.fake.change(topup.remote_id, "Expired")
    assert looked(topup).state == TopUpState.EXPIRED
    DRIVER.fake.change(topup.remote_id, "Expired", detail, paid)
    DRIVER.fake.unconfirmed.add(topup.remote_id)
    found = looked(topup)
    assert (found.received, balance(alice)) == (0, 0)
    DRIVER.fake.unconfirmed.discard(topup.remote_id)
    found = looked(topup)
    assert found.received == Decimal(paid)
    assert (found.state, balance(alice)) == ((TopUpState.PAID, 25) if paid == "25" else (TopUpState.UNDERPAID, 0))
    assert broken() == []


def test_more_than_asked_for_is_credited_as_asked(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup.remote_id, "Settled", "PaidOver", "30.00")
    assert looked(topup).received == 30
    assert balance(alice) == 25
    assert broken() == []


@pytest.mark.parametrize(
    ("paid", "state", "credited"),
    [("0", TopUpState.HELD, 0), ("10", TopUpState.UNDERPAID, 0), ("25.00", TopUpState.PAID, 25)],
)
def test_an_invoice_that_a_person_marked_counts_what_was_paid(
    topup: TopUp, alice: User, paid: str, state: TopUpState, credited: int
) -> None:
    DRIVER.fake.change(topup.remote_id, "Settled", "Marked", paid)
    assert (looked(topup).state, balance(alice)) == (state, credited)
    assert Alert.objects.filter(cause=f"topup:{topup.pk}:decide").exists() == (not credited)


@pytest.mark.parametrize("status", ["New", "Processing", "Unheard", None, ["Settled"], "settled"])
def test_nothing_is_credited_before_it_is_settled(topup: TopUp, alice: User, status: Any) -> None:
    DRIVER.fake.change(topup.remote_id, status, "None", "25")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


@pytest.mark.parametrize(
    "changed", [{"amount": "2500"}, {"currency": "EUR"}, {"metadata": {"orderId": "0" * 32}}, {"id": "Other"}]
)
def test_an_invoice_that_does_not_fit_is_not_credited(topup: TopUp, alice: User, changed: dict[str, Any]) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.remote_id] |= changed
    assert looked(topup).state == TopUpState.HELD
    assert (balance(alice), moved(topup)) == (0, {})


@pytest.mark.parametrize(("status", "detail"), [("Settled", "None"), ("Expired", "PaidLate")])
def test_money_without_an_amount_waits_for_the_owner(topup: TopUp, alice: User, status: str, detail: str) -> None:
    DRIVER.fake.change(topup.remote_id, status, detail)
    DRIVER.fake.invoices[topup.remote_id]["paidAmount"] = None
    found = looked(topup)
    assert (found.state, balance(alice)) == (TopUpState.HELD, 0)
    assert "does not say how much" in found.why


@pytest.mark.parametrize("detail", ["PaidOver", "Marked", "None", None])
@pytest.mark.parametrize(("paid", "state"), [("30", TopUpState.PAID), ("10", TopUpState.UNDERPAID)])
def test_an_expired_invoice_counts_what_was_paid_whatever_it_says_of_it(
    topup: TopUp, alice: User, detail: Any, paid: str, state: TopUpState
) -> None:
    DRIVER.fake.change(topup.remote_id, "Expired", detail, paid)
    found = looked(topup)
    assert (found.state, found.received) == (state, Decimal(paid))
    assert balance(alice) == (25 if state == TopUpState.PAID else 0)


def test_a_part_is_shown_while_the_rest_may_come(topup: TopUp, alice: User) -> None:
    DRIVER.fake.change(topup.remote_id, "New", paid="10")
    DRIVER.fake.unconfirmed.add(topup.remote_id)
    found = looked(topup)
    assert (found.state, found.received) == (TopUpState.PENDING, 0)
    DRIVER.fake.unconfirmed.discard(topup.remote_id)
    found = looked(topup)
    assert (found.state, found.received, balance(alice)) == (TopUpState.PENDING, 10, 0)
    DRIVER.fake.change(topup.remote_id, "Settled", paid="25")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PAID, 25)
    assert broken() == []


@pytest.mark.parametrize("wrong", [True, "25,00", " 25", "+25", "-25", "NaN", "1e400", "２５", []])
def test_an_amount_that_is_none_is_no_answer(topup: TopUp, alice: User, wrong: Any) -> None:
    DRIVER.pays(topup)
    DRIVER.fake.invoices[topup.remote_id]["paidAmount"] = wrong
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)


def test_a_lost_answer_to_the_start_finds_the_same_invoice(alice: User) -> None:
    by, before = method("btcpay", "Bitcoin"), len(DRIVER.fake.invoices)
    topup = started(alice, by, "25")
    TopUp.objects.filter(pk=topup.pk).update(state=TopUpState.CREATED)
    again = GATEWAY.start(
        replace(asked(""), reference=topup.reference), Config({**DRIVER.settings, **DRIVER.secrets}, is_live=True)
    )
    assert isinstance(again, Started)
    assert again.remote_id == topup.remote_id
    assert len(DRIVER.fake.invoices) == before + 1


def paid_and_asked_back(topup: TopUp) -> None:
    """Pay 25 and ask for a refund of 10, which is not sent yet."""
    DRIVER.pays(topup)
    looked(topup)
    refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(10), actor=shell_actor(),
        reason="Asked for it", now=database_now(),
    )  # fmt: skip


def test_a_refund_is_a_link_that_the_customer_finds(topup: TopUp, alice: User) -> None:
    paid_and_asked_back(topup)
    assert balance(alice) == 15
    # An answer that is lost makes no second link: the first is found by its name.
    before, lost = len(DRIVER.fake.pulls), PaymentRefund.objects.get()
    assert refunding.send_due(seconds=5, is_frozen=False) == 1
    PaymentRefund.objects.update(state="waiting", next_at=database_now(), refund_id="")
    assert refunding.send_due(seconds=5, is_frozen=False) == 1
    assert [pull["name"] for pull in DRIVER.fake.pulls[before:]] == [lost.key]
    assert DRIVER.fake.pulls[-1]["amount"] == "10.00"
    page = sign_in_customer(alice)
    link = DRIVER.fake.pulls[-1]["viewLink"]
    assert PaymentRefund.objects.get().link == link
    shown = page.get(f"/wallet/topups/{topup.pk}/").content.decode()
    assert link in shown
    # Nobody knows whether he took it.
    assert "is being refunded: collect it with the link" in shown
    assert PaymentRefund.objects.get().shown_state == "A link to collect it was made"
    mail = topup_mail(TopUp.objects.get())
    assert mail is not None
    assert mail.title == f"A refund of top-up {topup.number} waits for you"
    assert looked(topup).state == TopUpState.PART_REFUNDED
    assert broken() == []


def test_a_refund_link_that_was_made_in_the_server_alerts_the_owner(topup: TopUp, alice: User) -> None:
    paid_and_asked_back(topup)
    refunding.send_due(seconds=5, is_frozen=False)
    pull = DRIVER.fake.pulls[-1]["id"]
    warned = Alert.objects.filter(cause=f"topup:{topup.pk}:warning")
    # The one that the shop made is no news.
    for pull_payment, alerts in ((pull, 0), ("PP7Qw2", 1)):
        headers, body = DRIVER.fake.delivery(topup.remote_id, "InvoiceRefund", pullPaymentId=pull_payment)
        assert events.receive(topup.method, headers=headers, body=body, now=database_now())
        assert warned.count() == alerts
    assert balance(alice) == 15


def lists_read() -> int:
    return sum(request.path.endswith("/pull-payments") for request in DRIVER.fake.requests)


def test_a_first_try_of_a_refund_reads_no_list_that_may_be_too_long(topup: TopUp, alice: User) -> None:
    DRIVER.pays(topup)
    looked(topup)
    facts: dict[str, Any] = {"payment_id": topup.payments.get().pk, "actor": shell_actor(), "reason": "Asked for it"}
    before, read = len(DRIVER.fake.pulls), lists_read()
    DRIVER.fake.pulls += [{"name": "x" * 2000, "viewLink": ""}] * 600
    try:
        refunding.ask_refund(topup_id=topup.pk, amount=Decimal(10), now=database_now(), **facts)
        refunding.send_due(seconds=5, is_frozen=False)
        assert (PaymentRefund.objects.get().state, lists_read()) == (RefundState.DONE, read)
        assert len(DRIVER.fake.pulls) == before + 601
        # Of a repeat the list decides: without it nothing is sent, and nothing goes back into the wallet.
        PaymentRefund.objects.update(state="waiting", next_at=database_now(), refund_id="")
        refunding.send_due(seconds=5, is_frozen=False)
        assert (PaymentRefund.objects.get().state, lists_read()) == (RefundState.WAITING, read + 1)
        assert len(DRIVER.fake.pulls) == before + 601
    finally:
        del DRIVER.fake.pulls[before : before + 600]
    # An older one may have been sent in hours that a restore lost, with its count of tries.
    hour_ago = database_now() - timedelta(hours=1)
    PaymentRefund.objects.update(tries=0, created_at=hour_ago, next_at=hour_ago)
    refunding.send_due(seconds=5, is_frozen=False)
    assert (PaymentRefund.objects.get().state, lists_read()) == (RefundState.DONE, read + 2)
    assert len(DRIVER.fake.pulls) == before + 1
    assert balance(alice) == 15


def test_a_repeat_that_may_not_see_the_links_puts_nothing_back(topup: TopUp, alice: User) -> None:
    paid_and_asked_back(topup)
    PaymentRefund.objects.update(tries=1)
    DRIVER.fake.queued = [(403, b"{}")]
    refunding.send_due(seconds=5, is_frozen=False)
    assert PaymentRefund.objects.get().state == RefundState.WAITING
    assert balance(alice) == 15


def test_the_settings_say_what_is_wrong_with_them() -> None:
    good = {**DRIVER.settings, **DRIVER.secrets}
    assert GATEWAY.check(Config(good, is_live=True)) == []
    assert "API key" in GATEWAY.check(Config({**good, "api_key": "x" * 30}, is_live=True))[0]
    assert "API key" in GATEWAY.check(Config({**good, "store": "Another"}, is_live=True))[0]
    assert GATEWAY.problems(Config({**good, "store": "../x"}, is_live=True))
    assert set(GATEWAY.problems(Config({**good, "address": "https://testnet.x.example"}, is_live=True))) == {"address"}
    with pytest.raises(NoAnswer):
        GATEWAY.check(Config({**good, "store": "../x"}, is_live=True))


def test_a_list_that_is_longer_than_the_shop_reads_is_no_answer(topup: TopUp, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Config({**DRIVER.settings, **DRIVER.secrets}, is_live=True)
    monkeypatch.setattr("billing.gateways.btcpay.gateway.PAGE", 1)
    monkeypatch.setattr("billing.gateways.btcpay.gateway.MOST_PAGES", 1)
    with pytest.raises(NoAnswer, match="more invoices"):
        GATEWAY.list_payments(database_now() - timedelta(minutes=5), good)


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", "x" * 5000])
def test_odd_texts_of_a_genuine_call_are_no_trouble(text: str) -> None:
    event = f'"type":"Invoice{text}","storeId":"{STORE}","invoiceId":"{INVOICE}","metadata":{{"orderId":"{text}"}}'
    body = f"{{{event}}}".encode()
    assert GATEWAY.verify(signed(body), body, config(), database_now()).remote_id == INVOICE


def test_a_private_address_is_not_called_in_a_shop_that_does_not_allow_it(settings: Any, topup: TopUp) -> None:
    settings.ALLOW_PRIVATE_PROVIDER_HOSTS = False
    DRIVER.pays(topup)
    before = len(DRIVER.fake.requests)
    assert looked(topup).misses == 1
    assert len(DRIVER.fake.requests) == before
