"""The owner's decisions about rows of providers' lists: accept one in quarantine, pass on a fall, import a row."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from catalog.locks import lock_provider
from catalog.models import ProviderService
from catalog.quarantine import is_acceptable
from catalog.service_changes import recording_changes
from catalog.shop.publishing import republish


def accept_rows(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Sell the rows that only need the owner's approval, as they were read; return those rows.

    That is a rate that jumped, or a row that the list names twice. Rows with any other reason stay in quarantine:
    without a rate, limits or a known type, nothing could be ordered. A row that changes later is checked anew.
    """
    return _decide(ids, lambda row: is_acceptable(row.quarantine), now, quarantine=[], accepted_rate=F("rate"))


def pass_on_falls(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Price the rows by their present rates where a fall was held back; return those rows."""
    return _decide(ids, lambda row: row.held_rate is not None, now)


def import_rows(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Make services of rows that were not imported so far; return those rows."""
    return _decide(ids, lambda row: not row.is_wanted, now, is_wanted=True)


def _decide(
    ids: Iterable[int], applies: Callable[[ProviderService], bool], now: datetime, **columns: Any
) -> list[ProviderService]:
    """Set ``columns`` on the rows that ``applies`` to, and publish them again."""
    with transaction.atomic():
        asked = ProviderService.objects.filter(pk__in=list(ids)).order_by("pk")
        providers = {pk: lock_provider(pk) for pk in sorted(set(asked.values_list("provider", flat=True)))}
        rows = [row for row in asked.select_for_update() if applies(row)]
        by_provider = defaultdict(list)
        for row in rows:
            by_provider[row.provider_id].append(row.external_id)
        with recording_changes(providers, now=now):
            decided = ProviderService.objects.filter(pk__in=[row.pk for row in rows])
            decided.update(held_rate=None, changed_at=now, **columns)
            for provider_id, external_ids in by_provider.items():
                republish(providers[provider_id], external_ids)
    return rows
