import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.sync.run import AlreadyRunning, sync_provider
from core.clock import database_now
from core.staff_actions import record_staff_action, shell_actor


class Command(BaseCommand):
    help = "Sync the price list of one provider, or of every active one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="name of the provider (default: all active ones)")
        parser.add_argument("--force", action="store_true", help="accept a list that shrank and rates that jumped")
        parser.add_argument("--json", action="store_true", help="print the syncs as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # 1. The providers.
        name = options["name"]
        providers = list(
            Provider.objects.filter(is_active=True) if name is None else Provider.objects.filter(name=name)
        )
        if name is not None and not providers:
            raise CommandError(f"There is no provider named {name!r}")
        # 2. A sync of each.
        runs = []
        how: dict[str, Any] = {"actor": "sync_catalog", "force": options["force"]}
        how["wait_seconds"] = settings.SYNC_DEADLINE_SECONDS + 30
        for provider in providers:
            if options["force"]:
                record_staff_action(shell_actor(), "provider.force_sync", provider)
            try:
                runs.append(sync_provider(provider, now=database_now(), **how))
            except AlreadyRunning as refusal:
                raise CommandError(str(refusal.message)) from None
        # 3. The report.
        if options["json"]:
            self.stdout.write(json.dumps([facts(run) for run in runs]))
        else:
            for run in runs:
                self.stdout.write(
                    f"{run.provider.name}: {run.state}; {run.received} rows, {run.added} new, {run.changed} changed, "
                    f"{run.vanished} gone, {run.returned} back, {run.quarantined} quarantined, {run.skipped} skipped"
                )
        failed = [run for run in runs if run.state in (SyncState.FAILED, SyncState.REFUSED)]
        if failed:
            raise CommandError("; ".join(f"{run.provider.name}: {run.state}: {run.problem}" for run in failed))


def facts(run: SyncRun) -> dict[str, Any]:
    """Return the figures of a run, to be printed as JSON."""
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
