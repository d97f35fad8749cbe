from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.clock import database_now
from orders import freezing


class Command(BaseCommand):
    help = "Freeze the shop: orders are accepted and followed, and nothing is sent until `thaw`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--restored",
            action="store_true",
            help="the database was restored and the shop did not notice: thaw only after a scan of each provider",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_new = freezing.freeze(
            why=options["reason"], now=database_now(), actor="command", is_restored=options["restored"]
        )
        self.stdout.write("The shop is frozen." if is_new else "The shop was frozen already.")
