"""The figures at a glance on a category's page, and its links to other categories of the platform."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Min, Q

from catalog.facts.category_facts import CategoryFacts, category_facts
from catalog.models import Category, Service, Unit
from catalog.shop.page_addresses import category_address
from catalog.shop.platforms import BY_SLUG, letters_of
from core.owner_texts import attach, shown

#: Other categories of the platform, at most.
MOST_TABS = 24


@dataclass(frozen=True)
class CategoryLink:
    name: str
    address: str
    total: int
    is_current: bool


@dataclass(frozen=True)
class CategoryPage:
    """``lowest`` and ``highest`` are list prices per 1,000, None where nothing is priced so.

    ``total`` is 0 while nothing in it is sold at the moment. ``tabs`` are the categories of the platform with the most
    services here, this one among them; ``platform_total`` counts all services of that platform.
    """

    category: Category
    platform: str
    total: int
    with_refill: int
    lowest: Decimal | None
    highest: Decimal | None
    tabs: list[CategoryLink]
    platform_total: int
    facts: CategoryFacts

    @property
    def platform_name(self) -> str:
        return BY_SLUG[self.platform].name if self.platform in BY_SLUG else ""

    @property
    def letters(self) -> str:
        return letters_of(self.platform)


def category_page(number: int) -> CategoryPage | None:
    """Return the page of a category that is shown and has a service that is on sale or may be again; else None.

    Five queries, and one more while none is on sale.
    """
    category = Category.objects.filter(pk=number, is_visible=True).first()
    if category is None:
        return None
    refill = Q(source__refill=True, source__provider__can_refill=True)
    per_1000 = Q(source__unit=Unit.PER_1000)
    by_platform = list(
        Service.objects.on_sale()
        .filter(category=category)
        .values("platform")
        .annotate(
            n=Count("pk"),
            refill=Count("pk", filter=refill),
            lowest=Min("price", filter=per_1000),
            highest=Max("price", filter=per_1000),
        )
        .order_by("-n", "platform")
    )
    if by_platform:
        platform = by_platform[0]["platform"]
    else:
        paused = Service.objects.once_sold().filter(category=category, source__vanished_at=None).order_by("pk").first()
        if paused is None:
            return None
        platform = paused.platform
    lowest = [row["lowest"] for row in by_platform if row["lowest"] is not None]
    highest = [row["highest"] for row in by_platform if row["highest"] is not None]
    tabs, platform_total = _tabs(category, platform)
    return CategoryPage(
        category=category,
        platform=platform,
        total=sum(row["n"] for row in by_platform),
        with_refill=sum(row["refill"] for row in by_platform),
        lowest=min(lowest, default=None),
        highest=max(highest, default=None),
        tabs=tabs,
        platform_total=platform_total,
        facts=category_facts(category.pk),
    )


def _tabs(current: Category, platform: str) -> tuple[list[CategoryLink], int]:
    """The categories around this one, and how many services the platform has; no categories for an unknown platform."""
    if platform not in BY_SLUG:
        attach(current)
        return [], 0
    by = Service.objects.on_sale().filter(platform=platform).values_list("category_id", "category__name")
    rows = list(by.annotate(n=Count("pk")).order_by("category__position", "category_id"))
    each = {pk: Category(pk=pk, name=name) for pk, name, _n in rows}
    attach(current, *each.values())
    links = [
        CategoryLink(shown(each[pk], "name"), category_address(pk, name), n, pk == current.pk) for pk, name, n in rows
    ]
    here = next((i for i, link in enumerate(links) if link.is_current), 0)
    start = max(0, min(here - MOST_TABS // 2, len(links) - MOST_TABS))
    return links[start : start + MOST_TABS], sum(link.total for link in links)
