"""The price list as a visitor reads it: the services that match a query, in groups, a page at a time.

A page costs three queries however many services there are: counts by category, the rows of the groups shown, and their
measured times.
Only when nothing matches are all words of the list read, to correct a typo.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Case, Count, F, OuterRef, Subquery, When, Window
from django.db.models.functions import RowNumber

from accounts.models import CustomerGroup
from catalog.facts.reading import read_figures, times_of
from catalog.models import Service, ServiceFigures
from catalog.models.service import DRIPFEED_TYPES, ServiceQuerySet
from catalog.prices.group_prices import show_prices
from catalog.shop.platforms import BY_SLUG, OTHER, letters_of
from catalog.shop.price_list_query import OFFERS, SORTS, TIME_SORTS, PriceListQuery
from catalog.shop.spelling import correct_words

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


@dataclass(frozen=True)
class PlatformLink:
    slug: str
    name: str
    letters: str
    total: int
    address: str
    is_current: bool


@dataclass
class Listing:
    """One page of the list. ``corrected`` holds the words searched for instead of mistyped ones.

    ``hidden_by`` names the filter that hides most, if nothing matches: its name, the matches without it, the address.
    """

    query: PriceListQuery
    groups: list[Group]
    platforms: list[PlatformLink]
    total: int
    page: int
    pages: int
    categories: int
    corrected: str = ""
    hidden_by: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def rows(self) -> list[Service]:
        return [row for group in self.groups for row in group.rows]

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]

    @property
    def has_times(self) -> bool:
        """Whether the columns of times have anything to show; they are empty in a shop without orders."""
        return self.query.sort in TIME_SORTS or any(not times_of(row).is_empty for row in self.rows)

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
    def all_categories(self) -> str:
        return self.query.but(category=None).as_address()

    @property
    def newer(self) -> str:
        return replace(self.query, page=self.page - 1).as_address() if self.page > 1 else ""

    @property
    def older(self) -> str:
        return replace(self.query, page=self.page + 1).as_address() if self.page < self.pages else ""


def _figure(name: str) -> Subquery:
    return Subquery(ServiceFigures.objects.filter(pk=OuterRef("pk")).values(name))


#: Packages come after what is priced per 1,000: the two prices say nothing beside each other. No figure comes last.
_ORDERS: dict[str, list[Any]] = {
    "shop": ["category__position", "position", "id"],
    "price": ["source__unit", "price", "id"],
    "starts": [_figure("starts_in").asc(nulls_last=True), "id"],
    "takes": [_figure("takes").asc(nulls_last=True), "id"],
}


def matching(query: PriceListQuery) -> ServiceQuerySet:
    """Return the services on sale that contain every word and offer what ``query`` requires, on any platform."""
    found = Service.objects.on_sale()
    if query.only_service is not None:
        found = found.filter(pk=query.only_service)
    for word in query.words:
        found = found.filter(search_text__contains=word)
    if query.category:
        found = found.filter(category=query.category)
    if query.refill:
        found = found.filter(source__refill=True, source__provider__can_refill=True)
    if query.cancel:
        found = found.filter(source__cancel=True, source__provider__can_cancel=True)
    if query.dripfeed:
        found = found.filter(source__dripfeed=True, source__type__in=DRIPFEED_TYPES)
    return found


def list_services(query: PriceListQuery, group: CustomerGroup | None = None) -> Listing:
    """Return the page of the price list that ``query`` asks for; if nothing matches, with typos corrected.

    Prices are those a customer of ``group`` pays; sorting by price goes by the list's own prices.
    """
    # 1. What matches, counted by category and platform.
    found, corrected = matching(query), ""
    counts = _count(found)
    if not counts and query.words and (words := correct_words(query.words)) != query.words:
        corrected = " ".join(words)
        found = matching(replace(query, text=corrected))
        counts = _count(found)
    here = [c for c in counts if not query.platform or c.platform == query.platform]
    total = sum(c.n for c in here)
    # 2. The page.
    if query.platform:
        found = found.filter(platform=query.platform)
    page_of = _page_of_groups if query.is_grouped else _page_of_rows
    groups, page, pages = page_of(query, found, here, total)
    rows = [service for shown in groups for service in shown.rows]
    show_prices(rows, group)
    read_figures(rows)
    # 3. Without a match: the filter that hides most.
    hidden_by = []
    if not total:
        wider = [(name, query.but(**{name: False})) for name in OFFERS if getattr(query, name)]
        wider += [("platform", query.but(platform=""))] if query.platform else []
        for name, other in wider:
            others = matching(other)
            others = others.filter(platform=other.platform) if other.platform else others
            if n := others.count():
                hidden_by.append((name, n, other.as_address()))
    return Listing(
        query=query,
        groups=groups,
        platforms=_platform_links(query, counts),
        total=total,
        page=page,
        pages=pages,
        categories=len({c.category_id for c in here}),
        corrected=corrected if total else "",
        hidden_by=sorted(hidden_by, key=lambda hidden: -hidden[1])[:1],
    )


class _Count(NamedTuple):
    category_id: int
    category: str
    platform: str
    n: int


def _count(found: ServiceQuerySet) -> list[_Count]:
    by = found.values_list("category_id", "category__name", "platform").annotate(n=Count("pk"))
    return [_Count(*row) for row in by.order_by("category__position", "category_id", "platform")]


#: The groups to show, the number of their page, how many pages there are.
type _Page = tuple[list[Group], int, int]


def _page_number(total: int, per_page: int, wanted: int) -> tuple[int, int]:
    """The page to show, at most the last one, and how many there are."""
    pages = max(1, -(-total // per_page))
    return min(wanted, pages), pages


def _page_of_groups(query: PriceListQuery, found: ServiceQuerySet, counts: list[_Count], total: int) -> _Page:
    """Categories, each with its first services."""
    groups: dict[int, Group] = {}
    for row in counts:  # a category whose services are for several platforms comes once
        group = groups.setdefault(row.category_id, Group(row.category_id, row.category, letters_of(row.platform), 0))
        group.total += row.n
    page, pages = _page_number(len(groups), GROUPS_PER_PAGE, query.page)
    named = _service_named(query, found)
    ordered = sorted(groups.values(), key=lambda group: named is None or group.id != named.category_id)
    shown = ordered[(page - 1) * GROUPS_PER_PAGE : page * GROUPS_PER_PAGE]
    for group in shown:
        group.link = query.but(category=group.id).as_address()
    first = Case(When(pk=named.pk if named else 0, then=0), default=1)
    rank = Window(RowNumber(), partition_by=F("category_id"), order_by=[first, "position", "id"])
    rows = found.filter(category__in=[g.id for g in shown]).annotate(rank=rank).filter(rank__lte=ROWS_PER_GROUP)
    for service in rows.select_related("source__provider").order_by(first, "position", "id"):
        groups[service.category_id].rows.append(service)
    return shown, page, pages


def _service_named(query: PriceListQuery, found: ServiceQuerySet) -> Service | None:
    """The service whose number was typed, which comes first; None in most searches."""
    return found.filter(pk=query.service).only("pk", "category_id").first() if query.service is not None else None


def _page_of_rows(query: PriceListQuery, found: ServiceQuerySet, counts: list[_Count], total: int) -> _Page:
    """Services of one category, or of all of them sorted by a column, as one group."""
    page, pages = _page_number(total, ROWS_PER_PAGE, query.page)
    rows = found.select_related("source__provider", "category").order_by(*_ORDERS[query.sort])
    shown = list(rows[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE])
    if not shown:
        return [], page, pages
    group = Group(0, "", "", total)
    if query.category:
        group = Group(shown[0].category_id, shown[0].category.name, letters_of(shown[0].platform), total)
    group.rows = shown
    return [group], page, pages


def _platform_links(query: PriceListQuery, counts: list[_Count]) -> list[PlatformLink]:
    """Links to the platforms that have matches, the most first and "other" last."""
    sums: dict[str, int] = {}
    for row in counts:
        slug = row.platform if row.platform in BY_SLUG else OTHER
        sums[slug] = sums.get(slug, 0) + row.n
    known = sorted((s for s in sums if s != OTHER), key=lambda s: (-sums[s], s))
    return [
        PlatformLink(
            slug,
            BY_SLUG[slug].name if slug in BY_SLUG else "",
            letters_of(slug),
            sums[slug],
            query.but(platform=slug, category=None).as_address(),
            query.platform == slug,
        )
        for slug in [*known, *([OTHER] if OTHER in sums else [])]
    ]


def totals() -> tuple[int, int]:
    """Return how many services are on sale, and in how many categories."""
    seen = Service.objects.on_sale().aggregate(services=Count("pk"), categories=Count("category_id", distinct=True))
    return seen["services"], seen["categories"]
