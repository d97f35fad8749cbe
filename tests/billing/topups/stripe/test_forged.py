"""Calls of the webhook that are forged, odd, or about somebody else: no wallet moves by them."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from billing.gateways.stripe import GATEWAY
from billing.gateways.stripe.webhook import EVENTS
from billing.models import GatewayEvent, TopUp, TopUpState
from billing.topups import methods
from billing.topups.starting import asked_of
from core.clock import database_now
from notices.models import Alert
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import broken, looked, method, moved, started
from tests.billing.topups.stripe.driver import intent_of, refunds, sends
from tests.billing.topups.stripe.fake import KEY, SECRET, FakeStripe, event, signature
from tests.ops.tools import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("stripe", "Card"), "25")


def changed(session: dict[str, Any], **what: Any) -> bytes:
    return event("checkout.session.completed", {**session, "status": "complete", "payment_status": "paid", **what})


FORGED: dict[str, Callable[[dict[str, Any]], tuple[bytes, str]]] = {
    "another secret": lambda s: (b := changed(s), signature(b, secret="whsec_Jd93kfQm20LxWv8sTz5B")),
    "no secret": lambda s: (b := changed(s), signature(b, secret="")),
    "signature of another event": lambda s: (changed(s), signature(changed(s, amount_total=1))),
    "one digit changed": lambda s: (
        (b := changed(s)).replace(b"2500", b"9500"),
        signature(b),
    ),
    "written anew": lambda s: (json.dumps(json.loads(b := changed(s))).encode(), signature(b)),
    "only the old scheme": lambda s: (b := changed(s), signature(b).replace("v1=", "v0=")),
    "ten minutes old": lambda s: (b := changed(s), signature(b, int(database_now().timestamp()) - 600)),
    "still to come": lambda s: (b := changed(s), signature(b, int(database_now().timestamp()) + 600)),
    "the other mode": lambda s: (b := changed(s, livemode=False), signature(b)),
    "a key twice": lambda s: (b := changed(s).replace(b'"type"', b'"type": "x", "type"'), signature(b)),
    "form": lambda s: (b := b"type=checkout.session.completed", signature(b)),
    "empty": lambda s: (b"", signature(b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_call_is_refused_and_leads_to_no_question(
    name: str, topup: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    body, header = FORGED[name](fake_stripe.sessions[topup.remote_id])
    fake_stripe.calls.clear()
    assert sends(topup.method, body, header) == 400
    assert (fake_stripe.calls, GatewayEvent.objects.count(), balance(alice)) == ([], 0, 0)


GENUINE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "paid, says the call alone": changed,
    "another amount": lambda s: changed(s, amount_total=990_000),
    "units for cents": lambda s: changed(s, amount_total=25),
    "another currency": lambda s: changed(s, currency="jpy"),
    "no payment": lambda s: changed(s, payment_status="no_payment_required"),
    "a session of another site": lambda s: changed(s, id="cs_live_foreign", client_reference_id=None),
    "a session made by somebody else with our reference": lambda s: changed(s, id="cs_live_foreign"),
    "another's reference": lambda s: changed(s, client_reference_id="0" * 32),
    "unheard of": lambda s: event("checkout.session.doubled", s),
    "thin": lambda s: event("v1.billing.meter", s, object="v2.core.event"),
    "nul and line ends in texts": lambda s: changed(s, customer_details={"name": "a\x00b\u2028"}),
    "refund of an unknown payment": lambda s: event("refund.created", {"payment_intent": "pi_x", "livemode": True}),
}


@pytest.mark.parametrize("name", GENUINE)
def test_a_genuine_call_moves_nothing_that_stripe_does_not_confirm(
    name: str, topup: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    assert sends(topup.method, GENUINE[name](fake_stripe.sessions[topup.remote_id])) == 200
    # One that names two top-ups waits for the owner.
    state = TopUpState.HELD if name == "another's reference" else TopUpState.PENDING
    assert (looked(topup).state, balance(alice), moved(topup)) == (state, 0, {})


@pytest.mark.parametrize(
    "facts",
    [
        {"amount_total": 990_000},
        {"amount_total": 25},
        {"currency": "jpy"},
        {"livemode": False},
        {"client_reference_id": "0" * 32},
        {"client_reference_id": None},
        {"payment_status": "no_payment_required"},
    ],
)
def test_what_does_not_fit_waits_for_the_owner(
    facts: dict[str, Any], topup: TopUp, alice: User, fake_stripe: FakeStripe
) -> None:
    fake_stripe.pay(topup.remote_id)
    fake_stripe.sessions[topup.remote_id] |= facts
    found = looked(topup)
    assert (found.state, balance(alice), moved(topup)) == (TopUpState.HELD, 0, {})
    assert found.why
    assert broken() == []


def test_a_payment_of_another_topup_is_not_credited_twice(alice: User, topup: TopUp, fake_stripe: FakeStripe) -> None:
    fake_stripe.pay(topup.remote_id)
    paid = looked(topup)
    second = started(alice, paid.method, "25")
    fake_stripe.sessions[second.remote_id] |= {
        "payment_intent": intent_of(fake_stripe, paid)["id"], "status": "complete", "payment_status": "paid",
    }  # fmt: skip
    assert looked(second).state == TopUpState.HELD
    assert (balance(alice), broken()) == (money("25"), [])


def test_a_call_about_one_customer_credits_that_one_alone(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    bob = customer("bob", has="0")
    his = started(bob, topup.method, "25")
    fake_stripe.pay(his.remote_id)
    assert sends(topup.method, event("checkout.session.completed", fake_stripe.sessions[his.remote_id])) == 200
    looked(topup)
    assert (balance(alice), balance(bob)) == (0, money("25"))


def test_an_event_for_another_method_finds_nothing_there(topup: TopUp, alice: User, fake_stripe: FakeStripe) -> None:
    other = method("stripe", "Second")
    assert sends(other, changed(fake_stripe.sessions[topup.remote_id])) == 200
    topup.refresh_from_db()
    assert topup.looks == 0
    assert balance(alice) == 0


# What is never shown


def test_no_secret_and_no_card_stands_in_a_log_line_or_row(
    topup: TopUp, fake_stripe: FakeStripe, caplog: Any, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    fake_stripe.pay(topup.remote_id)
    sends(topup.method, event("checkout.session.completed", fake_stripe.sessions[topup.remote_id]))
    refunds(looked(topup), "5")
    fake_stripe.broken = 1
    looked(topup)
    by = topup.method
    by.set_secrets({"secret_key": KEY + "x", "webhook_secret": SECRET})
    by.save()
    looked(topup)
    GATEWAY.start(asked_of(topup), methods.config_of(by))
    written = "".join([caplog.text, *capfd.readouterr(), repr(list(TopUp.objects.values()))])
    written += repr(list(topup.history.values())) + repr(list(Alert.objects.values()))
    assert "HTTP 500" in written
    for secret in (KEY, SECRET, KEY[8:], "4242", "card.holder"):
        assert secret not in written


def test_the_documentation_lists_the_events() -> None:
    text = (ROOT / "docs/gateways.md").read_text()
    assert [name for name in EVENTS if f"`{name}`" not in text] == []
