"""Calls and answers of Stripe, byte for byte, each with its right reading: `samples/cases.tsv` lists the calls."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.gateways.contract import Asked, Config, Dispute, Forged, Ignored, NoAnswer, Reading, ReadState
from billing.gateways.reading import read_json
from billing.gateways.stripe import GATEWAY
from billing.gateways.stripe.sessions import read_session
from billing.gateways.stripe.webhook import SIGNATURE
from tests.billing.topups.stripe.fake import event, signature

SAMPLES = Path(__file__).parent / "samples"
CASES = list(csv.DictReader((SAMPLES / "cases.tsv").open(), delimiter="\t"))
SECRET = "whsec_Vt4nQ8pLr2XcKd7mZb1H"
CONFIG = Config({"secret_key": "sk_test_51PermilleSamples", "webhook_secret": SECRET}, is_live=False)
NOW = datetime.fromtimestamp(1_790_000_010, UTC)
ASKED = Asked(
    reference="5f0c2b7e9a414d1c8e630a7d2f9b4c11",
    number="T-1",
    amount=Decimal(25),
    currency="USD",
    remote_id="cs_test_a1PermilleTopupOne",
    return_url="https://shop.example/funds/1/",
    expires_at=NOW,
)


def named(case: dict[str, str]) -> str:
    return case["case"]


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_json((SAMPLES / f"{name}.json").read_bytes())
    return found


def header(case: dict[str, str]) -> str:
    return f"t={case['signed_at']},v1={case['v1']}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_librarys_check_agrees_with_the_samples(case: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._webhook.time.time", lambda: NOW.timestamp())
    body = (SAMPLES / case["file"]).read_bytes()
    raised = {"refuses": stripe.SignatureVerificationError, "raises": ValueError}.get(case["library"])
    if raised is None:
        stripe.Webhook.construct_event(body, header(case), SECRET)
        return
    with pytest.raises(raised):
        stripe.Webhook.construct_event(body, header(case), SECRET)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_call_is_read_as_its_case_says(case: dict[str, str]) -> None:
    body, config = (SAMPLES / case["file"]).read_bytes(), CONFIG
    try:
        hint = GATEWAY.verify({SIGNATURE: header(case)}, body, config, NOW)
    except Forged:
        assert case["our_check"] == "forged"
    except Ignored:
        assert case["our_check"] == "ignored"
    else:
        points = [hint.remote_id, hint.reference, hint.payment_id]
        assert case["our_check"] == " ".join(["points at", *(point or "-" for point in points)])
        assert hint.event_id == json.loads(body)["id"]


@pytest.mark.parametrize("case", [case for case in CASES if case["means"] != "-"], ids=named)
def test_the_same_facts_in_an_answer_are_read_as_the_case_says(case: dict[str, str]) -> None:
    about = sample(case["file"].removesuffix(".json"))["data"]["object"]
    assert in_words(read(about)) == case["means"]


def read(about: dict[str, Any]) -> Reading:
    """Read the object of an event as if an answer had shown it."""
    if about["object"] == "checkout.session":
        return read_session(about, ASKED, [], [])
    charge = about if about["object"] == "charge" else {"amount_refunded": "0"}
    intent = {"id": "pi_3PermilleTopupOne", "latest_charge": charge}
    session = {**sample("answer-fetch-paid"), "payment_intent": intent}
    refunds = [about] if about["object"] == "refund" else []
    return read_session(session, ASKED, refunds, [about] if about["object"] == "dispute" else [])


def in_words(reading: Reading) -> str:
    if reading.state is not ReadState.PAID:
        return reading.state.value
    [payment] = reading.payments
    if reading.dispute is not Dispute.NONE:
        assert payment.charged_back == 0
        return f"dispute {reading.dispute.value}"
    if payment.failed_refunds or payment.refunded:
        return f"refunded {payment.refunded}"
    if payment.charged_back:
        return f"charged back {payment.charged_back}"
    assert (payment.amount, payment.currency) == (reading.asked_amount, reading.asked_currency)
    return f"paid {payment.amount} {payment.currency}{' live' if reading.is_live else ''}"


def test_answers_are_read() -> None:
    assert read(sample("answer-fetch-open")).state is ReadState.PENDING
    assert read(sample("answer-fetch-expired")).state is ReadState.EXPIRED
    paid = read(sample("answer-fetch-paid"))
    assert [(p.payment_id, p.amount) for p in paid.payments] == [("pi_3PermilleTopupOne", Decimal(25))]
    refunded = read(sample("answer-refund"))
    assert [p.refunded for p in refunded.payments] == [Decimal(10)]


@pytest.mark.parametrize(
    ("status", "moves", "charged_back"),
    [
        ("warning_needs_response", [], "0"),
        ("warning_closed", [], "0"),
        ("needs_response", [-2500], "25"),
        ("needs_response", [-2500, 2500], "0"),
        ("lost", [], "25"),
        ("lost", [-2500], "25"),
        ("lost", [-2500, 1000], "15"),
        ("won", [-2500], "0"),
        ("prevented", [], "0"),
        ("prevented", [-2500], "25"),
    ],
)
def test_a_dispute_counts_for_what_it_moved(status: str, moves: list[int], charged_back: str) -> None:
    about = sample("dispute-opened")["data"]["object"]
    about |= {"status": status, "balance_transactions": [{"amount": m, "currency": "usd"} for m in moves]}
    assert read(about).payments[0].charged_back == Decimal(charged_back)


def test_two_disputes_never_take_more_than_was_paid() -> None:
    about = sample("dispute-funds-withdrawn")["data"]["object"]
    session = {**sample("answer-fetch-paid")}
    assert read_session(session, ASKED, [], [about, about]).payments[0].charged_back == 25


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_total": "25.5"},
        {"amount_total": None},
        {"amount_total": "-2500"},
        {"amount_total": "1e400"},
        {"amount_total": True},
        {"currency": "UЅD"},
        {"currency": None},
        {"livemode": "false"},
        {"payment_intent": None},
        {"payment_intent": {"id": None}},
        {"payment_intent": {"id": "pi_1", "latest_charge": {"amount_refunded": "1e999"}}},
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(changed: dict[str, Any]) -> None:
    with pytest.raises(NoAnswer):
        read_session({**sample("answer-fetch-paid"), **changed}, ASKED, [], [])


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"status": "complete", "payment_status": "no_payment_required"}, ReadState.HELD),
        ({"status": "frozen", "payment_status": "unpaid"}, ReadState.HELD),
        ({"client_reference_id": None}, ReadState.HELD),
        ({"status": "complete", "payment_status": "unpaid"}, ReadState.PENDING),
    ],
)
def test_what_is_not_plainly_paid_is_not_paid(changed: dict[str, Any], state: ReadState) -> None:
    assert read_session({**sample("answer-fetch-paid"), **changed}, ASKED, [], []).state is state


BODY = (SAMPLES / "session-paid.json").read_bytes()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=",
        "t=1790000000",
        "t=1790000000,v0={v1}",
        "t=1790000000,v2={v1}",
        "t=1790000000,v1={V1}",
        "t=1790000000,v1={v1}0",
        "t=1790000000,v1={short}",
        "t=+1790000000,v1={v1}",
        "t=١٧٩٠٠٠٠٠٠٠,v1={v1}",
        "t=１７９０００００００,v1={v1}",
        "t=" + "9" * 400 + ",v1={v1}",
        "t=1790000000,t=1790000009,v1={v1}",
        "t=1790000000,v1=ü" + "a" * 63,
        "t=1790000000," + ",".join(["v1=" + "0" * 64] * 200),
    ],
)
def test_an_odd_header_is_refused(header: str) -> None:
    v1 = signature(BODY, 1_790_000_000, SECRET).rpartition("=")[2]
    sent = header.format(v1=v1, V1=v1.upper(), short=v1[:8]) if "{" in header else header
    with pytest.raises(Forged):
        GATEWAY.verify({SIGNATURE: sent}, BODY, CONFIG, NOW)


def test_any_one_of_many_signatures_is_enough() -> None:
    """While a secret is changed, Stripe signs with both."""
    sent = ",".join([signature(BODY, 1_790_000_000, SECRET), *["v1=" + "0" * 64] * 49])
    assert GATEWAY.verify({SIGNATURE: sent}, BODY, CONFIG, NOW).event_id == "evt_1Permille0001"


@pytest.mark.parametrize("seconds", [-310, 311, 10**6])
def test_a_call_of_another_time_is_refused(seconds: int) -> None:
    sent = {SIGNATURE: signature(BODY, 1_790_000_010 + seconds, SECRET)}
    with pytest.raises(Forged):
        GATEWAY.verify(sent, BODY, CONFIG, NOW)


ABOUT = json.loads(BODY)["data"]["object"]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe" + BODY,
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
        BODY + b"{}",
        b"[" * 10_000,
        b"id=evt_1&object=event",
        b"\x1f\x8b\x08" + BODY,
        event("checkout.session.completed", ABOUT, livemode=True),
        event("checkout.session.completed", ABOUT, livemode="false"),
    ],
)
def test_an_odd_body_is_refused_also_when_it_is_signed(body: bytes) -> None:
    with pytest.raises(Forged):
        GATEWAY.verify({SIGNATURE: signature(body, 1_790_000_000, SECRET)}, body, CONFIG, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"paid"',
        b"null",
        event("customer.created", {"object": "customer", "livemode": False}),
        event("checkout.session.completed", ABOUT, id=""),
        event("checkout.session.completed", ABOUT, id=5),
        b'{"object": "event", "id": ' + b"9" * 100_000 + b"}",
        event("checkout.session.completed", ABOUT, id="e" * 10_000),
        event("checkout.session.completed", ABOUT, type=None),
        event("checkout.session.doubled", ABOUT, livemode=None),
        event("checkout.session.completed", {**ABOUT, "client_reference_id": "../../etc"}),
        event("checkout.session.completed", {**ABOUT, "id": "cs_\n1"}),
        event("refund.failed", {"id": "re_1", "livemode": False, "metadata": []}),
        event("charge.refunded", {"livemode": False, "payment_intent": 5, "metadata": {"topup": "x" * 500}}),
    ],
)
def test_what_is_no_business_of_ours_is_ignored(body: bytes) -> None:
    with pytest.raises(Ignored):
        GATEWAY.verify({SIGNATURE: signature(body, 1_790_000_000, SECRET)}, body, CONFIG, NOW)


@pytest.mark.parametrize("secret", ["", " ", "short"])
def test_without_a_secret_nothing_is_genuine(secret: str) -> None:
    config = replace(CONFIG, values={"webhook_secret": secret})
    with pytest.raises(Forged):
        GATEWAY.verify({SIGNATURE: signature(BODY, 1_790_000_000, secret)}, BODY, config, NOW)
