"""The public list of service updates: services that are new, back or gone, and prices that rose or fell."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import ChangeKind, ServiceChange
from core.numbers import plain_number

PER_PAGE = 50
NEWEST = 100


@dataclass(frozen=True)
class UpdatePage:
    """One page of updates, newest first; ``kind`` is empty for all of them."""

    kind: str
    page: int
    rows: Sequence[ServiceChange]
    has_older: bool

    @property
    def prices(self) -> list[Decimal | None]:
        return [price for row in self.rows for price in (row.old_price, row.new_price)]


def public_updates(kind: str = "") -> QuerySet[ServiceChange]:
    """Return updates of services and categories the owner does not hide, newest first, with service and category."""
    one = Q(service__is_visible=True, service__category__is_visible=True)
    many = Q(service=None) & (Q(category=None) | Q(category__is_visible=True))
    shown = ServiceChange.objects.filter(one | many)
    found = shown.filter(kind=kind) if kind else shown
    return found.select_related("service__category", "category")


def about_many(update: ServiceChange) -> str:
    """Return which services an update without a service is about, and what became of them."""
    count = update.count or 0
    words = {"n": f"{count:,}", "category": update.category}
    if update.category is None:
        services = ngettext("%(n)s service", "%(n)s services", count) % words
    else:
        services = ngettext("%(n)s service of %(category)s", "%(n)s services of %(category)s", count) % words
    if update.percent is None:
        return services
    facts = {"services": services, "percent": plain_number(abs(update.percent))}
    if update.kind == ChangeKind.DEARER:
        return _("%(services)s: prices up %(percent)s %%") % facts
    return _("%(services)s: prices down %(percent)s %%") % facts


def read_updates(get: QueryDict) -> UpdatePage:
    """Return the page that an address asks for; values in it that make no sense are left out."""
    kind, number = get.get("kind", ""), get.get("page", "")
    kind = kind if kind in ChangeKind.values else ""
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    page = max(page, 1)
    start = (page - 1) * PER_PAGE
    rows = list(public_updates(kind)[start : start + PER_PAGE + 1])
    return UpdatePage(kind, page, rows[:PER_PAGE], len(rows) > PER_PAGE)
