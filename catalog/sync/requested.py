"""Syncs that somebody requested: the run waits as a row, a worker is woken, and the page shows its progress."""

import logging
from datetime import datetime

from django.db import transaction

from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.sync.run import AlreadyRunning, sync_provider
from core import broker
from core.clock import database_now

log = logging.getLogger(__name__)

_DOORBELL = "catalog.tasks.sync_due"


def request_sync(provider: Provider, *, actor: str, force: bool = False, now: datetime) -> SyncRun:
    """Have ``provider`` synced by a worker, or at once where no broker can be reached; return the run.

    A run that already waits serves this request too. Raises catalog.sync.run.AlreadyRunning if the sync is done here
    while another one runs.
    """
    waiting = {"forced": force, "actor": actor, "started_at": now}
    run, _is_new = SyncRun.objects.get_or_create(provider=provider, state=SyncState.REQUESTED, defaults=waiting)
    if force and not run.forced:
        run.forced = True
        run.save(update_fields=["forced"])
    try:
        broker.publish(_DOORBELL)
        return run
    except Exception as problem:  # every transport raises classes of its own
        log.warning("no worker could be woken (%s); the sync runs here", type(problem).__name__)
    _sync(run, now)
    return run


def run_requested_syncs(*, now: datetime) -> int:
    """Run the syncs that somebody requested; return how many were begun."""
    begun = 0
    while True:
        # Taken out of its state in one step, so that two workers never run the same one.
        with transaction.atomic():
            waiting = SyncRun.objects.select_for_update(skip_locked=True, of=("self",))
            waiting = waiting.filter(state=SyncState.REQUESTED).select_related("provider")
            run = waiting.order_by("started_at").first()
            if run is None:
                return begun
            run.state = SyncState.RUNNING
            run.save(update_fields=["state"])
        try:
            _sync(run, now)
        except AlreadyRunning:
            continue
        begun += 1


def _sync(run: SyncRun, now: datetime) -> None:
    """Run a requested sync. Raises AlreadyRunning after marking the run as failed."""
    try:
        sync_provider(run.provider, now=database_now(), actor=run.actor, force=run.forced, requested=run)
    except AlreadyRunning as refusal:
        problem = str(refusal.message)
        SyncRun.objects.filter(pk=run.pk).update(state=SyncState.FAILED, problem=problem, finished_at=now)
        raise
