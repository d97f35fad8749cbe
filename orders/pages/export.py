"""The orders that a search matches as a file for spreadsheets, streamed."""

import csv
from collections.abc import Iterator
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import CustomerRequest
from billing.csvtext import harmless
from core.clock import database_now
from orders.models import Order
from orders.pages.browse import FoundOrders
from orders.pages.search import Search

#: Orders in memory at a time.
_AT_ONCE = 1_000
COLUMNS = (
    "order", "placed", "ended", "service", "service_name", "link", "quantity", "delivered", "start_count", "state",
    "charge", "refunded", "through", "key", "note",
)  # fmt: skip


class _Echo:
    def write(self, line: str) -> str:
        return line


@require_safe
@login_required
def orders_csv(request: CustomerRequest) -> StreamingHttpResponse:
    """Return the orders that "My orders" shows for the same address, all of them, newest first."""
    search, now = Search.read(request.GET), database_now()
    lines = csv_lines(request.customer, search.at(), now=now)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="orders-{timezone.localdate(now)}.csv"'
    return answer


def csv_lines(customer: User, search: Search, *, now: datetime) -> Iterator[str]:
    """Yield the lines of the file: a heading, then one line for each order. Never more than a thousand in memory."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for numbers in FoundOrders(customer, search, now=now).all_numbers(at_once=_AT_ONCE):
        orders = (
            Order.objects.filter(customer=customer, pk__in=numbers)
            .select_related("own_note", "api_key")
            .order_by("-id")
        )
        for order in orders:
            yield writer.writerow(_cells(order))


def _cells(order: Order) -> list[str | int]:
    note = getattr(order, "own_note", None)
    return [
        order.pk,
        _time(order.created_at),
        _time(order.finished_at),
        order.service_id,
        harmless(order.service_name),
        harmless(order.target),
        order.total,
        order.delivered,
        "" if order.start_count is None else order.start_count,
        order.face.name,
        f"{order.charge:.5f}",
        f"{order.refunded:.5f}",
        order.source,
        harmless(order.api_key.name if order.api_key else ""),
        harmless(note.text if note else ""),
    ]


def _time(at: datetime | None) -> str:
    return "" if at is None else timezone.localtime(at).isoformat(timespec="seconds")
