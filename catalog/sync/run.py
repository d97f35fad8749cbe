"""Brings our rows in line with a provider's list: fetch, compare, apply in one transaction, report.

A list that cannot be read, or that would take away too much, changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from catalog.bulk import gc_disabled, refresh_statistics
from catalog.locks import lock_provider
from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncStage, SyncState
from catalog.providers import account, health
from catalog.providers.fetch import NoList, fetch_list
from catalog.sync import report
from catalog.sync.apply import apply_difference
from catalog.sync.csv_report import save_csv_report
from catalog.sync.diff import compare
from core.clock import elapsed_clock
from core.refusals import Refusal
from core.secrets import SecretUnreadable
from notices.alerts import close_alert, raise_alert
from upstream.errors import ProviderFailure
from upstream.messages import ServiceList

#: First key of the advisory lock; the second is the provider's id.
_LOCK = 1_347_569_997
_FIRST_RETRY = timedelta(minutes=5)
#: From so many new services on, the planner is told of them at once.
_MANY = 200


class AlreadyRunning(Refusal):
    code = "sync_running"


def sync_provider(
    provider: Provider,
    *,
    now: datetime,
    actor: str = "",
    force: bool = False,
    wait_seconds: float = 0,
    asked: SyncRun | None = None,
) -> SyncRun:
    """Sync one provider and return the finished SyncRun: applied, unchanged, refused or failed.

    ``force`` applies a list that shrank, and takes rates that jumped. ``asked`` is the run somebody waits
    for. Raises AlreadyRunning when another sync of this
    provider does not end within ``wait_seconds``. Must not run inside a transaction: it waits for the network.
    """
    with _alone(provider, wait_seconds):
        started = elapsed_clock()
        _close_interrupted(provider, now, but=asked)
        run = asked or SyncRun(provider=provider, actor=actor, forced=force)
        run.started_at, run.state = now, SyncState.RUNNING
        run.save()
        try:
            with gc_disabled():
                _take_over(run, provider, now)
        except NoList as problem:
            _fail(run, problem, now)
        except Exception:
            _finish(run, SyncState.FAILED, _("An error of our own stopped this sync; the log has the details."))
            raise
        run.finished_at = now + timedelta(seconds=elapsed_clock() - started)
        run.save()
        _tell(run, now)
        return run


def _take_over(run: SyncRun, provider: Provider, now: datetime) -> None:
    _reach(run, SyncStage.LIST)
    listing = fetch_list(provider)
    _reach(run, SyncStage.ACCOUNT)
    _look_at_account(provider, now)
    _reach(run, SyncStage.APPLYING)
    _apply(run, provider, listing, now=now)


def _reach(run: SyncRun, stage: SyncStage) -> None:
    """Say how far it is, for whoever looks on."""
    run.stage = stage
    run.save(update_fields=["stage"])


def _apply(run: SyncRun, provider: Provider, listing: ServiceList, *, now: datetime) -> None:
    with transaction.atomic():
        fresh = lock_provider(provider.pk)
        found = compare(fresh, listing.entries, trusting=run.forced)
        lines = report.fill(run, listing, found)
        if found.takes_away_too_much and not run.forced:
            share = {"gone": len(found.vanished), "known": found.known}
            run.state = SyncState.REFUSED
            run.problem = _("The list would take away %(gone)d of %(known)d services. Nothing was changed.") % share
        elif found.is_empty:
            run.state = SyncState.UNCHANGED
        else:
            run.state = SyncState.APPLIED
            apply_difference(fresh, found, now=now)
            if run.added >= _MANY:
                refresh_statistics()
        if run.state != SyncState.UNCHANGED:
            save_csv_report(run, lines)
        due = now + timedelta(hours=settings.SYNC_HOURS)
        synced = {} if run.state == SyncState.REFUSED else {"last_synced_at": now}
        Provider.objects.filter(pk=provider.pk).update(next_sync_at=due, **synced)
    health.note_access(provider, now=now)


def _look_at_account(provider: Provider, now: datetime) -> None:
    """The list does not name its currency, the balance does. Without an answer the last comparison stands."""
    try:
        account.read_balance(provider, now=now)
    except (ProviderFailure, SecretUnreadable):
        return


def _fail(run: SyncRun, problem: NoList, now: datetime) -> None:
    run.state, run.problem = SyncState.FAILED, problem.problem[:500]
    retry = now + max(problem.retry_after or timedelta(0), _retry_wait(run))
    Provider.objects.filter(pk=run.provider_id).update(next_sync_at=retry)
    shut_out = health.park_if_shut_out(run.provider_id, problem.error_class, now=now, detail=run.problem)
    if problem.is_outage and not shut_out:
        health.note_outage(run.provider_id, now=now, detail=run.problem)


def _retry_wait(run: SyncRun) -> timedelta:
    """Five minutes after the first failure, doubled with each further one, at most the usual interval."""
    states = SyncRun.objects.filter(provider=run.provider_id).exclude(pk=run.pk).values_list("state", flat=True)[:10]
    failures = next((n for n, state in enumerate(states) if state != SyncState.FAILED), len(states))
    return min(_FIRST_RETRY * 2**failures, timedelta(hours=settings.SYNC_HOURS))


def _tell(run: SyncRun, now: datetime) -> None:
    cause = f"provider:{run.provider_id}:sync"
    if run.state in (SyncState.APPLIED, SyncState.UNCHANGED):
        close_alert(cause=cause, now=now)
        return
    raise_alert(
        cause=cause,
        title=_("The price list of %(name)s was not taken over") % {"name": run.provider.name},
        body=run.problem,
        path=health.provider_admin_path(run.provider_id),
        now=now,
    )


def _close_interrupted(provider: Provider, now: datetime, *, but: SyncRun | None) -> None:
    """Whoever holds the lock knows that a run still called running has died."""
    left = SyncRun.objects.filter(provider=provider, state=SyncState.RUNNING)
    left = left.exclude(pk=but.pk) if but else left
    left.update(state=SyncState.FAILED, finished_at=now, problem=_("This sync was interrupted."))


def _finish(run: SyncRun, state: SyncState, problem: str) -> None:
    SyncRun.objects.filter(pk=run.pk).update(state=state, problem=problem, finished_at=run.started_at)


@contextmanager
def _alone(provider: Provider, wait_seconds: float) -> Iterator[None]:
    """Hold the provider's advisory lock on this session, and no transaction, for as long as the sync takes."""
    if not _lock(provider.pk, wait_seconds):
        raise AlreadyRunning(_("A sync of %(name)s is already running.") % {"name": provider.name})
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, provider.pk])


def _lock(provider_id: int, wait_seconds: float) -> bool:
    with connection.cursor() as cursor:
        if not wait_seconds:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, provider_id])
            return bool(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(wait_seconds * 1000)}ms"])
        try:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK, provider_id])
        except OperationalError:
            return False
        finally:
            cursor.execute("RESET lock_timeout")
    return True
