"""Finds services to order: by a few letters or an id, and by walking down from a platform to its categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from accounts.models import User
from catalog.facts.reading import read_figures
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.platform_tree import TreePlatform, platform_tree
from catalog.shop.price_list import read_rows
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.search_index import search_index

SHOWN = 50
SHOWN_UNASKED = 8


@dataclass(frozen=True)
class PickerResult:
    """The first services that match; ``total`` counts all of them, ``words`` are what they contain.

    ``tree`` has all platforms of the shop, and the categories of the open one.
    """

    rows: list[Service]
    total: int
    words: list[str]
    tree: list[TreePlatform]

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]


def pick(
    text: str,
    customer: User | None = None,
    *,
    platform: str = "",
    category: int | None = None,
    among: Sequence[int] | None = None,
) -> PickerResult:
    """Return the services that match ``text``, on a platform and in a category if these are given.

    With text they stand in the shop's order, one whose number it is first; else the cheapest first, packages last. With
    nothing to go by they are the first of the shop, or those with the numbers ``among``, in that order. Prices are
    those ``customer`` pays.
    """
    # 1. What matches anywhere, for the counts of the tree.
    query, index = PriceListQuery(text=text[:100], platform=platform), search_index()
    words = index.correct(query.words)
    found = index.matching(query, words)
    named = index.by_number.get(query.service) if query.service is not None else None
    if named is not None:
        found = [named, *(entry for entry in found if entry is not named)]
    tree = platform_tree(query, index, Counter(entry.place for entry in found))
    # 2. What is shown of it.
    is_asked = bool(text or platform or category)
    if platform:
        found = [entry for entry in found if entry.place.branch == platform]
    if category:
        found = [entry for entry in found if entry.place.category == category]
    if is_asked and not text:
        found = sorted(found, key=attrgetter("price_rank"))
    if among is not None and not is_asked:
        found = [index.by_number[number] for number in among if number in index.by_number]
    most = SHOWN if is_asked or among is not None else SHOWN_UNASKED
    rows = read_rows([entry.pk for entry in found[:most]])
    show_prices(rows, customer)
    read_figures(rows)
    return PickerResult(rows, len(found), [str(query.only_service)] if query.only_service else words, tree)
