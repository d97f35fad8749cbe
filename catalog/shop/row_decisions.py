"""The owner's decisions about rows of providers' lists: accept one in quarantine, pass on a fall, import a row."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q

from catalog.locks import lock_provider
from catalog.models import MarkupRule, ProviderService, Service
from catalog.prices.customer_prices import end_fixed_prices
from catalog.quarantine import is_acceptable
from catalog.service_changes import recording_changes
from catalog.shop.headings import headings_for
from catalog.shop.publishing import publish
from core.staff_actions import Actor


class Accepted(NamedTuple):
    """The rows that are sold now, and how many customers' fixed prices ended because they were per another unit."""

    rows: list[ProviderService]
    ended_prices: int


def accept_rows(ids: Iterable[int], *, actor: Actor, now: datetime) -> Accepted:
    """Sell the rows that only need the owner's approval, as they were read.

    That is a rate that jumped, a row that the list names twice, or one that became another product. Where the unit
    changed, what was meant per the other unit ends: the service's own price, its rules with amounts in money, and fixed
    prices of customers. Rows with any other reason stay in quarantine: without a rate, limits or a known type, nothing
    could be ordered. A row that changes later is checked anew.
    """
    ended_prices = 0

    def end_old_prices(rows: list[ProviderService]) -> None:
        nonlocal ended_prices
        of_another_unit = [row.pk for row in rows if row.has_other_unit]
        Service.objects.filter(source__in=of_another_unit).update(own_price=None)
        in_money = Q(fixed__gt=0) | Q(floor__gt=0)
        MarkupRule.objects.filter(in_money, service__source__in=of_another_unit).update(is_active=False)
        ended_prices = end_fixed_prices(of_another_unit, actor=actor)

    accepted = {"quarantine": [], "accepted_rate": F("rate"), "product_before": None}
    rows = _decide(ids, lambda row: is_acceptable(row.quarantine), now, end_old_prices, **accepted)
    return Accepted(rows, ended_prices)


def pass_on_falls(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Price the rows by their present rates where a fall was held back; return those rows."""
    return _decide(ids, lambda row: row.held_rate is not None, now)


def import_rows(ids: Iterable[int], *, now: datetime) -> list[ProviderService]:
    """Make services of rows that were not imported so far; return those rows."""
    return _decide(ids, lambda row: not row.is_wanted, now, is_wanted=True)


def _decide(
    ids: Iterable[int],
    applies: Callable[[ProviderService], bool],
    now: datetime,
    first: Callable[[list[ProviderService]], None] | None = None,
    **columns: Any,
) -> list[ProviderService]:
    """Set ``columns`` on the rows that ``applies`` to, and publish them again; return them as they were.

    ``first`` is called with the locked rows, before anything is written.
    """
    with transaction.atomic():
        asked = ProviderService.objects.filter(pk__in=list(ids)).order_by("pk")
        providers = {pk: lock_provider(pk) for pk in sorted(set(asked.values_list("provider", flat=True)))}
        rows = [row for row in asked.select_for_update() if applies(row)]
        by_provider = defaultdict(list)
        for row in rows:
            by_provider[row.provider_id].append(row)
        headings = {pk: headings_for(pk, [row.category for row in some]) for pk, some in by_provider.items()}
        with recording_changes(providers, now=now):
            if first is not None:
                first(rows)
            decided = ProviderService.objects.filter(pk__in=[row.pk for row in rows])
            decided.update(held_rate=None, changed_at=now, **columns)
            for provider_id, some in by_provider.items():
                fresh = list(ProviderService.objects.filter(pk__in=[row.pk for row in some]))
                publish(providers[provider_id], fresh, headings[provider_id])
    return rows
