"""The way down the price list: the platforms, and the categories of the one that is open."""

from collections import Counter
from dataclasses import dataclass, field

from catalog.shop.platforms import BY_SLUG, OTHER, Platform, letters_of
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.search_index import Place, SearchIndex

#: Categories of a platform that the tree shows, those with the most services.
MOST_CATEGORIES = 40


@dataclass(frozen=True)
class TreeCategory:
    number: int
    name: str
    total: int
    address: str


@dataclass(frozen=True)
class TreePlatform:
    """``total`` counts what the query finds there. ``categories`` are those of the open platform alone.

    What the query finds nothing in stays with a 0, so that nothing jumps while somebody types.
    """

    slug: str
    name: str
    letters: str
    total: int
    address: str
    is_current: bool
    categories: list[TreeCategory] = field(default_factory=list)


def platform_tree(query: PriceListQuery, index: SearchIndex, counts: Counter[Place]) -> list[TreePlatform]:
    """Return the platforms on which something is sold, those with the most services first and "other" last.

    ``counts`` are the services that ``query`` finds on any platform, by their place.
    """
    sold, found = Counter[str](), Counter[str]()
    for place, n in index.places.items():
        sold[place.branch] += n
    for place, n in counts.items():
        found[place.branch] += n
    slugs = sorted(sold, key=lambda slug: (slug == OTHER, -sold[slug], slug))
    return [
        TreePlatform(
            slug=slug,
            name=BY_SLUG[slug].name if slug in BY_SLUG else "",
            letters=letters_of(slug),
            total=found[slug],
            address=query.but(platform=slug, category=None).as_address(),
            is_current=query.platform == slug,
            categories=_categories(query, index, counts) if query.platform == slug else [],
        )
        for slug in slugs
    ]


def sold_platforms(index: SearchIndex) -> list[Platform]:
    """Return the known platforms on which something is sold, by name."""
    slugs = {place.platform for place in index.places}
    return sorted((BY_SLUG[slug] for slug in slugs if slug in BY_SLUG), key=lambda platform: platform.name)


def _categories(query: PriceListQuery, index: SearchIndex, counts: Counter[Place]) -> list[TreeCategory]:
    """The categories of the open platform, in the order of headings."""
    here = [place for place in index.places if place.branch == query.platform]
    largest = sorted(here, key=lambda place: -index.places[place])[:MOST_CATEGORIES]
    return [
        TreeCategory(
            place.category,
            place.shown_name,
            counts[place],
            query.but(category=place.category, category_name=place.category_name, platform="").as_address(),
        )
        for place in sorted(largest, key=lambda place: index.headings[place.category])
    ]
