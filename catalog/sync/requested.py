"""Syncs that somebody asked for: the row waits, a worker is rung for, and the page shows how far it is."""

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
    """Have ``provider`` synced by a worker, or here and now when there is no broker to ring.

    The run that waits already is everybody's. Raises catalog.sync.AlreadyRunning when it is done here and another runs.
    """
    waiting = {"forced": force, "actor": actor, "started_at": now}
    run, _is_new = SyncRun.objects.get_or_create(provider=provider, state=SyncState.REQUESTED, defaults=waiting)
    if force and not run.forced:
        run.forced = True
        run.save(update_fields=["forced"])
    if not _rings():
        _do(run, now)
    return run


def run_requested_syncs(*, now: datetime) -> int:
    """Do the syncs somebody waits for; how many were begun."""
    begun = 0
    while (run := _take()) is not None:
        try:
            _do(run, now)
        except AlreadyRunning:
            continue
        begun += 1
    return begun


def _take() -> SyncRun | None:
    """The next run that waits, taken from its state in one step, so that two workers never do the same one."""
    with transaction.atomic():
        waiting = SyncRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=SyncState.REQUESTED)
        run = waiting.select_related("provider").order_by("started_at").first()
        if run is not None:
            run.state = SyncState.RUNNING
            run.save(update_fields=["state"])
    return run


def _do(run: SyncRun, now: datetime) -> None:
    try:
        sync_provider(run.provider, now=database_now(), actor=run.actor, force=run.forced, asked=run)
    except AlreadyRunning as refusal:
        problem = str(refusal.message)
        SyncRun.objects.filter(pk=run.pk).update(state=SyncState.FAILED, problem=problem, finished_at=now)
        raise


def _rings() -> bool:
    try:
        broker.publish(_DOORBELL)
    except Exception as problem:  # every transport raises classes of its own
        log.warning("no worker could be rung for (%s); the sync is done here", type(problem).__name__)
        return False
    return True
