"""The page of a mass order that is placed: how far its orders have come, and their table."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Sum
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import CustomerRequest
from billing.csvtext import harmless
from core.clock import database_now
from core.owner_texts import attach
from orders.mass.drafts import kept_for
from orders.models import MassOrder, Order
from orders.states import Face, Forward, face_of

#: Orders on the page; the file has all of them.
MOST_SHOWN = 100
_BATCH = 1_000


@dataclass(frozen=True)
class Standing:
    """How the orders stand together: how many look how, how many left the shop, and their money."""

    faces: list[tuple[Face, int]]
    sent: int
    ended: int
    refunded: Decimal


def mass_or_404(request: CustomerRequest, number: int) -> MassOrder:
    """Return the customer's mass order; any other does not exist for them."""
    found = MassOrder.objects.filter(pk=number, customer=request.customer).first()
    if found is None:
        raise Http404
    return found


def standing_of(mass: MassOrder) -> Standing:
    """Count the orders of a mass order by what the customer sees of them, in one query."""
    rows = (
        Order.objects.filter(pk__in=mass.numbers)
        .order_by()
        .values_list("forward_state", "progress")
        .annotate(Count("id"), Sum("refunded"))
    )
    faces: Counter[str] = Counter()
    known: dict[str, Face] = {}
    sent, refunded = 0, Decimal(0)
    for forward, progress, count, back in rows:
        face = face_of(forward, progress)
        known[face.name] = face
        faces[face.name] += count
        sent += count if forward not in (Forward.QUEUED, Forward.CLAIMED) else 0
        refunded += back
    ended = sum(count for name, count in faces.items() if known[name].is_final)
    return Standing([(known[name], count) for name, count in faces.most_common()], sent, ended, refunded)


@require_safe
@login_required
def mass_placed(request: CustomerRequest, number: int) -> HttpResponse:
    """Show how far the orders have come; asked with a version, answer only if something has changed since."""
    mass = mass_or_404(request, number)
    standing = standing_of(mass)
    version = hashlib.blake2b(repr(standing).encode(), digest_size=8).hexdigest()
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    shown = list(orders_in_sequence(mass, most=MOST_SHOWN))
    attach(*(order.service for _line, order in shown))
    count = len(mass.numbers)
    context: dict[str, Any] = {
        "page": "mass",
        "mass": mass,
        "count": count,
        "first": min(mass.numbers),
        "last": max(mass.numbers),
        "standing": standing,
        "is_live": standing.ended < count,
        "version": version,
        "shown": shown,
        "more": count - len(shown),
        "is_kept": bool(mass.left and kept_for(request.customer, now=database_now()).text),
    }
    return render(request, "orders/mass_live.html" if "seen" in request.GET else "orders/mass_placed.html", context)


def orders_in_sequence(mass: MassOrder, *, most: int | None = None) -> Iterator[tuple[int, Order]]:
    """Yield the orders of a mass order with the numbers of their lines, in the sequence of the lines."""
    pairs = list(zip(mass.lines, mass.numbers, strict=True))[:most]
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        found = Order.objects.select_related("service").in_bulk([number for _line, number in batch])
        yield from ((line, found[number]) for line, number in batch)


@require_safe
@login_required
def placed_csv(request: CustomerRequest, number: int) -> StreamingHttpResponse:
    """Return the orders of a mass order as a table, in the sequence of their lines."""
    mass = mass_or_404(request, number)

    def cells() -> Iterator[list[str]]:
        yield [_("Line"), _("Order number"), _("Service"), _("Link"), _("Quantity"), _("Charge"), _("State")]
        for line, order in orders_in_sequence(mass):
            words = [order.service_name, order.target, str(order.total), f"{order.charge:.5f}", str(order.face.word)]
            yield [str(line), str(order.pk), *(harmless(word) for word in words)]

    return csv_file(cells(), f"orders-{mass.pk}.csv")


class _Echo:
    def write(self, line: str) -> str:
        return line


def csv_file(rows: Iterator[list[str]], name: str) -> StreamingHttpResponse:
    """Return rows as a file for spreadsheets, sent while they are read."""
    writer = csv.writer(_Echo())
    answer = StreamingHttpResponse((writer.writerow(row) for row in rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
