"""Gathers what is known of a payment: who started it, what was paid, what was ordered with it, which terms held."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from billing.evidence.orders_paid import orders_paid_by
from billing.models import PaymentRefund, TopUp
from core.shop_settings import shop_settings
from pages.models import TermsAcceptance

#: Facts about orders by their reference, such as "order:1042". The room of orders is above this one, and says them.
OrderFacts = Callable[[Sequence[str]], dict[str, dict[str, Any]]]
_order_facts: list[OrderFacts] = []


def use_order_facts(facts: OrderFacts) -> None:
    """Let evidence files say of orders what ``facts`` returns."""
    _order_facts[:] = [facts]


def evidence_of(topup: TopUp, *, now: datetime) -> dict[str, Any]:
    """Return everything for a dispute about a top-up, as JSON takes it: times in UTC, amounts as text."""
    paid = orders_paid_by(topup)
    about = {name: facts for tell in _order_facts for name, facts in tell([each.reference for each in paid]).items()}
    customer = topup.customer
    return {
        "shop": shop_settings().name,
        "made": _time(now),
        "payment": {
            "number": topup.number,
            "reference": topup.reference,
            "method": topup.method.name,
            "id at the gateway": topup.remote_id,
            "state": str(topup.get_state_display()),
            "asked for": topup.pay_text,
            "received": topup.received_text,
            "credited": f"{topup.credited:f}",
            "taken back": f"{topup.taken:f}",
            "started": _time(topup.created_at),
        },
        "customer": {
            "e-mail": customer.email,
            "joined": _time(customer.date_joined),
            "address of the network": topup.address or "",
            "device": topup.device,
        },
        "payments": [
            {
                "id at the gateway": each.payment_id,
                "amount": each.amount_text,
                "refunded": each.refunded_text,
                "charged back": each.charged_back_text,
                "seen": _time(each.seen_at),
            }
            for each in topup.payments.order_by("pk")
        ],
        "refunds": [
            {"amount": each.amount_text, "state": str(each.get_state_display()), "time": _time(each.created_at)}
            for each in PaymentRefund.objects.filter(payment__topup=topup).select_related("payment").order_by("pk")
        ],
        "orders": [
            {"paid": f"{each.paid:f}", "refunded to the wallet": f"{each.refunded:f}"}
            | about.get(each.reference, {"order": each.reference})
            for each in paid
        ],
        "terms accepted": [
            {"version": str(each.version), "time": _time(each.at), "from": each.address or ""}
            for each in TermsAcceptance.objects.filter(customer=customer).select_related("version").order_by("pk")
        ],
        "receipts": [each.number for each in topup.documents.order_by("pk")],
        "history": [
            {"time": _time(each.at), "state": str(each.get_new_display()), "by": each.cause}
            for each in topup.history.order_by("pk")
        ],
    }


def as_html(facts: dict[str, Any]) -> str:
    """Return the facts as a page for paper."""
    lists = {name: rows for name, rows in facts.items() if isinstance(rows, list)}
    single = {name: rows for name, rows in facts.items() if isinstance(rows, dict)}
    tables = {name: rows for name, rows in lists.items() if rows and isinstance(rows[0], dict)}
    context = {
        "facts": facts,
        "currency": settings.SHOP_CURRENCY,
        "single": [(name, list(rows.items())) for name, rows in single.items()],
        "tables": [(name, list(rows[0]), [list(row.values()) for row in rows]) for name, rows in tables.items()],
    }
    body = render_to_string("billing/evidence.html", context)
    return render_to_string("billing/paper.html", {"title": facts["payment"]["number"], "language": "en", "body": body})


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
