"""Profit of a period by day, provider, service, category and customer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Category, Provider, Service
from core.money import divide
from orders.facts.days import bounds_of
from orders.models import CustomerMoneyDay, MoneyDay
from orders.profit.counting import live_sums
from orders.profit.reading import NOTHING, Books, Figures
from storefront.cockpit.reports.period import Period
from storefront.cockpit.reports.table import Column, Line, Table

BY: dict[str, Promise] = {
    "day": _("Day"),
    "provider": _("Provider"),
    "service": _("Service"),
    "category": _("Category"),
    "customer": _("Customer"),
}
ZERO = Decimal(0)
_COLUMNS = (
    Column(_("Orders ended"), "count", "c-no"),
    Column(_("Revenue"), "money", "c-a"),
    Column(_("Cost"), "money", "c-x"),
    Column(_("Profit"), "money", "c-e"),
    Column(_("Margin"), "percent", "c-s"),
)
_SUMS = ("orders", "ended", "earned", "refunded", "late_refunds", "cost")


@dataclass(frozen=True)
class Sums:
    """What a group moved, in the sequence of the counted columns."""

    orders: int = 0
    ended: int = 0
    earned: Decimal = ZERO
    refunded: Decimal = ZERO
    late_refunds: Decimal = ZERO
    cost: Decimal = ZERO

    def __add__(self, more: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(more, name) for name in _SUMS))

    @property
    def revenue(self) -> Decimal:
        return self.earned - self.late_refunds

    @property
    def profit(self) -> Decimal:
        return self.revenue - self.cost

    @property
    def refunds(self) -> Decimal:
        """What was refunded, before and after orders ended."""
        return self.refunded + self.late_refunds


def line_of(
    name: str,
    ended: int | None,
    revenue: Decimal,
    cost: Decimal,
    profit: Decimal,
    url: str = "",
    day: date | None = None,
) -> Line:
    margin = divide(profit * 100, revenue) if revenue > 0 else None
    return Line(name, (ended, revenue, cost, profit, margin), url, day)


def by_day(books: Books, period: Period) -> tuple[Table, dict[date, Figures]]:
    """Return a line for each day, the newest first, and the figures of the days from the first to the last."""
    days = books.by_day(period.first, period.last)
    lines = [
        replace(line_of(date_format(day, "D j M Y"), f.orders, f.revenue, f.cost, f.profit), day=day)
        for day, f in sorted(days.items(), reverse=True)
        if bounds_of(day)[0] <= books.now
    ]
    whole = sum(days.values(), NOTHING)
    columns = (Column(_("Orders placed"), "count", "c-no"), *_COLUMNS[1:])
    total = line_of(_t("All days"), whole.orders, whole.revenue, whole.cost, whole.profit)
    return Table(BY["day"], columns, lines, total), dict(sorted(days.items()))


def by_group(by: str, books: Books, period: Period, whole: Figures, *, most: int | None = None) -> Table:
    """Return a line for each group with a movement, or for the first ``most``, the largest profit first.

    ``whole`` are the figures of the period: what belongs to no group stands apart, so that the sum is the shop's.
    """
    sums = sums_by(by, books, period)
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1].profit, pair[0]))
    names = _names(by, [key for key, _sums in ranked[:most]])
    lines = [
        line_of(names.get(key, str(key)), s.ended, s.revenue, s.cost, s.profit, _url(by, key))
        for key, s in ranked[:most]
    ]
    fees = Line(_t("Fees, bonuses and losses"), (None, None, None, -whole.apart, None))
    rest = [fees] if whole.apart else []
    ended = sum(s.ended for s in sums.values())
    total = line_of(_t("All together"), ended, whole.revenue, whole.cost, whole.profit)
    return Table(BY[by], _COLUMNS, lines, total, rest, hidden=len(ranked) - len(lines))


def sums_by(by: str, books: Books, period: Period) -> dict[int, Sums]:
    """Return what each group of BY moved: counted days added up, and what is not counted yet counted now."""
    of_customer = by == "customer"
    key = {"provider": "provider_id", "service": "service_id", "category": "service__category_id"}.get(
        by, "customer_id"
    )
    days = (CustomerMoneyDay if of_customer else MoneyDay).objects
    rows = (
        days.filter(day__gte=period.first, day__lte=period.last)
        .values_list(key)
        .annotate(**{f"{name}_": Sum(name) for name in _SUMS})
    )
    sums = {row[0]: Sums(*row[1:]) for row in rows}
    begins, ends = max(period.begins, books.counted_until), min(period.ends, books.now)
    if books.is_behind or begins >= ends:
        return sums
    live = live_sums("customer" if of_customer else "service", begins, ends)
    for group, more in _live(by, live):
        sums[group] = sums.get(group, Sums()) + more
    return sums


def _live(by: str, rows: Sequence[tuple[Any, ...]]) -> Iterable[tuple[int, Sums]]:
    categories: dict[int, int] = {}
    if by == "category":
        services = [row[0] for row in rows]
        categories = dict(Service.objects.filter(pk__in=services).values_list("pk", "category_id"))
    for row in rows:
        keys, (orders, ended, *money) = row[:-6], row[-6:]
        sums = Sums(int(orders), int(ended), *money)
        group = keys[1] if by == "provider" else categories[keys[0]] if by == "category" else keys[0]
        yield group, sums


def _names(by: str, keys: Sequence[int]) -> dict[int, str]:
    """Return what each group is called."""
    if by == "provider":
        return dict(Provider.objects.values_list("pk", "name"))
    if by == "category":
        return dict(Category.objects.values_list("pk", "name"))
    if by == "customer":
        return dict(User.objects.filter(pk__in=keys).values_list("pk", "email"))
    return {pk: f"{pk} {name}" for pk, name in Service.objects.filter(pk__in=keys).values_list("pk", "name")}


def _url(by: str, key: int) -> str:
    page = {
        "provider": "admin:catalog_provider_change", "service": "admin:catalog_service_change",
        "category": "admin:catalog_category_change", "customer": "admin:accounts_user_change",
    }[by]  # fmt: skip
    return reverse(page, args=[key])
