from typing import Any

from django.core.management.base import BaseCommand

from core.clock import database_now
from orders.profit import upkeep

#: Days counted in one transaction.
BATCH = 5


class Command(BaseCommand):
    help = (
        "Count what the shop earned anew from the ledger, the oldest days first. The shop may go on meanwhile; what an "
        "interruption leaves is counted by the sweep."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        upkeep.rebuild(now=database_now())
        done = 0
        while counted := upkeep.keep_up(now=database_now(), days=BATCH, wait=True):
            done += counted
            self.stdout.write(f"{done} days counted")
        self.stdout.write("What the shop earned is counted up to the last hour.")
