"""Finding one service to order, by a few letters or its id."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import CustomerGroup
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.price_list import matching
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.spelling import correct_words

SHOWN = 20
SHOWN_UNASKED = 8


@dataclass(frozen=True)
class PickerResult:
    """The first services that match; ``total`` counts all of them."""

    rows: list[Service]
    total: int

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.rows]


def pick(text: str, group: CustomerGroup | None = None) -> PickerResult:
    """A service whose id was typed stands first. Nothing typed: the first services of the shop.

    Prices are those a customer of ``group`` pays.
    """
    wish = PriceListQuery(text=text[:100])
    rows = _first(wish.words)
    if not rows and wish.words:
        wish = PriceListQuery(text=" ".join(correct_words(wish.words)))
        rows = _first(wish.words)
    if text.isascii() and text.isdigit() and len(text) < 18:
        exact = list(Service.objects.on_sale().select_related("source__provider").filter(pk=int(text)))
        rows = exact + [r for r in rows if r not in exact]
    show_prices(rows, group)
    if not text:
        return PickerResult(rows[:SHOWN_UNASKED], len(rows))
    return PickerResult(rows[:SHOWN], len(rows) if len(rows) < SHOWN else matching(wish).count())


def _first(words: list[str]) -> list[Service]:
    found = matching(PriceListQuery(), words=words).select_related("source__provider")
    return list(found.order_by("category__position", "position", "id")[:SHOWN])
