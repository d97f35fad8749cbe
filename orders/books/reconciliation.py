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
#: A second reading that might be quiet comes this part of the interval after the first, then ever later.
_GAPS = 60


def reconcile_due(*, now: datetime) -> int:
    """Look at every provider whose time has come, the longest overdue first; how many were looked at."""
    _add_schedules(now)
    started, looked_at = elapsed_clock(), 0
    while elapsed_clock() - started < _ENOUGH and (schedule := _claim(now)):
        looked_at += 1
        with contained(f"reconciling the account at provider {schedule.provider_id}"):
            reconcile(schedule.provider, now=database_now())
    return looked_at


def reconcile(provider: Provider, *, now: datetime) -> None:
    """Read and compare once. A provider that does not answer is asked again, ever later."""
    orphans.close_attached(provider, now=now)
    orphans.look_again(provider, now=now)
    order_costs.check_orders(provider, shop_currency=settings.SHOP_CURRENCY, now=now)
    ReconciliationSchedule.objects.filter(provider=provider).update(checked_at=now)
    try:
        reading = balance.read(provider, now=now)
    except (Unavailable, SecretUnreadable) as failure:
        log.info("the balance of provider %s could not be read (%s)", provider.pk, type(failure).__name__)
        reading = None
    _next_look(provider.pk, is_done=reading is not None and reading.is_quiet, now=now)


def _add_schedules(now: datetime) -> None:
    without = Provider.objects.filter(is_active=True).exclude(pk__in=ReconciliationSchedule.objects.values("provider"))
    ReconciliationSchedule.objects.bulk_create(
        [ReconciliationSchedule(provider_id=pk, next_at=now) for pk in without.values_list("pk", flat=True)],
        ignore_conflicts=True,
    )


def _claim(now: datetime) -> ReconciliationSchedule | None:
    """The row is moved on before the call: a process that dies leaves it due again, and two never ask at once."""
    with transaction.atomic():
        due = ReconciliationSchedule.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
            "provider"
        )
        schedule = due.filter(next_at__lte=now, provider__is_active=True).order_by("next_at", "pk").first()
        if schedule is not None:
            lease = now + timedelta(seconds=settings.READ_DEADLINE_SECONDS + 60)
            ReconciliationSchedule.objects.filter(pk=schedule.pk).update(next_at=lease)
    return schedule


def _next_look(provider_id: int, *, is_done: bool, now: datetime) -> None:
    whole = float(settings.RECONCILE_SECONDS)
    schedule = ReconciliationSchedule.objects.filter(provider=provider_id)
    tries = schedule.values_list("tries", flat=True).first() or 0
    pause = whole if is_done else min(whole, whole / _GAPS * 2.0 ** min(tries, 10))
    schedule.update(next_at=now + timedelta(seconds=pause), tries=0 if is_done else tries + 1)
