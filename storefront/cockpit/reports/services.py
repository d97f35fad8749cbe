"""How the orders of a period ended for each service, and how long they took, by the day on which they were placed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.facts.figures import ENOUGH
from catalog.facts.histogram import BOUNDS, size, within
from catalog.models import Service, ServiceDay
from core.money import divide
from orders.profit.reading import Books
from storefront.cockpit.reports.period import Period
from storefront.cockpit.reports.profit import sums_by
from storefront.cockpit.reports.table import Column, Line, Table

_ENDS = """
    SELECT service_id, sum(orders)::bigint, sum(whole)::bigint, sum(partial)::bigint, sum(canceled)::bigint,
           sum(held)::bigint, sum(refills)::bigint, sum(refilled)::bigint
    FROM catalog_serviceday WHERE day >= %(first)s AND day <= %(last)s GROUP BY service_id
"""
# A start is late after twice the usual time and an hour, as a running order is slow (`orders.pages.stuck`). Times are
# counted in steps: the step that holds the limit counts as in time.
_LATE = """
    SELECT service_id, sum(t.value::int)::bigint,
           coalesce(sum(t.value::int) FILTER (WHERE t.key::int > usual.step), 0)::bigint
    FROM catalog_serviceday JOIN (
        SELECT service_id, width_bucket(starts_in::bigint * 2 + 3600, %(bounds)s::bigint[]) AS step
        FROM catalog_servicefigures WHERE starts_in IS NOT NULL
    ) usual USING (service_id) CROSS JOIN LATERAL jsonb_each_text(start_times) t
    WHERE day >= %(first)s AND day <= %(last)s AND service_id = ANY(%(services)s) GROUP BY service_id
"""
_KINDS = ("start_times", "thousand_times", "refill_times")
_TIMES = " UNION ALL ".join(
    f"""
    SELECT d.service_id, '{column}', t.key::int, sum(t.value::int)::int
    FROM catalog_serviceday d, jsonb_each_text(d.{column}) t
    WHERE d.day >= %(first)s AND d.day <= %(last)s AND d.service_id = ANY(%(services)s) GROUP BY 1, 3
    """  # noqa: S608 - names of columns
    for column in _KINDS
)
_RANKED = """
    SELECT service_id, sum(orders)::bigint FROM catalog_serviceday WHERE day >= %s AND day <= %s
    GROUP BY 1 ORDER BY 2 DESC, 1
"""


@dataclass(frozen=True)
class Ends:
    """How orders ended, and what was refunded."""

    orders: int = 0
    whole: int = 0
    partial: int = 0
    canceled: int = 0
    held: int = 0
    refills: int = 0
    refilled: int = 0
    refunds: Decimal = Decimal(0)

    def __add__(self, more: "Ends") -> "Ends":
        return Ends(*(getattr(self, f.name) + getattr(more, f.name) for f in fields(self)))

    def values(self, late: Decimal | None = None) -> tuple[Any, ...]:
        """One for each column of the table; ``late`` is the share of starts that were."""
        over = self.whole + self.partial + self.canceled
        shares = (_percent(n, over) for n in (self.whole, self.partial, self.canceled))
        asked = f"{self.refilled} / {self.refills}" if self.refills else None
        return self.orders, *shares, self.held, late, asked, self.refunds


def ends(books: Books, period: Period, most: int | None) -> Table:
    """Return how orders ended: whole, partial, canceled, held back, late, refilled, and what was refunded.

    A service without orders in the period is listed if something was refunded in it, so that refunds add up to the
    shop's. ``most`` is how many lines there are at most, None for all.
    """
    found = _ends_by_service(books, period)
    ranked = sorted(found.items(), key=lambda pair: (-pair[1].orders, pair[0]))
    shown = [pk for pk, _ends in ranked[:most]]
    names, late = _names(shown), _late_starts(period, shown)
    lines = [Line(names.get(pk, str(pk)), each.values(late.get(pk)), _url(pk)) for pk, each in ranked[:most]]
    columns = (
        Column(_("Orders"), "count", "c-a"),
        Column(_("Whole"), "percent", "c-e"),
        Column(_("Partial"), "percent", "c-no"),
        Column(_("Canceled"), "percent", "c-s"),
        Column(_("Waited too long"), "count", "c-no"),
        Column(_("Started late"), "percent", "c-no"),
        Column(_("Refilled / asked"), "text", "c-no"),
        Column(_("Refunded"), "money", "c-x"),
    )
    total = Line(_t("All services"), sum(found.values(), Ends()).values())
    return Table(_("Service"), columns, lines, total, hidden=len(ranked) - len(lines))


def _ends_by_service(books: Books, period: Period) -> dict[int, Ends]:
    """Join what became of orders with what was refunded: each may have services that the other has not."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, {"first": period.first, "last": period.last})
        found = {pk: Ends(*counts) for pk, *counts in cursor.fetchall()}
    for pk, sums in sums_by("service", books, period).items():
        if pk in found or sums.refunds:
            found[pk] = found.get(pk, Ends()) + Ends(refunds=sums.refunds)
    return found


