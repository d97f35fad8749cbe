"""The price list as a visitor reads it: what was asked for, the services found, in groups, a page at a time.

A page costs two queries however many services there are: counts by category, and the rows of the groups shown.
Only when nothing matches is the vocabulary of the list read to forgive a typo.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber

from accounts.models import CustomerGroup
from catalog.models import Service
from catalog.models.service import DRIPFEED_TYPES, ServiceQuerySet
from catalog.prices.group_prices import show_prices
from catalog.shop.platforms import BY_SLUG, OTHER, letters_of
from catalog.shop.price_list_query import OFFERS, PriceListQuery
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
    query: str
    is_current: bool


@dataclass
class Listing:
    wish: PriceListQuery
    groups: list[Group]
    platforms: list[PlatformLink]
    total: int
    page: int
    pages: int
    categories: int
    corrected: str = ""
    hidden_by: "list[tuple[str, int, str]]" = field(default_factory=list)

    @property
    def rows(self) -> list[Service]:
        return [row for group in self.groups for row in group.rows]

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]

    @property
    def has_times(self) -> bool:
        return any(row.estimated_time for row in self.rows)

    @property
    def everywhere(self) -> str:
        """The same wish on all platforms, as an address."""
        return self.wish.but(platform="", category=None).query()

    @property
    def everywhere_total(self) -> int:
        return sum(p.total for p in self.platforms)

    @property
    def all_categories(self) -> str:
        return self.wish.but(category=None).query()

    @property
    def newer(self) -> str:
        return replace(self.wish, page=self.page - 1).query() if self.page > 1 else ""

    @property
    def older(self) -> str:
        return replace(self.wish, page=self.page + 1).query() if self.page < self.pages else ""


def matching(wish: PriceListQuery, *, words: Iterable[str] | None = None) -> ServiceQuerySet:
    """Services on sale that hold every word, and offer what was asked for. The platform is not looked at."""
    found = Service.objects.on_sale()
    for word in wish.words if words is None else words:
        found = found.filter(search_text__contains=word)
    if wish.category:
        found = found.filter(category=wish.category)
    if wish.refill:
        found = found.filter(source__refill=True, source__provider__can_refill=True)
    if wish.cancel:
        found = found.filter(source__cancel=True, source__provider__can_cancel=True)
    if wish.dripfeed:
        found = found.filter(source__dripfeed=True, source__type__in=DRIPFEED_TYPES)
    return found


def list_services(wish: PriceListQuery, group: CustomerGroup | None = None) -> Listing:
    """The page of the price list that ``wish`` asks for, with a typo forgiven when nothing else matches.

    Prices are those a customer of ``group`` pays; the order by price is that of the list's own prices.
    """
    found, corrected = matching(wish), ""
    counts = _count(found)
    if not counts and wish.words and (mended := correct_words(wish.words)) != wish.words:
        found, corrected = matching(wish, words=mended), " ".join(mended)
        counts = _count(found)
    here = [c for c in counts if not wish.platform or c.platform == wish.platform]
    if wish.platform:
        found = found.filter(platform=wish.platform)
    total = sum(c.n for c in here)
    groups, page, pages = (_grouped if wish.is_grouped else _flat)(wish, found, here, total)
    show_prices([service for shown in groups for service in shown.rows], group)
    return Listing(
        wish=wish,
        groups=groups,
        platforms=_platform_links(wish, counts),
        total=total,
        page=page,
        pages=pages,
        categories=len({c.category_id for c in here}),
        corrected=corrected if total else "",
        hidden_by=[] if total else _hidden_by(wish),
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


def _pages(total: int, per_page: int, wanted: int) -> tuple[int, int]:
    pages = max(1, -(-total // per_page))
    return min(wanted, pages), pages


def _grouped(wish: PriceListQuery, found: ServiceQuerySet, counts: list[_Count], total: int) -> _Page:
    groups: dict[int, Group] = {}
    for row in counts:  # a category whose services are for several platforms comes once
        group = groups.setdefault(row.category_id, Group(row.category_id, row.category, letters_of(row.platform), 0))
        group.total += row.n
    page, pages = _pages(len(groups), GROUPS_PER_PAGE, wish.page)
    shown = list(groups.values())[(page - 1) * GROUPS_PER_PAGE : page * GROUPS_PER_PAGE]
    for group in shown:
        group.link = wish.but(category=group.id).query()
    rank = Window(RowNumber(), partition_by=F("category_id"), order_by=["position", "id"])
    rows = found.filter(category__in=[g.id for g in shown]).annotate(rank=rank).filter(rank__lte=ROWS_PER_GROUP)
    for service in rows.select_related("source__provider").order_by("position", "id"):
        groups[service.category_id].rows.append(service)
    return shown, page, pages


def _flat(wish: PriceListQuery, found: ServiceQuerySet, counts: list[_Count], total: int) -> _Page:
    page, pages = _pages(total, ROWS_PER_PAGE, wish.page)
    order = ["price", "id"] if wish.sort == "price" else ["category__position", "position", "id"]
    rows = found.select_related("source__provider", "category").order_by(*order)
    shown = list(rows[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE])
    if not shown:
        return [], page, pages
    if wish.category:
        group = Group(shown[0].category_id, shown[0].category.name, letters_of(shown[0].platform), total)
    else:
        group = Group(0, "", "", total)
    group.rows = shown
    return [group], page, pages


def _platform_links(wish: PriceListQuery, counts: list[_Count]) -> list[PlatformLink]:
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
            wish.but(platform=slug, category=None).query(),
            wish.platform == slug,
        )
        for slug in [*known, *([OTHER] if OTHER in sums else [])]
    ]


def _hidden_by(wish: PriceListQuery) -> list[tuple[str, int, str]]:
    """Which filter hides most, if one does: its name, how many match without it, the address without it."""
    wider = [(name, wish.but(**{name: False})) for name in OFFERS if getattr(wish, name)]
    wider += [("platform", wish.but(platform=""))] if wish.platform else []
    found = [(name, _on(w).count(), w.query()) for name, w in wider]
    return sorted((f for f in found if f[1]), key=lambda f: -f[1])[:1]


def _on(wish: PriceListQuery) -> ServiceQuerySet:
    found = matching(wish)
    return found.filter(platform=wish.platform) if wish.platform else found


def totals() -> tuple[int, int]:
    """How many services are on sale, in how many categories."""
    seen = Service.objects.on_sale().aggregate(services=Count("pk"), categories=Count("category_id", distinct=True))
    return seen["services"], seen["categories"]
