"""Makes and refreshes services as sold from rows of a provider's list, respecting what the owner pinned."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from django.db import connection

from catalog.bulk import stage_rows
from catalog.headings import Headings, headings_for
from catalog.models import Provider, ProviderService, Service
from catalog.platforms import OTHER, fold, platform_of
from catalog.pricing import published_price
from catalog.reading import RATE_JUMP
from catalog.texts import NAME_LIMIT, one_line
from core.money import LIMIT


class Source(Protocol):
    """A row of a provider's list: a Heard or a ProviderService."""

    @property
    def external_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def rate(self) -> Decimal | None: ...
    @property
    def min(self) -> int | None: ...
    @property
    def max(self) -> int | None: ...
    @property
    def position(self) -> int: ...
    @property
    def quarantine(self) -> list[str]: ...


class Sold(NamedTuple):
    """Columns of Service, and the source's id at the provider in place of our own."""

    external_id: str
    name: str
    description: str
    category_id: int
    platform: str
    min: int
    max: int
    price: Decimal | None
    position: int
    search_text: str


# Where the columns of Sold have their types from.
_SOLD_LIKE = "catalog_service CROSS JOIN (SELECT external_id FROM catalog_providerservice) AS source"
_REFRESH = """
    UPDATE catalog_service AS s
    SET name = t.name, description = t.description, category_id = t.category_id, platform = t.platform, min = t.min,
        max = t.max, price = t.price, position = t.position, search_text = t.search_text || ' ' || s.id
    FROM sold AS t JOIN catalog_providerservice AS p ON p.provider_id = %(provider)s AND p.external_id = t.external_id
    WHERE s.source_id = p.id
      AND (s.name, s.description, s.category_id, s.platform, s.min, s.max, s.price, s.position, s.search_text)
          IS DISTINCT FROM (t.name, t.description, t.category_id, t.platform, t.min, t.max, t.price, t.position,
                            t.search_text || ' ' || s.id)
"""
# The id is part of the text that is searched, and ids follow the order of the list.
_ADD = """
    INSERT INTO catalog_service (id, source_id, name, description, category_id, platform, min, max, price, position,
                                 search_text, is_visible, pins)
    SELECT n.id, n.source_id, n.name, n.description, n.category_id, n.platform, n.min, n.max, n.price, n.position,
           n.search_text || ' ' || n.id, true, '{}'
    FROM (
        SELECT nextval(pg_get_serial_sequence('catalog_service', 'id')) AS id, o.*
        FROM (
            SELECT p.id AS source_id, t.* FROM sold AS t
            JOIN catalog_providerservice AS p ON p.provider_id = %(provider)s AND p.external_id = t.external_id
            WHERE p.quarantine = '{}' AND NOT EXISTS (SELECT FROM catalog_service AS s WHERE s.source_id = p.id)
            ORDER BY t.position
        ) AS o
    ) AS n
"""


def headings_of(provider: Provider, rows: Sequence[Source]) -> Headings:
    """The headings :func:`sell` needs for ``rows``, asked for before the rows are written."""
    usable = sorted((row for row in rows if _is_usable(row)), key=lambda row: row.position)
    return headings_for(provider.pk, [row.category for row in usable])


def sell(provider: Provider, rows: Sequence[Source], headings: Headings) -> None:
    """Refresh the services sold from ``rows`` and add those that are not sold yet and have no reason against it.

    A row without a usable name or limits leaves its service as it was: off sale while in quarantine.
    """
    usable = [row for row in rows if _is_usable(row)]
    if not usable:
        return
    pinned = _pinned(provider.pk)
    sold = [_sold(provider, row, headings[row.category], pinned.get(row.external_id)) for row in usable]
    stage_rows("sold", _SOLD_LIKE, Sold._fields, sold)
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"provider": provider.pk})
        cursor.execute(_ADD, {"provider": provider.pk})


def sell_again(provider: Provider, external_ids: Iterable[str]) -> None:
    """The same from the rows stored, after the owner accepted, pinned or renamed something."""
    rows = list(ProviderService.objects.filter(provider=provider, external_id__in=list(external_ids)))
    sell(provider, rows, headings_of(provider, rows))


def price_at(provider: Provider, rate: Decimal | None) -> Decimal | None:
    """The published price, or None where none can be shown; without one nothing is on sale."""
    if rate is None or rate <= 0:
        return None
    price = published_price(rate, provider.exchange_rate, provider.markup_percent)
    return price if price < LIMIT else None


def _is_usable(row: Source) -> bool:
    return all(reason.startswith(f"{RATE_JUMP}:") for reason in row.quarantine)


def _pinned(provider_id: int) -> dict[str, Service]:
    with_pins = (
        Service.objects.filter(source__provider=provider_id).exclude(pins=[]).select_related("source", "category")
    )
    return {service.source.external_id: service for service in with_pins}


def _sold(provider: Provider, row: Source, heading: tuple[int, str], own: Service | None) -> Sold:
    pins = own.pins if own else []
    category_id, category = heading
    name, description, position = one_line(row.name, NAME_LIMIT), row.description, row.position
    low, high = row.min or 1, row.max or 1
    if own:
        name = own.name if "name" in pins else name
        description = own.description if "description" in pins else description
        position = own.position if "position" in pins else position
        category_id, category = (own.category_id, own.category.name) if "category" in pins else (category_id, category)
        low, high = _own_limits(own, low, high)
    platform = platform_of(category)
    return Sold(
        external_id=row.external_id,
        name=name,
        description=description,
        category_id=category_id,
        platform=platform if platform != OTHER else platform_of(category, name),
        min=low,
        max=high,
        price=price_at(provider, row.rate),
        position=position,
        search_text=searchable(f"{name} {category}"),
    )


def _own_limits(own: Service, low: int, high: int) -> tuple[int, int]:
    """The owner's limits within the provider's; the provider's, where those leave nothing between."""
    least = max(own.min, low) if "min" in own.pins else low
    most = min(own.max, high) if "max" in own.pins else high
    return (least, most) if least <= most else (low, high)


def searchable(text: str) -> str:
    """Folded as the search box folds; ASCII, which most names are, the short way."""
    return " ".join(text.lower().split()) if text.isascii() else fold(text)
