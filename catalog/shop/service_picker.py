"""Finds services to order, by a few letters or an id."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import CustomerGroup
from catalog.facts.reading import read_figures
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.price_list import read_rows
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.search_index import search_index

SHOWN = 20
SHOWN_UNTYPED = 8


@dataclass(frozen=True)
class PickerResult:
    """The first services that match; ``total`` counts all of them, ``words`` are what they contain."""

    rows: list[Service]
    total: int
    words: list[str]

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]


def pick(text: str, group: CustomerGroup | None = None) -> PickerResult:
    """Return services that match ``text``, one whose number it is first; without text, the first services of the shop.

    Prices are those a customer of ``group`` pays.
    """
    query, index = PriceListQuery(text=text[:100]), search_index()
    words = index.correct(query.words)
    found = index.matching(query, words)
    named = index.by_number.get(query.service) if query.service is not None else None
    if named is not None:
        found = [named, *(entry for entry in found if entry is not named)]
    rows = read_rows([entry.pk for entry in found[: SHOWN if text else SHOWN_UNTYPED]])
    show_prices(rows, group)
    read_figures(rows)
    return PickerResult(rows, len(found), [str(query.only_service)] if query.only_service else words)
