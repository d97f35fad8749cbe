import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.sync.run import AlreadyRunning, sync_provider
from core.clock import database_now


class Command(BaseCommand):
    help = "Take over the price list of one provider, or of every active one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the provider; all active ones without it")
        parser.add_argument("--force", action="store_true", help="also a list that shrank, and rates that jumped")
        parser.add_argument("--json", action="store_true", help="print the syncs as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        runs = [self._sync(provider, options["force"]) for provider in _chosen(options["name"])]
        if options["json"]:
            self.stdout.write(json.dumps([facts(run) for run in runs]))
        else:
            for run in runs:
                self.stdout.write(_sentence(run))
        undone = [run for run in runs if run.state in (SyncState.FAILED, SyncState.REFUSED)]
        if undone:
            raise CommandError("; ".join(f"{run.provider.name}: {run.state}: {run.problem}" for run in undone))

    def _sync(self, provider: Provider, force: bool) -> SyncRun:
        try:
            wait = settings.SYNC_DEADLINE_SECONDS + 30
            return sync_provider(provider, now=database_now(), actor="sync_catalog", force=force, wait_seconds=wait)
        except AlreadyRunning as refusal:
            raise CommandError(str(refusal.message)) from None


def _chosen(name: str | None) -> list[Provider]:
    if name is None:
        return list(Provider.objects.filter(is_active=True))
    found = Provider.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no provider named {name!r}")
    return [found]


def facts(run: SyncRun) -> dict[str, Any]:
    counts = ("received", "added", "changed", "vanished", "returned", "quarantined", "skipped")
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {
        "id": run.pk,
        "provider": run.provider.name,
        "state": str(run.state),
        **{name: getattr(run, name) for name in counts},
        "fields_changed": run.fields_changed,
        "problem": run.problem,
        "seconds": took,
    }


def _sentence(run: SyncRun) -> str:
    return (
        f"{run.provider.name}: {run.state}; {run.received} rows, {run.added} new, {run.changed} changed, "
        f"{run.vanished} gone, {run.returned} back, {run.quarantined} quarantined, {run.skipped} skipped"
    )
