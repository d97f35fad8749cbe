"""What Stripe is asked about sessions of Checkout, and about the refunds and disputes of their payments.

All of it raises the library's errors, StripeRefused and NoAnswer; call it within :func:`stripes_errors`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import stripe

from billing.gateways.contract import NoAnswer
from billing.gateways.stripe.client import StripeRefused, StripeUnclear, facts_of, stripes_errors
from billing.gateways.stripe.sessions import charge_of, payment_of

_CHARGE = "latest_charge.refunds"
#: A payment has a few refunds and disputes; more than these are not looked at.
_MOST = 100
_MOST_PAGES = 200
#: An account answers so about what it does not show: a session is enough to credit. Anything else is asked again.
_NOT_SHOWN = (400, 404, 405)


def ask_about(client: stripe.StripeClient, session_id: str) -> tuple[dict[str, Any], list[Any], list[Any]]:
    """Return a session with its payment and charge as far as they are shown, every refund and dispute of a paid one."""
    sessions = client.v1.checkout.sessions
    params: Any = {"expand": [f"payment_intent.{_CHARGE}"]}
    session = _shown(lambda: sessions.retrieve(session_id, params)) or facts_of(sessions.retrieve(session_id))
    try:
        intent = payment_of(session)
        if intent.keys() == {"id"}:
            session["payment_intent"] = intent = _intent(client, intent["id"])
        if session.get("payment_status") != "paid" or not isinstance(intent.get("id"), str):
            return session, [], []
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


def _shown(ask: Callable[[], Any]) -> dict[str, Any] | None:
    """Return what Stripe answers to one question; None if it does not show that."""
    try:
        with stripes_errors():
            return facts_of(ask())
    except (StripeRefused, StripeUnclear) as problem:
        if problem.status not in _NOT_SHOWN:
            raise
    return None


def _intent(client: stripe.StripeClient, intent_id: str) -> dict[str, Any]:
    """Return a payment that the session's answer only named; just its id if Stripe does not show it by itself."""
    params: Any = {"expand": [_CHARGE]}
    found = _shown(lambda: client.v1.payment_intents.retrieve(intent_id, params))
    return found if found is not None and found.get("id") == intent_id else {"id": intent_id}


def _refunds(client: stripe.StripeClient, intent: Mapping[str, Any], charge: Mapping[str, Any]) -> list[Any]:
    """Return every refund of a payment, those that failed among them; none if only the charge's sum is known."""
    there = charge.get("refunds")
    if isinstance(there, dict) and isinstance(there.get("data"), list) and not there.get("has_more"):
        return list(there["data"])
    # Also where the charge's sum is zero: one that failed is no longer in it.
    return refunds_of(client, intent["id"])


def refunds_of(client: stripe.StripeClient, payment_id: str) -> list[Any]:
    """Return every refund of a payment; none if Stripe does not list them."""
    params: Any = {"payment_intent": payment_id, "limit": _MOST}
    return _of(payment_id, _shown(lambda: client.v1.refunds.list(params)))


def _disputes(client: stripe.StripeClient, intent: Mapping[str, Any], charge: Mapping[str, Any]) -> list[Any]:
    """Return every dispute of a payment; a charge that is shown only says whether there was one."""
    if charge.get("disputed") is False:
        return []
    params: Any = {"payment_intent": intent["id"], "limit": _MOST}
    return _of(intent["id"], _shown(lambda: client.v1.disputes.list(params)))


def _of(payment_id: str, answer: Mapping[str, Any] | None) -> list[Any]:
    """Return the rows of a list about one payment, without those that name another."""
    rows = (answer or {}).get("data") or []
    return [row for row in rows if payment_of(row).get("id", payment_id) == payment_id]
