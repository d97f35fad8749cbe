"""Syncs that are due: requested ones, then providers by the timetable."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.providers import health
from catalog.providers.answer_counts import forget_old_counts
from catalog.providers.claims import claim
from catalog.service_changes import forget_old
from catalog.shop.fingerprint import forget_writes
from catalog.sync.requested import run_requested_syncs
from catalog.sync.run import AlreadyRunning, sync_provider
from core.clock import database_now, elapsed_clock
from core.existence import any_exists

_RUNS_KEPT = timedelta(days=60)
#: After this many seconds no further provider is claimed, so that a slow one does not push the run over its time limit.
_CLAIM_SECONDS = 20
#: Parked for one of these reasons, a provider still sends its list; for any other, a sync would only fail again.
_READABLE = (health.NO_FUNDS, *health.HELD)


def sync_is_due(*, now: datetime) -> bool:
    """Return True if :func:`sync_due` would do anything, so that waking a worker is worthwhile."""
    return any_exists(Provider.objects.filter(_due(now)), SyncRun.objects.filter(state=SyncState.REQUESTED))


def sync_due(*, now: datetime) -> int:
    """Run the requested syncs, then sync due providers, the longest overdue first; return how many were synced."""
    lease = timedelta(seconds=settings.SYNC_DEADLINE_SECONDS + settings.READ_DEADLINE_SECONDS + 60)
    started, synced = elapsed_clock(), run_requested_syncs(now=now)
    while elapsed_clock() - started < _CLAIM_SECONDS and (
        provider := claim(_due(now), "next_sync_at", until=now + lease)
    ):
        try:
            sync_provider(provider, now=database_now(), actor="timetable")
        except AlreadyRunning:
            continue
        synced += 1
    if synced:
        forget_old(now=now)
        forget_writes()
        forget_old_counts(now=now)
        # The newest run of a provider is kept however old it is: its page shows it.
        newest = SyncRun.objects.order_by("provider_id", "-started_at", "-id").distinct("provider_id").values("pk")
        SyncRun.objects.filter(started_at__lt=now - _RUNS_KEPT).exclude(pk__in=newest).delete()
    return synced


def _due(now: datetime) -> Q:
    readable = Q(parked_at=None) | Q(parked_reason__in=_READABLE)
    return readable & Q(is_active=True) & (Q(next_sync_at=None) | Q(next_sync_at__lte=now))
