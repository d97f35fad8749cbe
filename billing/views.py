"""The wallet page: its balance, how the month adds up, every movement, and what open orders hold."""

import csv
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import CustomerRequest
from billing.csvtext import harmless
from billing.models import Code
from billing.months import Month
from billing.queries import (
    StatementEntry,
    balance_of,
    month_equation,
    months_of,
    open_holds_of,
    statement,
    statement_rows,
)
from core.clock import database_now

#: What a chip of the statement shows; a kind that is not here shows everything.
KINDS: dict[str, frozenset[str]] = {
    "orders": frozenset({Code.HOLD}),
    "returned": frozenset({Code.REFUND, Code.LATE_REFUND}),
    "topups": frozenset({Code.CREDIT, Code.TOPUP, Code.BONUS, Code.DEBIT, Code.CHARGEBACK})
    | {Code.BONUS_BACK, Code.TOPUP_REFUND, Code.CHARGEBACK_BACK},
}
TERMS = ("opening", "added", "orders", "refunded", "taken", "balance")


def month_of(request: HttpRequest) -> Month:
    return Month.parse(request.GET.get("month", "")) or Month.of(database_now())


def _number(text: str) -> int | None:
    """The number of a line, or None for what is no such number: it stands in an address, and is anybody's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@require_safe
@login_required
def wallet(request: CustomerRequest) -> HttpResponse:
    customer, month = request.customer, month_of(request)
    kind = request.GET.get("kind", "") if request.GET.get("kind", "") in KINDS else ""
    shown = statement(
        customer,
        month=month,
        codes=KINDS.get(kind),
        before=_number(request.GET.get("before", "")),
        after=_number(request.GET.get("after", "")),
    )
    equation, open_holds, now = month_equation(customer, month), open_holds_of(customer), database_now()
    context: dict[str, Any] = {
        "page": "wallet",
        "balance": balance_of(customer),
        "open_holds": open_holds,
        "held": [*(hold.held for hold in open_holds.holds), open_holds.total],
        "equation": equation,
        "terms": [getattr(equation, term) for term in TERMS],
        "month": month,
        "is_this_month": month == Month.of(now),
        "months": months_of(customer, now=now),
        "kind": kind,
        "statement": shown,
        "days": [(day, list(rows)) for day, rows in groupby(shown.entries, key=lambda e: timezone.localdate(e.at))],
        "references": [e.reference for e in shown.entries],
        "amounts": [a for e in shown.entries for a in (e.amount, e.balance)],
    }
    return render(request, "billing/wallet.html", context)


@require_safe
@login_required
def statement_csv(request: CustomerRequest) -> StreamingHttpResponse:
    """The month's statement as a file, oldest first, streamed."""
    month = month_of(request)
    answer = StreamingHttpResponse(
        csv_lines(statement_rows(request.customer, month=month)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="statement-{month}.csv"'
    return answer


class _Echo:
    def write(self, line: str) -> str:
        return line


def csv_lines(entries: Iterator[StatementEntry]) -> Iterator[str]:
    """Yield the lines of a statement's file: a heading, then one line for each entry."""
    writer = csv.writer(_Echo())
    yield writer.writerow(["time", "what", "reference", "amount", "balance", "reason"])
    for e in entries:
        amount, balance = f"{e.amount:.5f}", f"{e.balance:.5f}"
        yield writer.writerow(
            [e.at.isoformat(), e.code.value, harmless(e.reference), amount, balance, harmless(e.memo)]
        )
