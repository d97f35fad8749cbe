"""Stripe's calls of the webhook: which are genuine, and what they point at."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import stripe
from django.utils.translation import gettext as _

from billing.gateways.contract import Config, Forged, Hint, Ignored
from billing.gateways.reading import Unreadable, find_header, read_json

SIGNATURE = "stripe-signature"
#: How far the time of a call may be from ours, in seconds, to either side.
TOLERANCE = 300
_HEADER = re.compile(r"[a-z0-9]{1,10}=[0-9A-Za-z]{1,128}(?:,[a-z0-9]{1,10}=[0-9A-Za-z]{1,128}){0,60}")
_TIME = re.compile(r"(?:\A|,)t=([0-9]{1,12})(?=,|\Z)", re.ASCII)
_REFERENCE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_]{1,200}\Z", re.ASCII)

ASYNC_FAILED = "checkout.session.async_payment_failed"
FRAUD_WARNING = "radar.early_fraud_warning.created"
#: The events that say something of a top-up. Others are genuine, and ignored.
EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    ASYNC_FAILED,
    "checkout.session.expired",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    FRAUD_WARNING,
)


def read_call(headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
    """Return what a genuine call points at. Raises Forged and Ignored."""
    _check_signature(find_header(headers, SIGNATURE), body, config, now)
    try:
        event = read_json(body)
    except Unreadable as problem:
        raise Forged(str(problem)) from None
    # A new kind of event, with another shape, may arrive at an address of the old kind.
    if not isinstance(event, dict) or event.get("object") != "event":
        raise Ignored("no event that this gateway reads")
    event_id, kind = event.get("id"), event.get("type")
    about = event["data"].get("object") if isinstance(event.get("data"), dict) else None
    if not _is_id(event_id) or kind not in EVENTS or not isinstance(about, dict):
        raise Ignored(f"an event that says nothing here: {kind!r:.80}")
    if event.get("livemode") is not config.is_live:
        raise Forged("an event of the other mode")
    return _hint(str(event_id), kind, about)


def _check_signature(header: str, body: bytes, config: Config, now: datetime) -> None:
    """Let the library check the signature, and what it leaves out ourselves. Raises Forged."""
    secret = config.values.get("webhook_secret", "")
    times = _TIME.findall(header)
    if len(secret) < 16 or len(header) > 8000 or not _HEADER.fullmatch(header) or len(times) != 1:
        raise Forged("no readable signature")
    try:
        # Without the library's tolerance: it accepts times that are still to come.
        stripe.WebhookSignature.verify_header(body, header, secret, None)
    except (stripe.SignatureVerificationError, ValueError):
        raise Forged("wrong signature") from None
    if abs(int(times[0]) - int(now.timestamp())) > TOLERANCE:
        raise Forged("signed at another time")


def _hint(event_id: str, kind: str, about: Mapping[str, Any]) -> Hint:
    """Say where to look. Refunds and disputes name the payment, and our reference only sometimes."""
    metadata = about.get("metadata")
    noted = metadata.get("topup") if isinstance(metadata, dict) else None
    payment_id = about.get("payment_intent")
    payment_id = payment_id.get("id") if isinstance(payment_id, dict) else payment_id
    found = {"event_id": event_id, "kind": kind, "payment_id": str(payment_id) if _is_id(payment_id) else ""}
    if not kind.startswith("checkout.session."):
        reference = noted if _is_reference(noted) else ""
        if not reference and not found["payment_id"]:
            raise Ignored(kind)
        warns = kind == FRAUD_WARNING
        warning = _("Stripe warns that the payment may be fraud: it can still be sent back.") if warns else ""
        return Hint(**found, reference=str(reference), warning=warning)
    reference = about.get("client_reference_id")
    if not _is_id(about.get("id")) or not _is_reference(reference):
        raise Ignored("a session of another site")
    return Hint(**found, remote_id=str(about["id"]), reference=str(reference))


def _is_id(value: Any) -> bool:
    # Numbers of JSON are read as texts of a kind of their own; they are no ids.
    return type(value) is str and _ID.match(value) is not None


def _is_reference(value: Any) -> bool:
    return type(value) is str and _REFERENCE.match(value) is not None
