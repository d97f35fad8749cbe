"""What Stripe's facts about a session of Checkout mean: pure functions of its answers."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.gateways.contract import Asked, Dispute, ListedPayment, NoAnswer, Payment, Reading, ReadState
from billing.gateways.reading import Unreadable, read_currency, read_minor
from billing.gateways.stripe.currencies import decimals_at_stripe

log = logging.getLogger(__name__)

Facts = Mapping[str, Any]
ZERO = Decimal(0)

#: Disputes that took nothing: a bank that only asks, and one that we won.
_ASKING = ("warning_needs_response", "warning_under_review")
_HARMLESS = (*_ASKING, "warning_closed", "won")
_OPEN = ("needs_response", "under_review")


def read_session(
    session: Facts, asked: Asked, refunds: Iterable[Facts], disputes: Iterable[Facts], *, has_failed: bool = False
) -> Reading:
    """Return what a session says of the top-up that ``asked`` for it, with all refunds and disputes of its payment.

    ``has_failed`` says of a payment that is not shown that the bank refused it. Raises NoAnswer if something in it
    cannot be read.
    """
    try:
        currency = read_currency(session["currency"])
        total = _amount(session["amount_total"], currency)
        is_live, reference = session["livemode"], session.get("client_reference_id")
        if not isinstance(is_live, bool):
            raise Unreadable("no mode")
        state, why = _state(session, has_failed=has_failed)
        dispute = Dispute.NONE
        payments: tuple[Payment, ...] = ()
        if session["payment_status"] == "paid":
            paid = _paid(session, currency, total)
            disputes = list(disputes)
            payments = (_payment(session, paid, currency, list(refunds), disputes),)
            dispute, why = _dispute(disputes, currency, why)
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise NoAnswer(f"Stripe's session cannot be read: {type(problem).__name__} {problem}"[:200]) from None
    if reference != asked.reference:
        state, why = ReadState.HELD, _("Stripe's session names another top-up.")
    return Reading(state, is_live, total, currency, payments, why, dispute)


def listed(session: Facts) -> ListedPayment | None:
    """Return what a session of a list says was paid; None if it is not paid, or of another site.

    One of another kind, or that cannot be read, is passed over: others may make sessions on the same account.
    """
    try:
        if (session.get("mode") or "payment") != "payment" or session["payment_status"] != "paid":
            return None
        if not session.get("client_reference_id"):
            return None
        currency = read_currency(session["currency"])
        return ListedPayment(
            payment_id=str(payment_of(session)["id"])[:200],
            remote_id=str(session["id"])[:200],
            reference=str(session["client_reference_id"])[:64],
            amount=_amount(session["amount_total"], currency),
            currency=currency,
            paid_at=datetime.fromtimestamp(int(session["created"]), UTC),
            payer=str((session.get("customer_details") or {}).get("email") or "")[:254],
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as problem:
        log.warning("a session in Stripe's list cannot be read: %s", type(problem).__name__)
        return None


def payment_of(session: Facts) -> Facts:
    """Return the payment of a session as far as the answer has it: at least its ``id``; empty if there is none yet."""
    intent = session.get("payment_intent")
    return intent if isinstance(intent, dict) else {"id": intent} if isinstance(intent, str) else {}


def is_unclear(session: Facts) -> bool:
    """True if a session waits for a bank, and the payment that would say whether it refused is not shown."""
    waits = (session.get("status"), session.get("payment_status")) == ("complete", "unpaid")
    return waits and payment_of(session).get("status") is None


def charge_of(intent: Facts) -> Facts:
    """Return the charge of a payment; empty if the answer does not have it."""
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, dict) else {}


def _state(session: Facts, *, has_failed: bool) -> tuple[ReadState, str]:
    status, payment_status = session["status"], session["payment_status"]
    if payment_status == "paid":
        return ReadState.PAID, ""
    if status == "expired":
        return ReadState.EXPIRED, ""
    if status == "complete" and payment_status == "unpaid":
        # A bank debit takes days. If it failed, the payment waits for another way to pay, which nobody will choose.
        if has_failed or payment_of(session).get("status") in ("requires_payment_method", "canceled"):
            return ReadState.FAILED, _("The bank refused the payment.")
        return ReadState.PENDING, ""
    if status == "open" and payment_status == "unpaid":
        return ReadState.PENDING, ""
    return ReadState.HELD, _("Stripe says %(status)s and %(payment)s, which this shop does not know.") % {
        "status": str(status)[:40],
        "payment": str(payment_status)[:40],
    }


def _paid(session: Facts, currency: str, total: Decimal) -> Decimal:
    """Return what was received: what the payment says where it is at hand, else the session's total."""
    intent = payment_of(session)
    if intent.get("amount_received") is None or read_currency(intent.get("currency") or currency) != currency:
        return total
    return _amount(intent["amount_received"], currency)


def _payment(session: Facts, paid: Decimal, currency: str, refunds: list[Facts], disputes: list[Facts]) -> Payment:
    intent = payment_of(session)
    if not isinstance(intent.get("id"), str):
        raise Unreadable("a payment without an id")
    charge = charge_of(intent)
    refunded = _amount(charge.get("amount_refunded") or 0, currency)
    if any(read_currency(refund["currency"]) != currency for refund in refunds):
        raise Unreadable("a refund in another currency")
    if refunds:
        # The charge may count refunds that came back.
        refunded = sum((_amount(refund["amount"], currency) for refund in refunds if _counts(refund)), ZERO)
    failed = frozenset(str(refund["id"]) for refund in refunds if not _counts(refund))
    gone = sum((_lost(dispute, currency) for dispute in disputes), ZERO)
    return Payment(intent["id"], paid, currency, refunded, min(gone, paid), failed)


def _counts(refund: Facts) -> bool:
    return refund["status"] not in ("failed", "canceled")


def _lost(dispute: Facts, currency: str) -> Decimal:
    """Return what a dispute took, without the fee for it, which is the shop's own."""
    if dispute["status"] in _HARMLESS:
        return ZERO
    whole = _amount(dispute["amount"], read_currency(dispute["currency"]))
    if read_currency(dispute["currency"]) != currency:
        raise Unreadable("a dispute in another currency")
    moves = [move for move in dispute.get("balance_transactions") or [] if isinstance(move, dict)]
    if not moves:
        return whole if dispute["status"] == "lost" else ZERO
    # The account may be kept in another currency than the payment's: only there and back can be compared.
    out = -sum(int(move["amount"]) for move in moves)
    if all(read_currency(move["currency"]) == currency for move in moves):
        return min(_amount(max(out, 0), currency), whole)
    return whole if out > 0 else ZERO


def _dispute(disputes: list[Facts], currency: str, why: str) -> tuple[Dispute, str]:
    """Return what to say about disputes that took nothing so far."""
    if any(dispute["status"] in _OPEN and not _lost(dispute, currency) for dispute in disputes):
        return Dispute.OPEN, _("The customer's bank wants the payment back. No money moved yet.")
    if any(dispute["status"] in _ASKING for dispute in disputes):
        return Dispute.INQUIRY, _("The customer's bank asks about the payment. No money moved.")
    return Dispute.NONE, why


def _amount(value: Any, currency: str) -> Decimal:
    return read_minor(value, decimals_at_stripe(currency))
