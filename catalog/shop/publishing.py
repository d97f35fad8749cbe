"""Makes and refreshes services as sold from rows of a provider's list, respecting what the owner pinned."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from django.db import connection
from django.db.models import Q

from catalog.bulk import copy_rows, new_ids, stage_rows
from catalog.models import Provider, ProviderService, Service
from catalog.models.provider import NewServices
from catalog.prices.rulebook import Facts, RuleBook
from catalog.pricing import rate_for_price
from catalog.quarantine import is_only_a_jump
from catalog.shop.headings import Headings, headings_for
from catalog.shop.platforms import OTHER, fold, platform_of

#: Fields of a service that the owner may take out of the provider's hands, in `Service.pins`.
PINNABLE = ("name", "description", "category", "min", "max", "position")


class Source(Protocol):
    """A row of a provider's list: a ListedService or a ProviderService."""

    @property
    def external_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def rate(self) -> Decimal | None: ...
    @property
    def held_rate(self) -> Decimal | None: ...
    @property
    def min(self) -> int | None: ...
    @property
    def max(self) -> int | None: ...
    @property
    def position(self) -> int: ...
    @property
    def quarantine(self) -> list[str]: ...


class Place(NamedTuple):
    """Our row for a row of a list, and the services made of it: usually one, more after services were moved to it."""

    source_id: int
    services: list[int]
    is_wanted: bool

    @property
    def is_free(self) -> bool:
        return self.is_wanted and not self.services


class Sold(NamedTuple):
    """Columns of Service that a sync writes."""

    id: int
    source_id: int
    name: str
    description: str
    category_id: int
    platform: str
    min: int
    max: int
    price: Decimal | None
    price_rule_id: int | None
    position: int
    search_text: str


_MANY = 1000
_FOLLOWING = Sold._fields[2:]
_REFRESH = f"""
    UPDATE catalog_service AS s SET {", ".join(f"{name} = sold.{name}" for name in _FOLLOWING)} FROM sold
    WHERE s.id = sold.id
      AND ({", ".join(f"s.{name}" for name in _FOLLOWING)})
          IS DISTINCT FROM ({", ".join(f"sold.{name}" for name in _FOLLOWING)})
"""  # noqa: S608 (names of our own columns)
_PLACES = """
    SELECT p.external_id, p.id, s.id, p.is_wanted FROM catalog_providerservice AS p
    LEFT JOIN catalog_service AS s ON s.source_id = p.id
    WHERE p.provider_id = %s AND p.external_id = ANY(%s)
"""


def headings_for_rows(provider: Provider, rows: Sequence[Source]) -> Headings:
    """The headings :func:`publish` needs for ``rows``, asked for before the rows are written."""
    usable = sorted((row for row in rows if _is_usable(row)), key=lambda row: row.position)
    return headings_for(provider.pk, [row.category for row in usable])


def publish(
    provider: Provider, rows: Sequence[Source], headings: Headings, placed: Mapping[str, Place] | None = None
) -> None:
    """Refresh the services sold from ``rows`` and add those that are not sold yet and have no reason against it.

    A row without a usable name or limits leaves its service as it was: off sale while in quarantine. ``placed``
    holds the places the caller knows already.
    """
    usable = sorted((row for row in rows if _is_usable(row)), key=lambda row: row.position)
    if not usable:
        return
    known = placed or {}
    places = {**known, **_places(provider.pk, [row.external_id for row in usable if row.external_id not in known])}
    owned, book = _owned(provider, places), RuleBook.now([provider])

    def sold(row: Source, place: Place, service_id: int) -> Sold:
        facts = (place.source_id, service_id)
        return _sold(provider, book, row, headings[row.category], owned.get(service_id), *facts)

    _refresh([sold(row, place, pk) for row in usable for place in [places[row.external_id]] for pk in place.services])
    fresh = [row for row in usable if places[row.external_id].is_free and not row.quarantine]
    ids = iter(new_ids("catalog_service", len(fresh)))
    is_shown = provider.new_services != NewServices.HIDDEN
    made = ((*sold(row, places[row.external_id], next(ids)), is_shown, "{}") for row in fresh)
    copy_rows("catalog_service", [*Sold._fields, "is_visible", "pins"], made)


