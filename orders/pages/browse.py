"""A customer's own orders, as "My orders" shows them: by state, found by number, link or service, a page at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from core.numbers import ascii_digits
from orders.link_search import nth_newest, with_link
from orders.models import Cancellation, Order, Refill
from orders.states import (
    CANCELED,
    COMPLETED,
    CONFIRMING,
    IN_PROGRESS,
    PARTIAL,
    PENDING,
    SENDING,
    Face,
    Forward,
    Progress,
    face_of,
)

PER_PAGE = 25
#: The tabs in order; what is being sent counts as pending, because it lasts for seconds.
TABS = (PENDING, CONFIRMING, IN_PROGRESS, COMPLETED, PARTIAL, CANCELED)


def _tab(face: Face) -> Face:
    return PENDING if face is SENDING else face


#: The rows of each tab, computed from ``face_of`` so that the two can never disagree.
CONDITIONS = {
    tab.name: Q(forward_state__in=[f for f in Forward if f != Forward.PLACED and _tab(face_of(f, "")) is tab])
    | Q(
        forward_state=Forward.PLACED,
        progress__in=[p for p in ("", *Progress) if _tab(face_of(Forward.PLACED, p)) is tab],
    )
    for tab in TABS
}


@dataclass(frozen=True)
class Search:
    """What a customer looks for among their orders, read from an address and written into one."""

    state: str = ""
    text: str = ""
    page: int = 1

    @classmethod
    def read(cls, get: QueryDict) -> "Search":
        page = get.get("page", "")
        return cls(
            state=get.get("state", "") if get.get("state", "") in CONDITIONS else "",
            text=" ".join(get.get("q", "").replace("\0", "").split())[:200],
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    def query(self) -> str:
        pairs = [("state", self.state), ("q", self.text), ("page", str(self.page) if self.page > 1 else "")]
        given = [(name, value) for name, value in pairs if value]
        return f"?{urlencode(given)}" if given else ""


@dataclass(frozen=True)
class Tab:
    face: Face | None
    total: int
    query: str
    is_current: bool


@dataclass(frozen=True)
class OrderPage:
    search: Search
    orders: list[Order]
    tabs: list[Tab]
    total: int
    first: int
    pages: int

    @property
    def last(self) -> int:
        return self.first + len(self.orders) - 1

    @property
    def amounts(self) -> list[Decimal]:
        return [a for o in self.orders for a in (o.charge, o.refunded)]

    @property
    def open_numbers(self) -> list[int]:
        return open_numbers(self.orders)

    @property
    def newer(self) -> str | None:
        return replace(self.search, page=self.search.page - 1).query() if self.search.page > 1 else None

    @property
    def older(self) -> str | None:
        return replace(self.search, page=self.search.page + 1).query() if self.search.page < self.pages else None


def orders_of(customer: User) -> QuerySet[Order]:
    """Return a customer's orders with all that a row shows, in three queries. Pages reach orders through here alone."""
    refills = Prefetch("refills", queryset=Refill.objects.order_by("-id"))
    cancellations = Prefetch("cancellations", queryset=Cancellation.objects.order_by("-id"))
    orders = Order.objects.filter(customer=customer).select_related("service__source__provider")
    return orders.prefetch_related(refills, cancellations)


def open_numbers(orders: Iterable[Order]) -> list[int]:
    """Return the numbers of the orders whose row may still change: not ended, or with a refill under way."""
    return [o.pk for o in orders if not o.is_final or any(r.is_open for r in o.refills.all())]


def _found(customer: User, text: str) -> QuerySet[Order]:
    found = orders_of(customer)
    if not text:
        return found
    own = Order.objects.filter(customer=customer)
    number = ascii_digits(text.lstrip("#"))
    wanted = {int(number)} if number.isascii() and number.isdigit() and len(number) < 18 else set()
    wanted |= with_link(own, text)
    # Part of a link or name is looked for among the newest orders only: no index finds it.
    newest = own.filter(pk__gte=nth_newest(own))
    parts = Q(link__icontains=text) | Q(service_name__icontains=text)
    wanted |= set(newest.filter(parts).values_list("pk", flat=True))
    return found.filter(pk__in=wanted)


def browse(customer: User, search: Search) -> OrderPage:
    """Return one page of the orders that match, with the tabs and how many each holds."""
    found = _found(customer, search.text)
    counts = _counts(found)
    total = counts[search.state] if search.state else sum(counts.values())
    pages = max(1, -(-total // PER_PAGE))
    search = replace(search, page=min(search.page, pages))
    if search.state:
        found = found.filter(CONDITIONS[search.state])
    start = (search.page - 1) * PER_PAGE
    orders = list(found.order_by("-id")[start : start + PER_PAGE])
    return OrderPage(search, orders, _tabs(search, counts), total, start + 1, pages)


def tabs_of(customer: User, search: Search) -> list[Tab]:
    return _tabs(search, _counts(_found(customer, search.text)))


def _counts(found: QuerySet[Order]) -> dict[str, int]:
    counts = dict.fromkeys(CONDITIONS, 0)
    by: Any = found.order_by().values_list("forward_state", "progress").annotate(n=Count("pk"))
    for forward, progress, n in by:
        counts[_tab(face_of(forward, progress)).name] += n
    return counts


def _tabs(search: Search, counts: dict[str, int]) -> list[Tab]:
    every = Tab(None, sum(counts.values()), replace(search, state="", page=1).query(), not search.state)
    return [every] + [
        Tab(tab, counts[tab.name], replace(search, state=tab.name, page=1).query(), search.state == tab.name)
        for tab in TABS
    ]
