"""How the orders of a period ended for each service, and how long they took, by the day on which they were placed."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.facts.figures import ENOUGH
from catalog.facts.histogram import size, within
from catalog.models import Service, ServiceDay
from core.money import divide
from storefront.cockpit.reports.period import Period
from storefront.cockpit.reports.table import MOST, Column, Line, Table

_ENDS = """
    SELECT d.service_id, sum(d.orders), sum(d.whole), sum(d.partial), sum(d.canceled), sum(d.held), sum(d.refills),
           sum(d.refilled), coalesce(max(m.refunds), 0)
    FROM catalog_serviceday d LEFT JOIN (
        SELECT service_id, sum(refunded + late_refunds) AS refunds FROM orders_moneyday
        WHERE day >= %(first)s AND day <= %(last)s GROUP BY service_id
    ) m USING (service_id)
    WHERE d.day >= %(first)s AND d.day <= %(last)s GROUP BY d.service_id ORDER BY 2 DESC, 1
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


def ends(period: Period, most: int | None) -> Table:
    """Return how orders ended: whole, partial, canceled, held back, refilled, and what was refunded.

    ``most`` is how many lines there are at most, None for all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, {"first": period.first, "last": period.last})
        rows = cursor.fetchall()
    names = _names([row[0] for row in rows[:most]])
    lines = []
    for pk, orders, whole, partial, canceled, held, refills, refilled, refunds in rows[:most]:
        over = whole + partial + canceled
        shares = [divide(Decimal(n * 100), over) if over else None for n in (whole, partial, canceled)]
        asked = f"{refilled} / {refills}" if refills else None
        lines.append(Line(names.get(pk, str(pk)), (orders, *shares, held, asked, refunds), _url(pk)))
    columns = (
        Column(_("Orders"), "count", "c-a"),
        Column(_("Whole"), "percent", "c-e"),
        Column(_("Partial"), "percent", "c-no"),
        Column(_("Canceled"), "percent", "c-s"),
        Column(_("Held back"), "count", "c-no"),
        Column(_("Refilled / asked"), "text", "c-no"),
        Column(_("Refunded"), "money", "c-x"),
    )
    return Table(_("Service"), columns, lines, hidden=len(rows) - len(lines))


def times(period: Period, _most: int | None) -> Table:
    """Return how long the services with most orders took; a time of fewer than 20 orders is left out."""
    busiest = list(_busiest(period.first, period.last))
    found: dict[tuple[int, str], dict[int, int]] = {}
    with connection.cursor() as cursor:
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
    return Table(_("Service"), columns, lines)


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
        Column(_("Price"), "exact", "c-e"),
        Column(_("Last ordered"), "day", "c-s"),
    )
    return Table(_("Service"), columns, lines, hidden=len(unsold) - len(lines))


def _busiest(first: date, last: date) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT service_id, sum(orders)::int FROM catalog_serviceday WHERE day >= %s AND day <= %s"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
            [first, last, MOST],
        )
        return cursor.fetchall()


def _within(times: dict[int, int], tenths: int) -> int | None:
    return within(times, tenths) if size(times) >= ENOUGH else None


def _names(keys: Sequence[Any]) -> dict[int, str]:
    return {pk: f"{pk} {name}" for pk, name in Service.objects.filter(pk__in=keys).values_list("pk", "name")}


def _url(pk: int) -> str:
    return reverse("admin:catalog_service_change", args=[pk])
