"""A customer's own orders, as "My orders" shows them: narrowed and searched as they ask for, a page at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Prefetch, QuerySet

from accounts.models import User
from orders.link_search import LOOKED_THROUGH, MOST_FOUND, with_link
from orders.models import Cancellation, Order, OrderNote, Refill
from orders.pages.search import Search, number_in
from orders.pages.tabs import (
    MOST_COUNTED,
    STATES,
    TABS,
    Narrowing,
    counts_of,
    few_or_counts,
    numbers_of,
    tab_of,
)
from orders.states import Face

PER_PAGE = 25
#: Of the newest orders, those with a part of a text in them, by state. In links only letters from a to z are alike in
#: both cases, which costs a tenth.
_PARTS = """
    SELECT forward_state, progress, array_agg(id) FROM orders_order
    WHERE customer_id = %(customer)s AND id = ANY(%(newest)s)
        AND (link COLLATE "C" ILIKE %(part)s OR service_name ILIKE %(part)s)
    GROUP BY 1, 2
"""
#: Pages that have a number. Further back a page is named by the order it begins after: counting rows takes long there.
NUMBERED = MOST_COUNTED // PER_PAGE


@dataclass(frozen=True)
class Tab:
    """``total`` is at most MOST_COUNTED; ``is_more`` if there are more."""

    face: Face | None
    total: int
    is_more: bool
    query: str
    is_current: bool


@dataclass(frozen=True)
class OrderPage:
    """One page. ``first`` is the place of its first order, None on a page without a number."""

    search: Search
    orders: list[Order]
    tabs: list[Tab]
    first: int | None
    newer: str | None
    older: str | None
    #: The page was asked for by a number that no page has.
    is_beyond_numbers: bool = False
    #: The text was looked for in the newest orders alone, but for numbers, notes and whole links.
    is_cut: bool = False

    @property
    def current(self) -> Tab:
        return next(tab for tab in self.tabs if tab.is_current)

    @property
    def total(self) -> int:
        return self.current.total

    @property
    def last(self) -> int | None:
        return None if self.first is None else self.first + len(self.orders) - 1

    @property
    def amounts(self) -> list[Decimal]:
        return [a for o in self.orders for a in (o.charge, o.refunded)]

    @property
    def open_numbers(self) -> list[int]:
        return open_numbers(self.orders)

    @property
    def newest(self) -> str:
        return self.search.at().query()

    @property
    def oldest(self) -> str | None:
        """The page with the oldest orders, where page numbers do not reach it."""
        return self.search.at(after=0).query() if self.current.is_more and self.older is not None else None


def orders_of(customer: User) -> QuerySet[Order]:
    """Return a customer's orders with all that a row shows, in three queries. Pages reach orders through here alone."""
    refills = Prefetch("refills", queryset=Refill.objects.order_by("-id"))
    cancellations = Prefetch("cancellations", queryset=Cancellation.objects.order_by("-id"))
    orders = Order.objects.filter(customer=customer).select_related("service__source__provider")
    return orders.prefetch_related(refills, cancellations)


def open_numbers(orders: Iterable[Order]) -> list[int]:
    """Return the numbers of the orders whose row may still change: not ended, or with a refill under way."""
    return [o.pk for o in orders if not o.is_final or any(r.is_open for r in o.refills.all())]


class FoundOrders:
    """The orders that a search matches, as tabs count them and pages take them: all of a customer, or a found few.

    ``found`` has the tab of each of a few, None where they are too many; ``counts`` how many each tab holds. ``is_cut``
    if a text was looked for in the newest orders alone.
    """

    def __init__(self, customer: User, search: Search, *, now: datetime) -> None:
        self.customer, self.state = customer, search.state
        self.narrowing = search.narrowing(now=now)
        self.found: Mapping[int, str] | None = None
        self.is_cut = False
        self.counts: Mapping[str, int]
        if search.text:
            self.found, self.is_cut = _found(customer, search.text, self.narrowing)
            self.counts = dict.fromkeys(STATES, 0) | Counter(self.found.values())
        elif self.narrowing.is_any:
            self.counts = counts_of(customer)
        else:
            self.found, self.counts = few_or_counts(customer, self.narrowing)

    def numbers(self, *, limit: int, before: int | None = None, after: int | None = None) -> list[int]:
        """As `tabs.numbers_of`, for the tab of the search."""
        if self.found is None:
            narrowing = self.narrowing
            return numbers_of(self.customer, self.state, limit=limit, before=before, after=after, narrowing=narrowing)
        numbers = sorted((pk for pk, tab in self.found.items() if self.state in ("", tab)), reverse=True)
        if after is not None:
            return [pk for pk in numbers if pk > after][-limit:]
        return [pk for pk in numbers if before is None or pk < before][:limit]

    def all_numbers(self, *, at_once: int) -> Iterator[list[int]]:
        """Yield the numbers of all of them, the newest first, so many at once."""
        numbers = self.numbers(limit=at_once)
        while numbers:
            yield numbers
            numbers = self.numbers(limit=at_once, before=numbers[-1]) if len(numbers) == at_once else []


