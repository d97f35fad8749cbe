"""The owner's word on a rate that jumped."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from catalog.locks import locked
from catalog.models import ProviderService
from catalog.reading import is_only_a_jump
from catalog.selling import sell_again


def accept_rates(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Sell the rows whose only fault is a rate that jumped at that rate; which they were.

    Every other reason stands: without a rate, limits or a known type there is nothing an order could be made of.
    """
    with transaction.atomic():
        asked = ProviderService.objects.filter(pk__in=list(ids)).order_by("pk")
        known = {pk: locked(pk) for pk in sorted(set(asked.values_list("provider", flat=True)))}
        rows = [row for row in asked.select_for_update() if is_only_a_jump(row.quarantine)]
        ProviderService.objects.filter(pk__in=[row.pk for row in rows]).update(
            quarantine=[], accepted_rate=F("rate"), changed_at=now
        )
        by_provider = defaultdict(list)
        for row in rows:
            by_provider[row.provider_id].append(row.external_id)
        for provider_id, external_ids in by_provider.items():
            sell_again(known[provider_id], external_ids)
    return rows
