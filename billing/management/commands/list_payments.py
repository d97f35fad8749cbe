from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import is_naive, make_aware

from billing.topups.listing import list_payments
from core.clock import database_now


class Command(BaseCommand):
    help = "After a restore: ask the gateways for their payments since the dump. No money moves by it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", required=True, help='the time of the dump, such as "2026-11-29 03:00"')

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            since = datetime.fromisoformat(options["since"])
        except ValueError as problem:
            raise CommandError('Write the time as "2026-11-29 03:00".') from problem
        since = make_aware(since) if is_naive(since) else since
        for result in list_payments(since=since, now=database_now()):
            if result.problem:
                self.stdout.write(f"{result.method}: {result.problem}.")
                continue
            self.stdout.write(
                f"{result.method}: {result.recorded} recorded, {result.looked_at} of top-ups that are looked at now, "
                f"{result.unknown} unknown."
            )
