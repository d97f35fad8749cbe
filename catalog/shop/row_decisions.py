"""The owner's word on rows in quarantine, and on rates held back."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from catalog.locks import lock_provider
from catalog.models import Provider, ProviderService
from catalog.quarantine import is_acceptable
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish


def accept_rows(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Sell the rows that only wait for the owner's word, as they were read; which they were.

    That is a rate that jumped, or a row that the list names twice. Every other reason stands: without a rate, limits or
    a known type there is nothing an order could be made of. A row that reads otherwise later is judged anew.
    """
    return _decide(ids, lambda row: is_acceptable(row.quarantine), now, quarantine=[], accepted_rate=F("rate"))


def pass_on_falls(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Make prices of the rates as they are, where a fall was held back; which rows that were."""
    return _decide(ids, lambda row: row.held_rate is not None, now)


def import_rows(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Make services of rows nobody had chosen so far; which they were."""
    return _decide(ids, lambda row: not row.is_wanted, now, is_wanted=True)


def _decide(
    ids: Iterable[int], is_meant: Callable[[ProviderService], bool], now: datetime, **columns: Any
) -> list[ProviderService]:
    with transaction.atomic():
        asked = ProviderService.objects.filter(pk__in=list(ids)).order_by("pk")
        known = {pk: lock_provider(pk) for pk in sorted(set(asked.values_list("provider", flat=True)))}
        rows = [row for row in asked.select_for_update() if is_meant(row)]
        with recording_changes(known, now=now):
            _write(known, rows, {"held_rate": None, "changed_at": now, **columns})
    return rows


def _write(known: dict[int, Provider], rows: list[ProviderService], columns: dict[str, Any]) -> None:
    ProviderService.objects.filter(pk__in=[row.pk for row in rows]).update(**columns)
    by_provider = defaultdict(list)
    for row in rows:
        by_provider[row.provider_id].append(row.external_id)
    for provider_id, external_ids in by_provider.items():
        republish(known[provider_id], external_ids)
