import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.topups.spent_vouchers import mark_spent
from core.clock import database_now
from core.staff_actions import shell_actor


class Command(BaseCommand):
    help = (
        "After a restore: mark vouchers as spent that were redeemed since the dump. FILE holds lines of the shop's log "
        "(other lines are passed over); - reads them from the standard input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, now = shell_actor(), database_now()
        try:
            if options["file"] == "-":
                done = mark_spent(sys.stdin, actor=actor, now=now)
            else:
                with Path(options["file"]).open(encoding="utf-8", errors="replace") as lines:
                    done = mark_spent(lines, actor=actor, now=now)
        except OSError as problem:
            raise CommandError(f"{options['file']} cannot be read: {problem.strerror}") from problem
        self.stdout.write(f"{done.new} vouchers are marked as spent, {done.known} were known as redeemed.")
        if done.unknown:
            self.stdout.write(f"{done.unknown} are of batches that were made after the dump: their codes work no more.")
        if done.unread:
            self.stdout.write(
                f"{done.unread} lines name a voucher and were passed over, because they do not begin as the shop "
                "writes them. Requests can make such lines. If they have a prefix of something that collects logs, "
                "give them without it: docker compose logs --no-log-prefix, journalctl -o cat."
            )