def _late_starts(period: Period, services: Sequence[int]) -> dict[int, Decimal | None]:
    """Return the share of late starts in percent, of services whose usual time is measured."""
    values: dict[str, Any] = {"first": period.first, "last": period.last, "bounds": list(BOUNDS), "services": services}
    with connection.cursor() as cursor:
        cursor.execute(_LATE, values)
        return {pk: _percent(late, started) for pk, started, late in cursor.fetchall()}


def times(period: Period, most: int | None) -> Table:
    """Return how long services took, those with most orders first; a time of fewer than 20 orders is left out.

    ``most`` is how many lines there are at most, None for all.
    """
    found: dict[tuple[int, str], dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_RANKED, [period.first, period.last])
        ranked = cursor.fetchall()
        busiest = ranked[:most]
        values: dict[str, Any] = {"first": period.first, "last": period.last, "services": [pk for pk, _n in busiest]}
        cursor.execute(_TIMES, values)
        for pk, kind, step, n in cursor.fetchall():
            found.setdefault((pk, kind), {})[step] = n
    names = _names([pk for pk, _n in busiest])
    lines = [
        Line(
            names.get(pk, str(pk)),
            (n, *(_within(found.get((pk, kind), {}), tenths) for kind in _KINDS[:2] for tenths in (5, 9)),
             _within(found.get((pk, _KINDS[2]), {}), 5)),
            _url(pk),
        )
        for pk, n in busiest
    ]  # fmt: skip
    columns = (
        Column(_("Orders"), "count", "c-a"),
        Column(_("Half start within"), "time", "c-s"),
        Column(_("9 of 10 start within"), "time", "c-no"),
        Column(_("Half of 1,000 within"), "time", "c-e"),
        Column(_("9 of 10 within"), "time", "c-no"),
        Column(_("Half of refills within"), "time", "c-no"),
    )
    return Table(_("Service"), columns, lines, hidden=len(ranked) - len(lines))


def dead(period: Period, most: int | None) -> Table:
    """Return the services on sale that nobody ordered in the period, those sold last the longest ago first.

    ``most`` is how many lines there are at most, None for all.
    """
    ordered = ServiceDay.objects.filter(day__gte=period.first, day__lte=period.last).values("service_id")
    rows = (
        Service.objects.on_sale()
        .exclude(pk__in=ordered)
        .order_by("pk")
        .values_list("pk", "name", "category__name", "price")
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT service_id, max(day) FROM catalog_serviceday GROUP BY service_id")
        sold = dict(cursor.fetchall())
    unsold = sorted(rows, key=lambda row: (sold.get(row[0]) or date.min, row[0]))
    lines = [
        Line(f"{pk} {name}", (category, price, sold.get(pk)), _url(pk)) for pk, name, category, price in unsold[:most]
    ]
    columns = (
        Column(_("Category"), "text", "c-a"),
        Column(_("Price"), "money", "c-e"),
        Column(_("Last ordered"), "day", "c-s"),
    )
    return Table(_("Service"), columns, lines, hidden=len(unsold) - len(lines))


def _percent(part: int, whole: int) -> Decimal | None:
    return divide(Decimal(part * 100), whole) if whole else None


def _within(times: dict[int, int], tenths: int) -> int | None:
    return within(times, tenths) if size(times) >= ENOUGH else None


def _names(keys: Sequence[Any]) -> dict[int, str]:
    return {pk: f"{pk} {name}" for pk, name in Service.objects.filter(pk__in=keys).values_list("pk", "name")}


def _url(pk: int) -> str:
    return reverse("admin:catalog_service_change", args=[pk])
