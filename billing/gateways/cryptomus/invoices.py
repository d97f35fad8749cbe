"""Reads the invoices of Cryptomus and Heleket: what came in, and in which state."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.gateways.contract import Asked, ListedPayment, Payment, Reading, ReadState
from billing.gateways.reading import Unreadable, decimals_of, read_amount, read_currency, read_given
from core.money import EXACT, divide, multiply

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII)
#: States in which something was paid, and what they mean. What stands in none of these tables is waited for.
_PAID = {
    "wrong_amount_waiting": ReadState.PENDING,
    "wrong_amount": ReadState.UNDERPAID,
    "paid": ReadState.PAID,
    "paid_over": ReadState.PAID,
    "refund_process": ReadState.PAID,
    "refund_paid": ReadState.PAID,
    "refund_fail": ReadState.PAID,
}
#: The money is on its way back, or is there. One that fails is in the state after it with all of it again.
_BACK = ("refund_process", "refund_paid")
_UNPAID = {"cancel": ReadState.EXPIRED, "fail": ReadState.FAILED}
_SEEN = ("process", "confirm_check")


def listed(invoice: Any, since: datetime) -> ListedPayment | None:
    """Return what was paid of an invoice of a list; None if nothing was, or it cannot be read."""
    if not isinstance(invoice, dict) or not UUID.match(str(invoice.get("uuid"))):
        return None
    reference = str(invoice.get("order_id") or "")[:64]
    try:
        price, currency = read_amount(invoice.get("amount")), read_currency(invoice.get("currency"))
        asked = Asked(str(reference), "", price, currency, str(invoice["uuid"]), "", since)
        payments = reading_of(asked, invoice).payments
    except Unreadable:
        return None
    if not payments:
        return None
    try:
        at = datetime.fromisoformat(str(invoice.get("created_at")))
    except ValueError:
        at = since
    payer = str(invoice.get("from") or "")[:254]
    [paid] = payments
    return ListedPayment(
        paid.payment_id, asked.remote_id, reference, paid.amount, currency, at if at.tzinfo else since, payer
    )


def reading_of(asked: Asked, invoice: Mapping[str, Any]) -> Reading:
    """Return what an invoice says. Raises Unreadable."""
    price, currency = read_amount(invoice.get("amount")), read_currency(invoice.get("currency"))
    status = invoice.get("payment_status") or invoice.get("status")

    def says(state: ReadState, *payments: Payment, why: str = "") -> Reading:
        return Reading(state, True, price, currency, payments, why)

    if (invoice.get("uuid"), invoice.get("order_id")) != (asked.remote_id, asked.reference):
        return says(ReadState.HELD, why=_("The gateway answered with the invoice of another top-up."))
    if status == "locked":
        return says(ReadState.HELD, why=_("The gateway has frozen the money to check where it comes from."))
    if status == "system_fail":
        broke = says(ReadState.FAILED, why=_("The payment service broke down over this payment."))
        return replace(broke, is_unsure=True)
    if status in _SEEN:
        return says(ReadState.PENDING, why=_("The payment was seen and waits for confirmations."))
    if not isinstance(status, str) or status not in _PAID:
        return says(_UNPAID.get(str(status), ReadState.PENDING))
    worth = _worth(invoice, price, currency)
    if status in _BACK:
        # What was credited of it is taken, which is the price at most where it is not said how much came in.
        worth = worth or price
        return says(_PAID[status], Payment(asked.remote_id, worth, currency, refunded=worth))
    if worth:
        return says(_PAID[status], Payment(asked.remote_id, worth, currency))
    if _PAID[status] is ReadState.PENDING:
        return says(ReadState.PENDING)
    words = {"status": status}
    return says(
        ReadState.HELD, why=_("The invoice is %(status)s, and the gateway does not say how much came in.") % words
    )


def _worth(invoice: Mapping[str, Any], price: Decimal, currency: str) -> Decimal:
    """Return what came in, as the share of the price that it is of what was to be sent; zero if that is not said."""
    sent, wanted = read_given(invoice.get("payment_amount")), read_given(invoice.get("payer_amount"))
    if wanted is None and str(invoice.get("payer_currency")).upper() == currency:
        wanted = price
    if not sent or not wanted:
        return Decimal(0)
    places = Decimal(1).scaleb(-max(5, decimals_of(currency)))
    return divide(multiply(price, sent), wanted).quantize(places, rounding=ROUND_FLOOR, context=EXACT)
