"""The public list of service updates: services that are new, back or gone, and prices that rose or fell."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet
from django.http import QueryDict

from catalog.models import ChangeKind, ServiceChange

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
    """Return updates of services the owner does not hide, newest first, with service and category."""
    shown = ServiceChange.objects.filter(service__is_visible=True, service__category__is_visible=True)
    found = shown.filter(kind=kind) if kind else shown
    return found.select_related("service__category", "service__source")


def read_updates(get: QueryDict) -> UpdatePage:
    """Return the page that an address asks for; values in it that make no sense are left out."""
    kind, number = get.get("kind", ""), get.get("page", "")
    kind = kind if kind in ChangeKind.values else ""
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    page = max(page, 1)
    start = (page - 1) * PER_PAGE
    rows = list(public_updates(kind)[start : start + PER_PAGE + 1])
    return UpdatePage(kind, page, rows[:PER_PAGE], len(rows) > PER_PAGE)
