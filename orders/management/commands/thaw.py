from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.models import Provider
from core.clock import database_now
from core.refusals import Refusal
from core.secrets import SecretUnreadable
from core.staff_actions import shell_actor
from orders.thawing import thaw
from orders.thawing.scan import ScanFailed


class Command(BaseCommand):
    help = (
        "Let orders leave a frozen shop again. After a restore each provider is scanned first: give the number of your "
        "newest order from the provider's own panel. Without --provider the shop itself is thawed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True)
        parser.add_argument("--provider", help="its name in this shop")
        parser.add_argument("--recent-order-id", help="your newest order in the provider's own panel")
        parser.add_argument("--first-order-id", help="an order of yours to start from, when the shop knows none")
        parser.add_argument(
            "--nothing-proven",
            action="store_true",
            help="scan nothing: every order that came back stays in doubt, for a person to decide",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["provider"]:
                self._thaw_provider(options)
            else:
                thaw.thaw(actor=shell_actor(), reason=options["reason"], now=database_now())
                self.stdout.write("The shop is thawed: orders leave again.")
        except (Refusal, ScanFailed, SecretUnreadable) as problem:
            raise CommandError(str(problem)) from problem

    def _thaw_provider(self, options: dict[str, Any]) -> None:
        provider = Provider.objects.filter(name=options["provider"]).first()
        if provider is None:
            raise CommandError(f"There is no provider {options['provider']!r}.")
        recent = options["recent_order_id"]
        if (recent is None) != options["nothing_proven"]:
            raise CommandError("Give either --recent-order-id or --nothing-proven.")
        done = thaw.thaw_provider(
            provider,
            recent_id=recent,
            first_id=options["first_order_id"],
            actor=shell_actor(),
            reason=options["reason"],
            now=database_now(),
        )
        for found in done.unknown:
            charge = "?" if found.charge is None else f"{found.charge.normalize():f}"
            self.stdout.write(f"unknown order {found.upstream_id}: charge {charge}, {found.state}")
        self.stdout.write(f"{len(done.absent)} orders are not at the provider and go out again: {_list(done.absent)}")
        self.stdout.write(f"{len(done.doubted)} orders stay in doubt: {_list(done.doubted)}")
        self.stdout.write(f"{len(done.refills)} refills stay in doubt")
        waiting = ", ".join(p.name for p in thaw.waiting_for())
        self.stdout.write(f"Still to scan: {waiting}" if waiting else "Every provider has been scanned: now thaw.")


def _list(numbers: list[int]) -> str:
    return ", ".join(f"#{n}" for n in numbers) or "none"
