"""What Stripe is asked about sessions of Checkout, and about the refunds and disputes of their payments.

All of it raises the library's errors, StripeRefused and NoAnswer; call it within :func:`stripes_errors`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import stripe

from billing.gateways.contract import NoAnswer
from billing.gateways.stripe.client import StripeRefused, facts_of, stripes_errors
from billing.gateways.stripe.sessions import charge_of, payment_of

_CHARGE = "latest_charge.refunds"
#: A payment has a few refunds and disputes; more than these are not looked at.
_MOST = 100
_MOST_PAGES = 200


def ask_about(client: stripe.StripeClient, session_id: str) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Return a session with its payment and charge, every refund and every dispute of them."""
    params: Any = {"expand": [f"payment_intent.{_CHARGE}"]}
    session = facts_of(client.v1.checkout.sessions.retrieve(session_id, params))
    try:
        intent = payment_of(session)
        if intent.keys() == {"id"}:
            session["payment_intent"] = intent = _intent(client, intent["id"])
        charge = charge_of(intent)
        return session, _refunds(client, intent, charge), _disputes(client, intent, charge)
    except (KeyError, TypeError, AttributeError):
        raise NoAnswer("Stripe's answer cannot be read") from None


def list_complete(client: stripe.StripeClient, since: datetime) -> list[dict[str, Any]]:
    """Return the sessions that were started after ``since`` and completed."""
    found: list[dict[str, Any]] = []
    params: Any = {"created": {"gte": int(since.timestamp())}, "status": "complete", "limit": _MOST}
    try:
        for _page in range(_MOST_PAGES):
            answer = facts_of(client.v1.checkout.sessions.list(params))
            found += answer["data"]
            if not answer.get("has_more") or not answer["data"]:
                return found
            params = {**params, "starting_after": answer["data"][-1]["id"]}
    except (KeyError, TypeError, AttributeError):
        raise NoAnswer("Stripe's list cannot be read") from None
    raise NoAnswer("Stripe lists more payments than this shop reads at once")


def _intent(client: stripe.StripeClient, intent_id: str) -> dict[str, Any]:
    """Return a payment that the session's answer only named; just its id if Stripe does not show it by itself."""
    params: Any = {"expand": [_CHARGE]}
    try:
        with stripes_errors():
            return facts_of(client.v1.payment_intents.retrieve(intent_id, params))
    except StripeRefused as problem:
        if problem.status != 404:
            raise
        return {"id": intent_id}


def _refunds(client: stripe.StripeClient, intent: Mapping[str, Any], charge: Mapping[str, Any]) -> list[Any]:
    """Return every refund of a payment, those that failed among them; none if only the charge's sum is known."""
    listed_there = charge.get("refunds")
    if isinstance(listed_there, dict) and not listed_there.get("has_more"):
        return list(listed_there.get("data") or [])
    return refunds_of(client, intent["id"]) if charge.get("amount_refunded") else []


def refunds_of(client: stripe.StripeClient, payment_id: str) -> list[Any]:
    """Return every refund of a payment."""
    params: Any = {"payment_intent": payment_id, "limit": _MOST}
    try:
        with stripes_errors():
            return _of(payment_id, client.v1.refunds.list(params))
    except StripeRefused as problem:
        if problem.status != 404:
            raise
        return []


def _disputes(client: stripe.StripeClient, intent: Mapping[str, Any], charge: Mapping[str, Any]) -> list[Any]:
    """Return every dispute of a payment; the charge only says whether there was one."""
    if not charge.get("disputed"):
        return []
    params: Any = {"payment_intent": intent["id"], "limit": _MOST}
    return _of(intent["id"], client.v1.disputes.list(params))


def _of(payment_id: str, answer: Any) -> list[Any]:
    return [one for one in facts_of(answer).get("data") or [] if one.get("payment_intent") == payment_id]
