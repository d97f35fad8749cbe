"""A customer's own orders, as "My orders" shows them: by state, found by number, link or service, a page at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Prefetch, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from core.numbers import ascii_digits
from orders.link_search import nth_newest, with_link
from orders.models import Cancellation, Order, Refill
from orders.pages.tabs import MOST_COUNTED, STATES, TABS, counts_of, numbers_of, tab_of
from orders.states import Face

PER_PAGE = 25
#: Pages that have a number. Further back a page is named by the order it begins after: counting rows takes long there.
NUMBERED = MOST_COUNTED // PER_PAGE
_DIGITS = 18


def _number(text: str) -> int | None:
    digits = ascii_digits(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else None


@dataclass(frozen=True)
class Search:
    """What a customer looks for among their orders, read from an address and written into one.

    ``before`` and ``after`` are order numbers: the page of older orders than one, and that of newer ones. ``is_broken``
    if the address names no page.
    """

    state: str = ""
    text: str = ""
    page: int = 1
    before: int | None = None
    after: int | None = None
    is_broken: bool = False

    @classmethod
    def read(cls, get: QueryDict) -> "Search":
        page = get.get("page", "")
        given = ((name, str(get.get(name, ""))) for name in ("before", "after"))
        cursors = {name: _number(text) for name, text in given if text}
        is_broken = len(cursors) > 1 or None in cursors.values()
        return cls(
            state=get.get("state", "") if get.get("state", "") in STATES else "",
            text=" ".join(get.get("q", "").replace("\0", "").split())[:200],
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            is_broken=is_broken,
            **({} if is_broken else cursors),
        )

    @property
    def has_cursor(self) -> bool:
        return self.before is not None or self.after is not None

    def at(self, *, page: int = 1, before: int | None = None, after: int | None = None) -> "Search":
        """Return the same search on another page."""
        return replace(self, page=page, before=before, after=after, is_broken=False)

    def query(self) -> str:
        page = str(self.page) if self.page > 1 and not self.has_cursor else ""
        pairs = [("state", self.state), ("q", self.text), ("page", page)]
        pairs += [(name, "" if n is None else str(n)) for name, n in (("before", self.before), ("after", self.after))]
        filled = [(name, value) for name, value in pairs if value]
        return f"?{urlencode(filled)}" if filled else ""


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


class _Orders:
    """The orders that a search matches, as tabs count them and pages take them: all of a customer, or a found few."""

    def __init__(self, customer: User, search: Search) -> None:
        self.customer, self.state = customer, search.state
        self.found = _found(customer, search.text) if search.text else None

    def counts(self) -> Mapping[str, int]:
        if self.found is None:
            return counts_of(self.customer)
        return dict.fromkeys(STATES, 0) | Counter(self.found.values())

    def numbers(self, *, limit: int, before: int | None = None, after: int | None = None) -> list[int]:
        """As `tabs.numbers_of`, for the tab of the search."""
        if self.found is None:
            return numbers_of(self.customer, self.state, limit=limit, before=before, after=after)
        numbers = sorted((pk for pk, tab in self.found.items() if self.state in ("", tab)), reverse=True)
        if after is not None:
            return [pk for pk in numbers if pk > after][-limit:]
        return [pk for pk in numbers if before is None or pk < before][:limit]


def _found(customer: User, text: str) -> dict[int, str]:
    """The orders that match a text, and the tab of each."""
    own = Order.objects.filter(customer=customer)
    number = _number(text.lstrip("#"))
    wanted = with_link(own, text) | ({number} if number is not None else set())
    rows = list(own.filter(pk__in=wanted).order_by().values_list("pk", "forward_state", "progress")) if wanted else []
    if not rows:
        # Part of a link or name is looked for among the newest orders only: no index finds it.
        parts = Q(link__icontains=text) | Q(service_name__icontains=text)
        newest = own.filter(parts, pk__gte=nth_newest(own)).order_by()
        rows = list(newest.values_list("pk", "forward_state", "progress"))
    return {pk: tab_of(forward, progress) for pk, forward, progress in rows}


def browse(customer: User, search: Search) -> OrderPage:
    """Return one page of the orders that match, with the tabs and how many each holds."""
    orders = _Orders(customer, search)
    tabs = _tabs(search, orders.counts())
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
    customer: User, search: Search, orders: _Orders, tabs: list[Tab], shown: list[int], *, has_newer: bool
) -> OrderPage:
    """A page without a number; empty where nothing is older than it was asked for."""
    has_older = bool(shown and orders.numbers(limit=1, before=shown[-1]))
    newer = search.at(after=shown[0]).query() if shown and has_newer else None
    older = search.at(before=shown[-1]).query() if has_older else None
    return OrderPage(search, _rows(customer, shown), tabs, None, newer, older)


def _numbered_page(customer: User, search: Search, orders: _Orders, tabs: list[Tab]) -> OrderPage:
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


def tabs_of(customer: User, search: Search) -> list[Tab]:
    return _tabs(search, _Orders(customer, search).counts())


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
