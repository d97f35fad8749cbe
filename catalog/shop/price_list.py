"""The price list as a visitor reads it: the services that match a query, in groups, a page at a time.

What matches is found in memory (:mod:`catalog.shop.search_index`); the rows of the page are read from the database. So
a page costs three queries however many services there are and whatever was typed: whether the catalog has changed, the
rows shown, and their measured times. A filter or sort by a measured time costs one more.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from operator import attrgetter

from accounts.models import User
from catalog.facts.reading import read_figures, times_of
from catalog.models import Provider, Service, ServiceFigures
from catalog.prices.group_prices import show_prices
from catalog.shop.platform_tree import TreePlatform, platform_tree
from catalog.shop.platforms import letters_of
from catalog.shop.price_list_query import SORTS, STARTS_WITHIN, TIME_SORTS, PriceListQuery
from catalog.shop.search_index import Entry, Place, SearchIndex, search_index
from core.numbers import plain_number
from core.owner_texts import attach

#: The column of each sort by a measured time.
_TIMES = {"starts": "starts_in", "takes": "takes"}
_OF_PROVIDER = ("id", "currency", "exchange_rate", "markup_percent", "can_refill", "can_cancel", "same_link")
#: What no list shows: long texts, and most columns of the provider, which would be read again for every row.
_UNREAD = [
    *("description", "search_text", "source__raw", "source__description", "source__codes", "source__product_before"),
    *(f"source__provider__{f.name}" for f in Provider._meta.concrete_fields if f.name not in _OF_PROVIDER),
]
GROUPS_PER_PAGE = 12
ROWS_PER_GROUP = 4
ROWS_PER_PAGE = 50


@dataclass
class Group:
    """A category of the list with the first of its services on sale; ``total`` counts all that match."""

    id: int
    name: str
    letters: str
    total: int
    link: str = ""
    rows: list[Service] = field(default_factory=list)


@dataclass
class Listing:
    """One page of the list. ``words`` were searched for; ``corrected`` has all of them if one was mistyped.

    ``hidden_by`` names the filter that hides most, if nothing matches or a word was corrected: its name, how many more
    match without it, the address.
    """

    query: PriceListQuery
    groups: list[Group]
    platforms: list[TreePlatform]
    total: int
    page: int
    pages: int
    price_steps: list[Decimal]
    services_in_shop: int
    categories_in_shop: int
    words: list[str] = field(default_factory=list)
    corrected: str = ""
    hidden_by: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def rows(self) -> list[Service]:
        return [row for group in self.groups for row in group.rows]

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]

    @cached_property
    def has_times(self) -> bool:
        """Whether the columns of times have anything to show; they are empty in a shop without orders."""
        return self.query.sort in TIME_SORTS or any(not times_of(row).is_empty for row in self.rows)

    @property
    def goes_by_other_prices(self) -> bool:
        """Whether a filter or sort by price went by the list's prices, while this customer pays others."""
        is_asked = self.query.price is not None or self.query.sort == "price"
        return is_asked and any(row.shown_price != row.price for row in self.rows)

    @property
    def sorted_by(self) -> dict[str, str]:
        """The address of the list sorted by each column, of the one that it is sorted by without."""
        sorts = [sort for sort in SORTS if sort != "shop"]
        return {s: self.query.but(sort="shop" if s == self.query.sort else s).as_address() for s in sorts}

    @property
    def everywhere(self) -> str:
        """The address of the same query on all platforms."""
        return self.query.but(platform="", category=None).as_address()

    @property
    def everywhere_total(self) -> int:
        return sum(p.total for p in self.platforms)

    @property
    def prices_up_to(self) -> list[tuple[str, Decimal]]:
        """The limits of the price to choose from, the chosen one among them, each as an address holds it first."""
        limits = {*self.price_steps, *([self.query.price] if self.query.price else [])}
        return [(plain_number(price), price) for price in sorted(limits)]

    @property
    def starts_within(self) -> list[tuple[int, timedelta]]:
        """The choices of how soon orders must start, each as an address holds it first."""
        return [(minutes, timedelta(minutes=minutes)) for minutes in STARTS_WITHIN]

    @property
    def newer(self) -> str:
        return replace(self.query, page=self.page - 1).as_address() if self.page > 1 else ""

    @property
    def older(self) -> str:
        return replace(self.query, page=self.page + 1).as_address() if self.page < self.pages else ""


def list_services(query: PriceListQuery, customer: User | None = None) -> Listing:
    """Return the page of the price list that ``query`` asks for; words that no service contains are corrected.

    Prices are those ``customer`` pays; filter and sort by price go by the list's own prices, and the page says so.
    """
    # 1. What matches, counted by category and platform.
    index = search_index()
    words, quick = index.correct(query.words), _started_within(query.within)
    found = index.matching(query, words, quick)
    counts = Counter(entry.place for entry in found)
    here, here_counts = found, counts
    if query.platform:
        here = [entry for entry in found if entry.place.platform == query.platform]
        here_counts = Counter({place: n for place, n in counts.items() if place.platform == query.platform})
    # 2. The page.
    if query.is_grouped:
        groups, page, pages = _page_of_groups(query, index, here, here_counts)
    else:
        groups, page, pages = _page_of_rows(query, here)
    rows = [service for shown in groups for service in shown.rows]
    show_prices(rows, customer)
    read_figures(rows)
    # 3. Without a match, or where a word was corrected: the filter that hides most.
    is_corrected = words != query.words
    return Listing(
        query=query,
        groups=groups,
        platforms=platform_tree(query, index, counts),
        total=len(here),
        page=page,
        pages=pages,
        price_steps=index.price_steps,
        services_in_shop=len(index.entries),
        categories_in_shop=len(index.headings),
        words=[str(query.only_service)] if query.only_service else words,
        corrected=" ".join(words) if is_corrected else "",
        hidden_by=_hidden_by(query, index, words, quick, len(here)) if is_corrected or not here else [],
    )


