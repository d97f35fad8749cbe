"""Reads NOWPayments' payments: what customers have to send where, and what came in."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.utils.translation import gettext as _

from billing.gateways.contract import Asked, NoAnswer, Payment, Reading, ReadState, Started
from billing.gateways.reading import Unreadable, decimals_of, read_amount, read_currency, read_given
from core.money import EXACT, divide, multiply

Facts = Mapping[str, Any]

_ID = re.compile(r"[0-9]{1,30}\Z", re.ASCII)
#: Nothing in it ends a line, a link or an attribute.
_ADDRESS = re.compile(r"[!-~]{1,200}\Z", re.ASCII)
_MEMO = re.compile(r"[ -~]{0,200}\Z", re.ASCII)
#: On its way, and not ours yet.
_SEEN = ("confirming", "confirmed", "sending")
#: Money, or what was money.
_PAID = ("finished", "partially_paid", "refunded")


def identity(value: Any) -> str:
    """Return the id of a payment, empty if ``value`` is none: it becomes a part of an address."""
    return str(value) if isinstance(value, str) and _ID.match(value) else ""


def started_of(payment: Mapping[str, Any], coin: str, name: str) -> Started:
    """Return where to pay how much. Raises NoAnswer if a payment does not say so, or asks for another coin."""
    address, memo = payment.get("pay_address"), payment.get("payin_extra_id") or ""
    remote_id, theirs = identity(payment.get("payment_id")), str(payment.get("pay_currency")).lower()
    if not (isinstance(address, str) and _ADDRESS.match(address) and isinstance(memo, str) and _MEMO.match(memo)):
        raise NoAnswer("no address to pay to")
    try:
        amount = read_amount(payment.get("pay_amount"))
    except Unreadable as problem:
        raise NoAnswer(str(problem)) from problem
    if not remote_id or theirs != coin or not amount:
        raise NoAnswer("another payment than the one that was asked for")
    shown = {"coin": coin, "name": name, "amount": f"{amount:f}", "address": address, "memo": memo}
    return Started(remote_id, instructions=shown, expires_at=_time(payment.get("expiration_estimate_date")))


def reading_of(
    asked: Asked, first: Facts, more: Mapping[str, Facts], *, is_live: bool, is_whole: bool = True
) -> Reading:
    """Return what a payment and further ones to its address, by the ids that were asked for, say together.

    ``is_whole`` is False if there are more than these. Raises Unreadable.
    """
    price, currency = read_amount(first.get("price_amount")), read_currency(first.get("price_currency"))

    def says(state: ReadState, payments: Sequence[Payment] = (), why: str = "") -> Reading:
        return Reading(state, is_live, price, currency, tuple(payments), why)

    # 1. What is not about this top-up, or not in its coin, waits for the owner. What fits is recorded all the same.
    why = ""
    fitting: list[Facts] = []
    for payment_id, payment in {asked.remote_id: first, **more}.items():
        problem = _contradiction(asked, payment_id, payment, first, price, currency) or _silence(payment, first)
        why = why or problem
        if not problem:
            fitting.append(payment)
    if not is_whole:
        why = why or _("There are more payments to one address than the shop reads.")
    # 2. What came in, as a share of what was to be sent. Without the first there is nothing to take a share of.
    if not any(payment is first for payment in fitting):
        return says(ReadState.HELD, why=why)
    paid = [found for payment in fitting if (found := _paid(payment, first, price, currency)) is not None]
    if why:
        return says(ReadState.HELD, paid, why)
    statuses = [str(payment.get("payment_status")) for payment in fitting]
    received = sum((payment.amount for payment in paid), Decimal(0))
    # 3. The state.
    if "finished" in statuses or (paid and received >= price):
        return says(ReadState.PAID, paid)
    if any(status in _SEEN for status in statuses):
        return says(ReadState.PENDING, paid, why=_("The payment was seen and waits for confirmations."))
    if paid:
        return says(ReadState.UNDERPAID, paid)
    ended = {"failed": ReadState.FAILED, "refunded": ReadState.FAILED, "expired": ReadState.EXPIRED}
    return says(ended.get(statuses[0], ReadState.PENDING))


def _contradiction(asked: Asked, payment_id: str, payment: Facts, first: Facts, price: Decimal, currency: str) -> str:
    """Return why what was answered about ``payment_id`` cannot count for a top-up, empty if it can."""
    is_first = payment is first
    words = {"payment": identity(payment.get("payment_id")) or "?"}
    if words["payment"] != payment_id:
        return _("The gateway answered with another payment: %(payment)s.") % words
    parent = identity(payment.get("parent_payment_id"))
    if payment.get("order_id") != asked.reference or (not is_first and parent not in ("", asked.remote_id)):
        return _("Payment %(payment)s names another top-up.") % words
    if (read_amount(payment.get("price_amount")), read_currency(payment.get("price_currency"))) != (price, currency):
        return _("Payment %(payment)s was asked for another amount.") % words
    if payment.get("payment_status") not in _PAID:
        return ""
    coin, coin_asked = str(payment.get("pay_currency")).lower(), asked.choice or str(first.get("pay_currency")).lower()
    if coin != coin_asked:
        coins = {"coin": coin[:30], "asked": coin_asked[:30]}
        return _("Payment %(payment)s came in %(coin)s, and %(asked)s was asked for.") % {**words, **coins}
    # The share that was sent is one of the amount that the customer was shown.
    theirs, shown = read_given(payment.get("pay_amount")), read_given(first.get("pay_amount"))
    if theirs is not None and shown is not None and theirs != shown:
        amounts = {"theirs": f"{theirs:f} {coin}", "shown": f"{shown:f}"}
        return _("Payment %(payment)s says that %(theirs)s were to be sent, and the first one %(shown)s.") % {
            **words,
            **amounts,
        }
    return ""


def _silence(payment: Facts, first: Facts) -> str:
    """Return a sentence about a payment that is money and does not say how much; empty if it does, or need not.

    The first one that went back need not: whatever came of it is gone.
    """
    status = payment.get("payment_status")
    if status not in _PAID or (status == "refunded" and payment is first):
        return ""
    if read_given(payment.get("actually_paid")) and read_given(first.get("pay_amount")):
        return ""
    words = {"payment": identity(payment.get("payment_id")), "status": status}
    return _("Payment %(payment)s is %(status)s, and the gateway does not say how much came in.") % words


def _paid(payment: Facts, first: Facts, price: Decimal, currency: str) -> Payment | None:
    """Return a payment that is money, None for others: its price is the whole top-up's, its worth a share of that.

    The share is one of what ``first`` asked for, whatever a further payment says of itself.
    """
    if payment.get("payment_status") not in _PAID:
        return None
    sent, wanted = read_given(payment.get("actually_paid")), read_given(first.get("pay_amount"))
    if not sent or not wanted:
        # It went back: what was credited of it is taken, which is the price at most.
        return Payment(identity(payment.get("payment_id")), price, currency, refunded=price)
    places = Decimal(1).scaleb(-max(5, decimals_of(currency)))
    worth = divide(multiply(price, sent), wanted).quantize(places, rounding=ROUND_FLOOR, context=EXACT)
    if not worth:
        return None
    is_back = payment.get("payment_status") == "refunded"
    return Payment(identity(payment.get("payment_id")), worth, currency, refunded=worth if is_back else Decimal(0))


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
