"""Comparing each provider's account with ours: an hour after the last time, or as soon after it as it is quiet."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from catalog.models import Provider
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders.books import balance, order_costs, orphans
from orders.models import ReconciliationSchedule
from upstream.errors import Unavailable

log = logging.getLogger(__name__)

#: After this many seconds no further provider is claimed; the rest keeps its turn in the next round.
_ENOUGH = 10
#: The first repeat comes this part of the interval after a reading that was not quiet, each later one twice as late.
_FIRST_PAUSE = 60


def reconcile_due(*, now: datetime) -> int:
    """Compare the account at every provider whose time has come, the longest overdue first; return how many."""
    # 1. Every active provider has a schedule.
    without = Provider.objects.filter(is_active=True).exclude(pk__in=ReconciliationSchedule.objects.values("provider"))
    ReconciliationSchedule.objects.bulk_create(
        [ReconciliationSchedule(provider_id=pk, next_at=now) for pk in without.values_list("pk", flat=True)],
        ignore_conflicts=True,
    )
    # 2. One after the other.
    started, compared = elapsed_clock(), 0
    while elapsed_clock() - started < _ENOUGH and (schedule := _claim(now)):
        compared += 1
        with contained(f"reconciling the account at provider {schedule.provider_id}"):
            reconcile(schedule.provider, now=database_now())
    return compared


def reconcile(provider: Provider, *, now: datetime) -> None:
    """Read and compare once. A provider that does not answer is asked again after pauses that grow."""
    orphans.close_attached(provider, now=now)
    orphans.update_suspects(provider, now=now)
    order_costs.check_orders(provider, shop_currency=settings.SHOP_CURRENCY, now=now)
    schedule = ReconciliationSchedule.objects.filter(provider=provider)
    schedule.update(checked_at=now)
    try:
        reading = balance.read(provider, now=now)
    except (Unavailable, SecretUnreadable) as failure:
        log.info("the balance of provider %s could not be read (%s)", provider.pk, type(failure).__name__)
        reading = None
    interval = float(settings.RECONCILE_SECONDS)
    if reading is not None and reading.is_quiet:
        schedule.update(next_at=now + timedelta(seconds=interval), tries=0)
        return
    tries = schedule.values_list("tries", flat=True).first() or 0
    pause = min(interval, interval / _FIRST_PAUSE * 2.0 ** min(tries, 10))
    schedule.update(next_at=now + timedelta(seconds=pause), tries=tries + 1)


def _claim(now: datetime) -> ReconciliationSchedule | None:
    """Claim one due provider by moving its schedule on, so that two never ask at once; None if nothing is due.

    A process that dies leaves it due again.
    """
    with transaction.atomic():
        due = ReconciliationSchedule.objects.select_for_update(skip_locked=True, of=("self",))
        due = due.select_related("provider").filter(next_at__lte=now, provider__is_active=True)
        schedule = due.order_by("next_at", "pk").first()
        if schedule is not None:
            lease = now + timedelta(seconds=settings.READ_DEADLINE_SECONDS + 60)
            ReconciliationSchedule.objects.filter(pk=schedule.pk).update(next_at=lease)
    return schedule
