"""What an order form costs as it is filled in now, for a customer or for a visitor."""

from datetime import datetime

from django.http import QueryDict

from accounts.models import User
from billing.queries import funds_of
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from core.refusals import Refusal
from orders.checkout.checks import total_so_far
from orders.checkout.fields import BadFields, FieldProblem
from orders.checkout.placement import quote
from orders.pages.forms import DRIPFEED, OrderForm
from orders.pages.receipts import QuoteReceipt

#: Fields with a button next to them that puts another value in, so that it works without a script.
SUGGESTED = ("link", "quantity")


def sent_form(service: Service, sent: QueryDict) -> OrderForm:
    """Return the form as it was sent; with the button of a field, that one's value and a question for the charge."""
    data = sent.copy()
    for name in SUGGESTED:
        if used := data.get(f"use_{name}"):
            data[name], data["check"] = used, "1"
    return OrderForm(service, data)


def quote_filled_fields(
    service: Service, form: OrderForm, customer: User | None, *, now: datetime
) -> QuoteReceipt | None:
    """Return the receipt, of what is filled in so far if need be; only fields that are not empty show a problem."""
    typed = form.typed()
    try:
        return _receipt(service, typed, customer, now)
    except BadFields as refusal:
        form.problems = dict(refusal.problems)
        if form.is_bound:
            filled = [name for name, value in typed.items() if value.strip()]
            # One field of a drip-feed asks for the other.
            only = [*filled, *DRIPFEED] if set(filled) & set(DRIPFEED) else filled
            form.show(refusal.problems, only=only)
        return _so_far(service, typed, customer)
    except Refusal as refusal:
        form.problems = {"service": FieldProblem(str(refusal.message))}
        return None


def quote_all_fields(service: Service, form: OrderForm, customer: User | None, *, now: datetime) -> QuoteReceipt | None:
    """Return the receipt, of what is filled in so far if need be; every problem is shown."""
    try:
        return _receipt(service, form.typed(), customer, now)
    except BadFields as refusal:
        form.show(refusal.problems)
        return _so_far(service, form.typed(), customer)
    except Refusal as refusal:
        form.add_error(None, str(refusal.message))
        return None


def _receipt(service: Service, typed: dict[str, str], customer: User | None, now: datetime) -> QuoteReceipt:
    q = quote(service_id=service.pk, fields=typed, customer=customer, now=now)
    return QuoteReceipt.of(q, service, funds=funds_of(customer) if customer else None, now=now)


def _so_far(service: Service, typed: dict[str, str], customer: User | None) -> QuoteReceipt | None:
    total = total_so_far(service, typed)
    if total is None:
        return None
    show_prices([service], customer)
    return QuoteReceipt.so_far(service, total, funds=funds_of(customer) if customer else None)