def _found(customer: User, text: str, narrowing: Narrowing) -> tuple[dict[int, str], bool]:
    """Return the orders that match a text with the tab of each; True if only the newest were searched for a part."""
    # 1. By number, link and note, whatever their age.
    own = Order.objects.filter(customer=customer)
    number = number_in(text.lstrip("#"))
    wanted = with_link(own, text) | ({number} if number is not None else set())
    notes = OrderNote.objects.filter(customer=customer, text__icontains=text).order_by("-order")
    wanted |= set(notes.values_list("pk", flat=True)[:MOST_FOUND])
    columns = ("pk", "forward_state", "progress", "service_id", "created_at")
    rows = own.filter(pk__in=wanted).order_by().values_list(*columns) if wanted else []
    found = {pk: tab_of(f, p) for pk, f, p, service, at in rows if narrowing.takes(service, at)}
    # 2. By a part of a link or name among the newest orders only: no index finds it.
    newest = numbers_of(customer, "", limit=LOOKED_THROUGH + 1, narrowing=narrowing)
    part = f"%{connection.ops.prep_for_like_query(text)}%"
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, {"customer": customer.pk, "newest": newest[:LOOKED_THROUGH], "part": part})
        found |= {pk: tab for f, p, numbers in cursor.fetchall() for tab in [tab_of(f, p)] for pk in numbers}
    return found, len(newest) > LOOKED_THROUGH


def browse(customer: User, search: Search, *, now: datetime) -> OrderPage:
    """Return one page of the orders that match, with the tabs and how many each holds."""
    orders = FoundOrders(customer, search, now=now)
    return replace(_page(customer, search, orders), is_cut=orders.is_cut)


def _page(customer: User, search: Search, orders: FoundOrders) -> OrderPage:
    tabs = _tabs(search, orders.counts)
    if search.after is not None:
        numbers = orders.numbers(limit=PER_PAGE + 1, after=search.after)
        # At the newest orders it is the first page, which is always full.
        if len(numbers) > PER_PAGE or search.after == 0:
            shown = numbers[-PER_PAGE:]
            has_newer = len(numbers) > PER_PAGE
            return _page_between(customer, search, orders, tabs, shown, has_newer=has_newer)
        search = search.at()
    if search.before is not None:
        shown = orders.numbers(limit=PER_PAGE, before=search.before)
        has_newer = bool(orders.numbers(limit=1, after=search.before - 1))
        return _page_between(customer, search, orders, tabs, shown, has_newer=has_newer)
    return _numbered_page(customer, search, orders, tabs)


def _page_between(
    customer: User, search: Search, orders: FoundOrders, tabs: list[Tab], shown: list[int], *, has_newer: bool
) -> OrderPage:
    """A page without a number; empty where nothing is older than it was asked for."""
    has_older = bool(shown and search.after != 0 and orders.numbers(limit=1, before=shown[-1]))
    newer = search.at(after=shown[0]).query() if shown and has_newer else None
    older = search.at(before=shown[-1]).query() if has_older else None
    return OrderPage(search, _rows(customer, shown), tabs, None, newer, older)


def _numbered_page(customer: User, search: Search, orders: FoundOrders, tabs: list[Tab]) -> OrderPage:
    current = next(tab for tab in tabs if tab.is_current)
    pages = NUMBERED if current.is_more else max(1, -(-current.total // PER_PAGE))
    is_beyond = current.is_more and search.page > NUMBERED
    search = replace(search, page=min(search.page, pages))
    start = (search.page - 1) * PER_PAGE
    numbers = orders.numbers(limit=start + PER_PAGE + 1)[start:]
    shown, older = numbers[:PER_PAGE], None
    if len(numbers) > PER_PAGE:
        is_numbered = search.page < NUMBERED
        older = (search.at(page=search.page + 1) if is_numbered else search.at(before=shown[-1])).query()
    newer = search.at(page=search.page - 1).query() if search.page > 1 else None
    return OrderPage(search, _rows(customer, shown), tabs, start + 1, newer, older, is_beyond)


def _rows(customer: User, numbers: list[int]) -> list[Order]:
    return list(orders_of(customer).filter(pk__in=numbers).order_by("-id")) if numbers else []


def tabs_of(customer: User, search: Search, *, now: datetime) -> list[Tab]:
    return _tabs(search, FoundOrders(customer, search, now=now).counts)


def _tabs(search: Search, counts: Mapping[str, int]) -> list[Tab]:
    every = sum(counts.values())
    # A tab that was not counted to its end makes the sum of all unknown as well.
    is_more = any(count > MOST_COUNTED for count in counts.values()) or every > MOST_COUNTED
    found = [Tab(None, min(every, MOST_COUNTED), is_more, replace(search.at(), state="").query(), not search.state)]
    for tab in TABS:
        query = replace(search.at(), state=tab.name).query()
        count = counts[tab.name]
        found.append(Tab(tab, min(count, MOST_COUNTED), count > MOST_COUNTED, query, search.state == tab.name))
    return found
