"""Finds services to order, by a few letters or an id."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import CustomerGroup
from catalog.facts.reading import read_figures
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.price_list import matching
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.spelling import correct_words

SHOWN = 20
SHOWN_UNTYPED = 8


@dataclass(frozen=True)
class PickerResult:
    """The first services that match; ``total`` counts all of them."""

    rows: list[Service]
    total: int

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]


def pick(text: str, group: CustomerGroup | None = None) -> PickerResult:
    """Return services that match ``text``, one whose number it is first; without text, the first services of the shop.

    Prices are those a customer of ``group`` pays.
    """
    query = PriceListQuery(text=text[:100])
    number, rows = query.service, _first_rows(query)
    if not rows and query.words:
        query = PriceListQuery(text=" ".join(correct_words(query.words)))
        rows = _first_rows(query)
    if number is not None:
        exact = list(Service.objects.on_sale().select_related("source__provider").filter(pk=number))
        rows = exact + [r for r in rows if r not in exact]
    show_prices(rows, group)
    read_figures(rows)
    if not text:
        return PickerResult(rows[:SHOWN_UNTYPED], len(rows))
    return PickerResult(rows[:SHOWN], len(rows) if len(rows) < SHOWN else matching(query).count())


def _first_rows(query: PriceListQuery) -> list[Service]:
    found = matching(query).select_related("source__provider")
    return list(found.order_by("category__position", "position", "id")[:SHOWN])