def _started_within(minutes: int | None) -> set[int] | None:
    """The services of which half of the orders started within so many minutes; None without such a filter."""
    if minutes is None:
        return None
    return set(ServiceFigures.objects.filter(starts_in__lte=minutes * 60).values_list("pk", flat=True))


def _hidden_by(
    query: PriceListQuery, index: SearchIndex, words: list[str], quick: set[int] | None, shown: int
) -> list[tuple[str, int, str]]:
    """The filter that hides most of what has all words, and how much it hides; empty if none hides anything."""
    hidden = []
    for name in query.filtered_by:
        other = query.without(name)
        found = index.matching(other, words, None if name == "within" else quick)
        n = sum(not other.platform or entry.place.platform == other.platform for entry in found) - shown
        if n:
            hidden.append((name, n, other.as_address()))
    return sorted(hidden, key=lambda each: -each[1])[:1]


#: The groups to show, the number of their page, how many pages there are.
type _Page = tuple[list[Group], int, int]


def _page_number(total: int, per_page: int, wanted: int) -> tuple[int, int]:
    """The page to show, at most the last one, and how many there are."""
    pages = max(1, -(-total // per_page))
    return min(wanted, pages), pages


def _page_of_groups(query: PriceListQuery, index: SearchIndex, found: list[Entry], counts: Counter[Place]) -> _Page:
    """Categories, each with its first services. A service whose number was typed comes first, and its category.

    ``counts`` says how many of ``found`` are in each place.
    """
    named = index.by_number.get(query.service) if query.service is not None else None
    if named is not None and named in found:
        found = [named, *(entry for entry in found if entry is not named)]
    first = found[0].place.category if found and found[0] is named else None
    groups: dict[int, Group] = {}
    for place, n in counts.items():
        # A category whose services are for several platforms comes once.
        group = groups.setdefault(
            place.category, Group(place.category, place.shown_name, letters_of(place.platform), 0)
        )
        group.total += n
    ordered = sorted(groups.values(), key=lambda group: (group.id != first, index.headings[group.id]))
    page, pages = _page_number(len(groups), GROUPS_PER_PAGE, query.page)
    shown = ordered[(page - 1) * GROUPS_PER_PAGE : page * GROUPS_PER_PAGE]
    firsts: dict[int, list[int]] = {group.id: [] for group in shown}
    for entry in found:
        numbers = firsts.get(entry.place.category)
        if numbers is not None and len(numbers) < ROWS_PER_GROUP:
            numbers.append(entry.pk)
    # Addresses have the original name, whatever the language of the page.
    originals = {place.category: place.category_name for place in index.places}
    for group in shown:
        group.link = query.but(category=group.id, category_name=originals[group.id], platform="").as_address()
    for service in read_rows([pk for numbers in firsts.values() for pk in numbers]):
        groups[service.category_id].rows.append(service)
    return shown, page, pages


def _page_of_rows(query: PriceListQuery, found: list[Entry]) -> _Page:
    """Services of one category, or of all of them sorted by a column, as one group."""
    page, pages = _page_number(len(found), ROWS_PER_PAGE, query.page)
    if not found:
        return [], page, pages
    if query.sort == "price":
        found = sorted(found, key=attrgetter("price_rank"))
    elif query.sort in TIME_SORTS:
        found = _by_time(_TIMES[query.sort], found)
    numbers = [entry.pk for entry in found[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]]
    return [Group(0, "", "", len(found), rows=read_rows(numbers))], page, pages


def _by_time(name: str, found: list[Entry]) -> list[Entry]:
    """Sorted by a measured time; services without one come last."""
    timed = ServiceFigures.objects.exclude(**{name: None}).order_by(name, "pk").values_list("pk", flat=True)
    ranks = {pk: n for n, pk in enumerate(timed)}
    return sorted(found, key=lambda entry: (ranks.get(entry.pk, len(ranks)), entry.pk))


def read_rows(numbers: list[int]) -> list[Service]:
    """Return the services with these numbers that are still on sale, in this order, with all that a list shows.

    Names are in the language of the page, by one query more unless it is the default one.
    """
    rows = Service.objects.on_sale().select_related("source__provider")
    found = rows.defer(*_UNREAD).in_bulk(numbers)
    attach(*found.values())
    return [found[pk] for pk in numbers if pk in found]


def totals() -> tuple[int, int]:
    """Return how many services are on sale, and in how many categories."""
    index = search_index()
    return len(index.entries), len(index.headings)
