"""Writes what a sync found, in a handful of statements however many rows there are, inside the caller's transaction."""

from contextlib import nullcontext
from datetime import datetime

from django.db import connection

from catalog.bulk import copy_rows, new_ids, stage_rows
from catalog.models import Provider
from catalog.models.provider import NewServices
from catalog.service_changes import recording_changes
from catalog.shop.publishing import StoredRow, headings_for_rows, publish
from catalog.sync.diff import Difference
from catalog.sync.reading import ListedService

_TABLE = "catalog_providerservice"
_QUARANTINE = ListedService._fields.index("quarantine")
_SET = ", ".join(f"{name} = listed.{name}" for name in ListedService._fields if name != "external_id")

_UPDATE = f"""
    UPDATE {_TABLE} AS known SET {_SET}, changed_at = %s FROM listed
    WHERE known.provider_id = %s AND known.external_id = listed.external_id
"""  # noqa: S608 (names of our own columns)
_SET_VANISHED = """
    UPDATE catalog_providerservice SET vanished_at = %s, changed_at = %s
    WHERE provider_id = %s AND external_id = ANY(%s)
"""
# moved: gives rows their new positions in the list; the services made of them follow, except pinned positions.
_MOVE = """
    WITH moved AS (
        UPDATE catalog_providerservice AS known SET position = place.position
        FROM unnest(%s::text[], %s::int[]) AS place (external_id, position)
        WHERE known.provider_id = %s AND known.external_id = place.external_id
        RETURNING known.id, known.position
    )
    UPDATE catalog_service SET position = moved.position FROM moved
    WHERE catalog_service.source_id = moved.id AND NOT 'position' = ANY(catalog_service.pins)
"""


def apply_difference(provider: Provider, found: Difference, *, now: datetime) -> None:
    """Write ``found`` into the provider's rows and bring its services in line with them.

    A provider's first list is not recorded as updates: thousands of new services would bury the few changes that
    customers look for.
    """
    changed = [change.new for change in found.changed]
    with nullcontext() if found.is_first else recording_changes([provider.pk], now=now):
        # 1. Headings, while rows and services still agree on which category stands under which heading.
        headings = headings_for_rows(provider, [*found.fresh, *changed])
        # 2. New and changed rows.
        inserted = _insert(provider, found.fresh, now)
        if changed:
            stage_rows("listed", _TABLE, ListedService._fields, changed)
        written = {row.external_id for row in changed}
        moved = {external_id: place for external_id, place in found.moved.items() if external_id not in written}
        with connection.cursor() as cursor:
            if changed:
                cursor.execute(_UPDATE, [now, provider.pk])
            # 3. Rows that returned, that vanished, and that only moved within the list.
            if found.returned:
                cursor.execute(_SET_VANISHED, [None, now, provider.pk, found.returned])
            if found.vanished:
                cursor.execute(_SET_VANISHED, [now, now, provider.pk, found.vanished])
            if moved:
                cursor.execute(_MOVE, [list(moved), list(moved.values()), provider.pk])
        # 4. The services made of new and changed rows.
        publish(provider, [*found.fresh, *changed], headings, inserted)


def _insert(provider: Provider, rows: list[ListedService], now: datetime) -> dict[str, StoredRow]:
    """COPY new rows in; return them by their ids at the provider."""
    is_wanted = provider.new_services != NewServices.CHOSEN
    ids = new_ids(_TABLE, len(rows))
    columns = ["id", *ListedService._fields, "provider_id", "first_seen_at", "changed_at", "is_wanted"]
    # As text: formatting the same moment for each of ten thousand rows takes longer than reading them does.
    rest = (provider.pk, at := now.isoformat(), at, is_wanted)
    # An empty array goes in as the text that COPY takes, for the same reason.
    copied = (
        (pk, *(row if row.quarantine else (*row[:_QUARANTINE], "{}", *row[_QUARANTINE + 1 :])), *rest)
        for pk, row in zip(ids, rows, strict=True)
    )
    copy_rows(_TABLE, columns, copied)
    return {row.external_id: StoredRow(pk, [], is_wanted) for pk, row in zip(ids, rows, strict=True)}