def _places(provider_id: int, external_ids: list[str]) -> dict[str, Place]:
    """The place of each id at the provider."""
    places: dict[str, Place] = {}
    if not external_ids:
        return places
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [provider_id, external_ids])
        for external_id, source_id, service_id, is_wanted in cursor.fetchall():
            place = places.setdefault(external_id, Place(source_id, [], is_wanted))
            if service_id is not None:
                place.services.append(service_id)
    return places


def _refresh(rows: list[Sold]) -> None:
    if rows:
        stage_rows("sold", "catalog_service", Sold._fields, rows)
        with connection.cursor() as cursor:
            cursor.execute(_REFRESH)


def republish(provider: Provider, external_ids: Iterable[str]) -> None:
    """The same from the rows stored, after the owner accepted, pinned or renamed something. ``provider`` is locked."""
    rows = list(ProviderService.objects.filter(provider=provider, external_id__in=list(external_ids)))
    publish(provider, rows, headings_for_rows(provider, rows))


def _is_usable(row: Source) -> bool:
    return not row.quarantine or is_only_a_jump(row.quarantine)


def _owned(provider: Provider, places: dict[str, Place]) -> dict[int, Service]:
    """The services that keep something of their own, by id."""
    ids = [pk for place in places.values() for pk in place.services]
    if not ids:
        return {}
    theirs = Service.objects.filter(source__provider=provider).select_related("category")
    # Thousands of parameters take longer to write down than reading all of the provider's services does.
    if len(ids) < _MANY:
        theirs = theirs.filter(pk__in=ids)
    if not provider.kept_fields:
        theirs = theirs.filter(~Q(pins=[]) | Q(own_price__isnull=False))
    return {service.pk: service for service in theirs}


def _sold(
    provider: Provider,
    book: RuleBook,
    row: Source,
    heading: tuple[int, str],
    own: Service | None,
    source_id: int,
    service_id: int,
) -> Sold:
    category_id, category = heading
    name, description, position = " ".join(row.name.split()), row.description, row.position
    low, high = row.min or 1, row.max or 1
    if own:
        pins = {*own.pins, *provider.kept_fields}
        name = own.name if "name" in pins else name
        description = own.description if "description" in pins else description
        position = own.position if "position" in pins else position
        category_id, category = (own.category_id, own.category.name) if "category" in pins else (category_id, category)
        low, high = _own_limits(own, pins, low, high)
    platform = platform_of(category)
    facts = Facts(
        service_id,
        category_id,
        row.type,
        provider.pk,
        rate_for_price(row.rate, row.held_rate),
        own.own_price if own else None,
    )
    price, rule_id = book.price(facts)
    if platform == OTHER:
        platform = platform_of(category, name)
    words = f"{searchable(name)} {_heading_words(category)} {service_id}"
    # In their order: naming twelve columns for each of ten thousand rows takes as long as a third of their prices.
    return Sold(
        service_id, source_id, name, description, category_id, platform, low, high, price, rule_id, position, words
    )


def _own_limits(own: Service, pins: set[str], low: int, high: int) -> tuple[int, int]:
    """The owner's limits within the provider's; the provider's, where those leave nothing between."""
    least = max(own.min, low) if "min" in pins else low
    most = min(own.max, high) if "max" in pins else high
    return (least, most) if least <= most else (low, high)


def searchable(text: str) -> str:
    """Folded as the search box folds. Word by word, because the words of a price list repeat thousands of times."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(folded for word in text.split() if (folded := _folded(word)))


@lru_cache(maxsize=2048)
def _heading_words(category: str) -> str:
    return searchable(category)


@lru_cache(maxsize=16_384)
def _folded(word: str) -> str:
    return fold(word)
