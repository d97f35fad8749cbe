"""Brings our rows in line with a provider's list: fetch, compare, apply in one transaction, report.

A list that cannot be read, or that would take away too much, changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
from notices import causes
from notices.alerts import close_alert, raise_alert
from upstream.errors import ProviderFailure
from upstream.messages import ServiceList

#: First key of the advisory lock; the second is the provider's id.
_LOCK = 1_347_569_997
_FIRST_RETRY = timedelta(minutes=5)
#: From this many new services on, the planner's statistics are refreshed at once.
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
    requested: SyncRun | None = None,
) -> SyncRun:
    """Sync one provider; return the finished SyncRun: applied, unchanged, refused or failed.

    ``force`` applies a list that shrank and accepts rates that jumped. ``requested`` is the run somebody waits for.
    Raises AlreadyRunning if another sync of this provider does not end within ``wait_seconds``. Must not run inside a
    transaction: it waits for the network.
    """
    with _alone(provider, wait_seconds):
        started = elapsed_clock()
        # 1. A run still called running has died, since this one holds the lock.
        interrupted = SyncRun.objects.filter(provider=provider, state=SyncState.RUNNING)
        interrupted = interrupted.exclude(pk=requested.pk) if requested else interrupted
        interrupted.update(state=SyncState.FAILED, finished_at=now, problem=_("This sync was interrupted."))
        run = requested or SyncRun(provider=provider, actor=actor, forced=force)
        run.started_at, run.state = now, SyncState.RUNNING
        run.save()
        try:
            with gc_disabled():
                # 2. The list, then the balance: it names the currency of the account, which the list does not.
                _set_stage(run, SyncStage.LIST)
                listing = fetch_list(provider)
                _set_stage(run, SyncStage.ACCOUNT)
                # Without an answer, the last comparison of currencies stands.
                with suppress(ProviderFailure, SecretUnreadable):
                    account.read_balance(provider, now=now)
                # 3. Our rows.
                _set_stage(run, SyncStage.APPLYING)
                _apply(run, provider, listing, now=now)
        except NoList as problem:
            _fail(run, problem, now)
        except Exception:
            problem_text = _("An error in the shop's own software stopped this sync. The log has the details.")
            SyncRun.objects.filter(pk=run.pk).update(state=SyncState.FAILED, problem=problem_text, finished_at=now)
            raise
        run.finished_at = now + timedelta(seconds=elapsed_clock() - started)
        run.save()
        # 4. The owner's alert.
        if run.state in (SyncState.APPLIED, SyncState.UNCHANGED):
            close_alert(causes.SYNC_REFUSED, now=now, provider=run.provider_id)
        else:
            raise_alert(
                causes.SYNC_REFUSED, now=now, provider=run.provider_id, name=run.provider.name, problem=run.problem
            )
        return run


def _set_stage(run: SyncRun, stage: SyncStage) -> None:
    """Store the stage that ``run`` has reached, for its progress page."""
    run.stage = stage
    run.save(update_fields=["stage"])


def _apply(run: SyncRun, provider: Provider, listing: ServiceList, *, now: datetime) -> None:
    """Bring our rows in line with ``listing`` and set the result on ``run``, unsaved, in one transaction."""
    with transaction.atomic():
        current = lock_provider(provider.pk)
        found = compare(current, listing.entries, trusting=run.forced)
        lines = report.write_report(run, listing, found)
        if found.takes_away_too_much and not run.forced:
            share = {"gone": len(found.vanished), "known": found.known}
            run.state = SyncState.REFUSED
            run.problem = _("%(gone)d of %(known)d services are missing from the list. Nothing was changed.") % share
        elif found.is_empty:
            run.state = SyncState.UNCHANGED
        else:
            run.state = SyncState.APPLIED
            apply_difference(current, found, now=now)
            if found.other_products:
                raise_alert(
                    causes.OTHER_PRODUCTS, now=now, provider=provider.pk, name=provider.name, count=found.other_products
                )
            if run.added >= _MANY:
                refresh_statistics()
        if run.state != SyncState.UNCHANGED:
            save_csv_report(run, lines)
        due = now + timedelta(hours=settings.SYNC_HOURS)
        synced = {} if run.state == SyncState.REFUSED else {"last_synced_at": now}
        Provider.objects.filter(pk=provider.pk).update(next_sync_at=due, **synced)
    health.note_access(provider, now=now)


def _fail(run: SyncRun, problem: NoList, now: datetime) -> None:
    """Set the failure on ``run``, unsaved, schedule the retry, and park the provider if it shut us out.

    The retry is due after five minutes, doubled with each further failure in a row, at most the usual interval.
    """
    run.state, run.problem = SyncState.FAILED, problem.problem[:500]
    earlier = SyncRun.objects.filter(provider=run.provider_id).exclude(pk=run.pk)
    states = earlier.values_list("state", flat=True)[:10]
    failures = next((n for n, state in enumerate(states) if state != SyncState.FAILED), len(states))
    wait = min(_FIRST_RETRY * 2**failures, timedelta(hours=settings.SYNC_HOURS))
    retry_at = now + max(problem.retry_after or timedelta(0), wait)
    Provider.objects.filter(pk=run.provider_id).update(next_sync_at=retry_at)
    is_shut_out = health.park_if_shut_out(run.provider_id, problem.error_class, now=now, detail=run.problem)
    if problem.is_outage and not is_shut_out:
        health.note_outage(run.provider_id, now=now, detail=run.problem)


@contextmanager
def _alone(provider: Provider, wait_seconds: float) -> Iterator[None]:
    """Hold the provider's advisory lock on this database session, outside any transaction, during the block.

    Raises AlreadyRunning if the lock is not free within ``wait_seconds``.
    """
    keys = [_LOCK, provider.pk]
    with connection.cursor() as cursor:
        if not wait_seconds:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", keys)
            is_locked = bool(cursor.fetchone()[0])
        else:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(wait_seconds * 1000)}ms"])
            try:
                cursor.execute("SELECT pg_advisory_lock(%s, %s)", keys)
                is_locked = True
            except OperationalError:
                is_locked = False
            finally:
                cursor.execute("RESET lock_timeout")
    if not is_locked:
        raise AlreadyRunning(_("A sync of %(name)s is already running.") % {"name": provider.name})
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)
