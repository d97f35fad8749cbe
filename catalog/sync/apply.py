"""Writes what a sync found, in a handful of statements however many rows there are, inside the caller's transaction."""

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.db import connection

from catalog.bulk import copy_rows, new_ids, stage_rows
from catalog.models import Provider
from catalog.models.provider import NewServices
from catalog.service_changes import recording_changes
from catalog.shop.publishing import Place, headings_for_rows, publish
from catalog.sync.diff import Difference
from catalog.sync.reading import ListedService

_TABLE = "catalog_providerservice"
_REASONS = ListedService._fields.index("quarantine")
_SET = ", ".join(f"{name} = heard.{name}" for name in ListedService._fields if name != "external_id")


def apply_difference(provider: Provider, found: Difference, *, now: datetime) -> None:
    """A provider's first list is no news: thousands of services that are all new would bury what customers look for."""
    with nullcontext() if found.is_first else recording_changes([provider.pk], now=now):
        _apply(provider, found, now)


def _apply(provider: Provider, found: Difference, now: datetime) -> None:
    changed = [change.new for change in found.changed]
    headings = headings_for_rows(provider, [*found.fresh, *changed])
    made = _insert(provider, found.fresh, now)
    _update(provider.pk, changed, now)
    _return(provider.pk, found.returned, now)
    _vanish(provider.pk, found.vanished, now)
    written = {row.external_id for row in changed}
    _move(provider.pk, {key: place for key, place in found.moved.items() if key not in written})
    publish(provider, [*found.fresh, *changed], headings, made)


def _insert(provider: Provider, rows: list[ListedService], now: datetime) -> dict[str, Place]:
    """Where the new rows stand, by their ids at the provider."""
    is_wanted = provider.new_services != NewServices.CHOSEN
    ids = new_ids(_TABLE, len(rows))
    columns = ["id", *ListedService._fields, "provider_id", "first_seen_at", "changed_at", "is_wanted"]
    # As text: writing the same moment down twice for each of ten thousand rows takes longer than reading it does.
    rest = (provider.pk, at := now.isoformat(), at, is_wanted)
    copy_rows(_TABLE, columns, ((pk, *_flat(row), *rest) for pk, row in zip(ids, rows, strict=True)))
    return {row.external_id: Place(pk, [], is_wanted) for pk, row in zip(ids, rows, strict=True)}


def _flat(row: ListedService) -> tuple[Any, ...]:
    """With an empty array as the text COPY takes: adapting ten thousand empty lists costs more than reading them."""
    return row if row.quarantine else (*row[:_REASONS], "{}", *row[_REASONS + 1 :])


def _update(provider_id: int, rows: list[ListedService], now: datetime) -> None:
    if not rows:
        return
    stage_rows("heard", _TABLE, ListedService._fields, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_TABLE} AS known SET {_SET}, changed_at = %s FROM heard"  # noqa: S608 (names of our own columns)
            " WHERE known.provider_id = %s AND known.external_id = heard.external_id",
            [now, provider_id],
        )


def _vanish(provider_id: int, ids: list[str], now: datetime) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_providerservice SET vanished_at = %s, changed_at = %s"
                " WHERE provider_id = %s AND external_id = ANY(%s)",
                [now, now, provider_id, ids],
            )


def _return(provider_id: int, ids: list[str], now: datetime) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_providerservice SET vanished_at = NULL, changed_at = %s"
                " WHERE provider_id = %s AND external_id = ANY(%s)",
                [now, provider_id, ids],
            )


def _move(provider_id: int, places: dict[str, int]) -> None:
    """Follow the order of the list: the provider's order is its shop window."""
    if not places:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH moved AS (
                UPDATE catalog_providerservice AS known SET position = place.position
                FROM unnest(%s::text[], %s::int[]) AS place (external_id, position)
                WHERE known.provider_id = %s AND known.external_id = place.external_id
                RETURNING known.id, known.position
            )
            UPDATE catalog_service SET position = moved.position FROM moved
            WHERE catalog_service.source_id = moved.id AND NOT 'position' = ANY(catalog_service.pins)
            """,
            [list(places), list(places.values()), provider_id],
        )
