"""Makes services of rows of a provider's list and refreshes them, keeping what the owner pinned."""

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
from catalog.shop.platforms import OTHER, platform_of
from catalog.shop.search_text import searchable
from catalog.texts import NAME_LIMIT, readable

_UNCHANGED = Decimal(1)
#: Fields of a service that the owner may keep from following the provider, in `Service.pins`.
PINNABLE = ("name", "description", "category", "min", "max", "position")


class ListRow(Protocol):
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


class StoredRow(NamedTuple):
    """The stored row for a row of a list, and the services made of it: usually one, more after services moved to it."""

    source_id: int
    service_ids: list[int]
    is_wanted: bool

    @property
    def is_unpublished(self) -> bool:
        return self.is_wanted and not self.service_ids


class ServiceColumns(NamedTuple):
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


#: From this many services on, all of a provider's services are read: sending the ids would take longer.
_MANY = 1000
_WRITTEN = ServiceColumns._fields[2:]
_REFRESH = f"""
    UPDATE catalog_service AS s SET {", ".join(f"{name} = fresh.{name}" for name in _WRITTEN)}
    FROM catalog_fresh AS fresh
    WHERE s.id = fresh.id
      AND ({", ".join(f"s.{name}" for name in _WRITTEN)})
          IS DISTINCT FROM ({", ".join(f"fresh.{name}" for name in _WRITTEN)})
"""  # noqa: S608 (names of our own columns)
_STORED_ROWS = """
    SELECT p.external_id, p.id, s.id, p.is_wanted FROM catalog_providerservice AS p
    LEFT JOIN catalog_service AS s ON s.source_id = p.id
    WHERE p.provider_id = %s AND p.external_id = ANY(%s)
"""


def headings_for_rows(provider: Provider, rows: Sequence[ListRow]) -> Headings:
    """Return the headings that :func:`publish` needs for ``rows``. Call it before the rows are written."""
    usable = sorted((row for row in rows if _is_usable(row)), key=lambda row: row.position)
    return headings_for(provider.pk, [row.category for row in usable])


def publish(
    provider: Provider, rows: Sequence[ListRow], headings: Headings, inserted: Mapping[str, StoredRow] | None = None
) -> None:
    """Refresh the services made of ``rows``, and make services of those that have none and may be sold.

    A row without a usable name or limits leaves its service as it was: off sale while in quarantine. ``inserted``
    holds the stored rows that the caller knows already, by their ids at the provider.
    """
    usable = sorted((row for row in rows if _is_usable(row)), key=lambda row: row.position)
    if not usable:
        return
    known = inserted or {}
    stored = {**known, **_stored_rows(provider.pk, [row.external_id for row in usable if row.external_id not in known])}
    customized, book = _customized_services(provider, stored), RuleBook.now([provider])

    def columns(row: ListRow, source_id: int, service_id: int) -> ServiceColumns:
        heading, own = headings[row.category], customized.get(service_id)
        return _service_columns(provider, book, row, heading, own, source_id, service_id)

    # 1. Services that exist.
    existing = [
        columns(row, ours.source_id, service_id)
        for row in usable
        for ours in [stored[row.external_id]]
        for service_id in ours.service_ids
    ]
    if existing:
        stage_rows("catalog_fresh", "catalog_service", ServiceColumns._fields, existing)
        with connection.cursor() as cursor:
            cursor.execute(_REFRESH)
    # 2. New services.
    unpublished = [row for row in usable if stored[row.external_id].is_unpublished and not row.quarantine]
    ids = iter(new_ids("catalog_service", len(unpublished)))
    is_shown = provider.new_services != NewServices.HIDDEN
    made = ((*columns(row, stored[row.external_id].source_id, next(ids)), is_shown, "{}") for row in unpublished)
    copy_rows("catalog_service", [*ServiceColumns._fields, "is_visible", "pins"], made)


def republish(provider: Provider, external_ids: Iterable[str]) -> None:
    """Publish stored rows again, after the owner accepted, pinned or renamed something. ``provider`` is locked."""
    rows = list(ProviderService.objects.filter(provider=provider, external_id__in=list(external_ids)))
    publish(provider, rows, headings_for_rows(provider, rows))


def _is_usable(row: ListRow) -> bool:
    return not row.quarantine or is_only_a_jump(row.quarantine)


def _stored_rows(provider_id: int, external_ids: list[str]) -> dict[str, StoredRow]:
    """The stored rows of these ids at the provider."""
    stored: dict[str, StoredRow] = {}
    if not external_ids:
        return stored
    with connection.cursor() as cursor:
        cursor.execute(_STORED_ROWS, [provider_id, external_ids])
        for external_id, source_id, service_id, is_wanted in cursor.fetchall():
            row = stored.setdefault(external_id, StoredRow(source_id, [], is_wanted))
            if service_id is not None:
                row.service_ids.append(service_id)
    return stored


def _customized_services(provider: Provider, stored: dict[str, StoredRow]) -> dict[int, Service]:
    """The services that keep values of their own, by id: pins, own or adjusted prices, fields that do not follow."""
    ids = [pk for row in stored.values() for pk in row.service_ids]
    if not ids:
        return {}
    services = Service.objects.filter(source__provider=provider).select_related("category")
    if len(ids) < _MANY:
        services = services.filter(pk__in=ids)
    if not provider.kept_fields:
        services = services.filter(~Q(pins=[]) | Q(own_price__isnull=False) | ~Q(price_factor=1))
    return {service.pk: service for service in services}


def _service_columns(
    provider: Provider,
    book: RuleBook,
    row: ListRow,
    heading: tuple[int, str],
    own: Service | None,
    source_id: int,
    service_id: int,
) -> ServiceColumns:
    """The columns of a service made of ``row``, with the values that ``own`` keeps."""
    category_id, category = heading
    name, description, position = readable(row.name, NAME_LIMIT), row.description, row.position
    low, high = row.min or 1, row.max or 1
    if own:
        pins = {*own.pins, *provider.kept_fields}
        name = own.name if "name" in pins else name
        description = own.description if "description" in pins else description
        position = own.position if "position" in pins else position
        category_id, category = (own.category_id, own.category.name) if "category" in pins else (category_id, category)
        # The owner's limits hold within the provider's, unless that leaves no quantity at all.
        own_low = max(own.min, low) if "min" in pins else low
        own_high = min(own.max, high) if "max" in pins else high
        low, high = (own_low, own_high) if own_low <= own_high else (low, high)
    platform = platform_of(category)
    facts = Facts(
        service_id,
        category_id,
        row.type,
        provider.pk,
        rate_for_price(row.rate, row.held_rate),
        own.own_price if own else None,
        own.price_factor if own else _UNCHANGED,
    )
    price, rule_id = book.price(facts)
    if platform == OTHER:
        platform = platform_of(category, name)
    words = f"{searchable(name)} {_category_words(category)} {service_id}"
    # Positional: naming twelve columns for each of ten thousand rows takes a third as long as pricing them.
    return ServiceColumns(
        service_id, source_id, name, description, category_id, platform, low, high, price, rule_id, position, words
    )


_category_words = lru_cache(maxsize=2048)(searchable)
