"""Reads BTCPay Server's invoices: how much of them is paid, and whether for good."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from billing.gateways.contract import Asked, ListedPayment, Payment, Reading, ReadState
from billing.gateways.reading import Unreadable, read_amount, read_currency, read_given

#: Ids of stores and invoices: they become a part of an address.
ID = re.compile(r"[A-Za-z0-9]{1,100}\Z", re.ASCII)
_UNIX = re.compile(r"[0-9]{10}\Z", re.ASCII)


def is_of(asked: Asked, invoice: Any) -> bool:
    """True if an invoice asks for what a top-up asks for, under its reference."""
    if not isinstance(invoice, dict) or _reference(invoice) != asked.reference:
        return False
    try:
        price = (read_amount(invoice.get("amount")), read_currency(invoice.get("currency")))
    except Unreadable:
        return False
    return price == (asked.amount, asked.currency)


def _reference(invoice: Mapping[str, Any]) -> object:
    metadata = invoice.get("metadata")
    return metadata.get("orderId") if isinstance(metadata, dict) else None


def listed(invoice: Any, since: datetime) -> ListedPayment | None:
    """Return what was paid of an invoice of a list; None if nothing was, or it cannot be read."""
    if not isinstance(invoice, dict) or not ID.match(str(invoice.get("id"))):
        return None
    try:
        paid, currency = read_amount(invoice.get("paidAmount")), read_currency(invoice.get("currency"))
    except Unreadable:
        return None
    if not paid:
        return None
    made, number = str(invoice.get("createdTime")), str(invoice["id"])
    at = datetime.fromtimestamp(int(made), UTC) if _UNIX.match(made) else since
    return ListedPayment(number, number, str(_reference(invoice) or "")[:64], paid, currency, at)


def reading_of(asked: Asked, invoice: Mapping[str, Any], is_live: bool, is_settled: Callable[[], bool]) -> Reading:
    """Return what an invoice says. Raises Unreadable.

    ``is_settled`` says whether what an invoice counts is confirmed: it is called where its status does not say so.
    """
    price, currency = read_amount(invoice.get("amount")), read_currency(invoice.get("currency"))
    status, detail = invoice.get("status"), invoice.get("additionalStatus")

    def says(state: ReadState, *payments: Payment, why: str = "") -> Reading:
        return Reading(state, is_live, price, currency, payments, why)

    if (invoice.get("id"), _reference(invoice)) != (asked.remote_id, asked.reference):
        return says(ReadState.HELD, why=_("The gateway answered with the invoice of another top-up."))
    seen = _("The payment was seen and waits for confirmations.")
    if status == "Processing":
        return says(ReadState.PENDING, why=seen)
    if status == "Invalid":
        return says(ReadState.FAILED)
    if status not in ("New", "Settled", "Expired"):
        return says(ReadState.PENDING)
    paid = read_given(invoice.get("paidAmount"))
    if not paid:
        state, why = _unpaid(status, detail, is_said=invoice.get("paidAmount") is not None)
        return says(state, why=why)
    if detail == "Invalid":
        return says(ReadState.HELD, why=_("The server counts a payment that it calls invalid."))
    # The server counts a payment from the moment it sees it, and it may still be replaced by another.
    if status != "Settled" and not is_settled():
        return says(ReadState.PENDING, why=seen)
    payment = Payment(asked.remote_id, paid, currency)
    if status == "New":
        # A part, and the rest may come; the whole is money when the server says that it is settled.
        return says(ReadState.PENDING, payment) if paid < price else says(ReadState.PENDING, why=seen)
    return says(ReadState.PAID if paid >= price else ReadState.UNDERPAID, payment)


def _unpaid(status: str, detail: object, *, is_said: bool) -> tuple[ReadState, str]:
    """Return what an invoice means that counts nothing, or (not ``is_said``) does not say what it counts."""
    if status == "New":
        return ReadState.PENDING, ""
    if not is_said and (status == "Settled" or str(detail).startswith("Paid")):
        return ReadState.HELD, _("The invoice is paid, and the server does not say how much came in.")
    if status == "Expired":
        return ReadState.EXPIRED, ""
    return ReadState.HELD, _("A person marked the invoice as settled, and nothing was paid.")
