import json
import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from storefront.no_mail import warn_without_mail
from storefront.rounds import work_round


class Command(BaseCommand):
    help = (
        "Do everything that is due: send orders, follow orders and refills, sync catalogs, send mails. "
        "With --loop it runs until stopped, and the shop needs neither Redis nor Celery."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="run every SWEEP_SECONDS until SIGINT or SIGTERM")
        parser.add_argument("--json", action="store_true", help="print each round's counts as one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        self._as_json = options["json"]
        if not options["loop"]:
            done = work_round()
            self._report(done)
            if done["failures"]:
                raise CommandError("a part of the round failed; see the log and the alerts")
            return
        warn_without_mail()
        stop = threading.Event()

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            stop.set()

        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, ask_to_stop)
        while not stop.is_set():
            close_old_connections()
            try:
                self._report(work_round())
            except (OperationalError, InterfaceError) as problem:
                # Postgres may be restarting. All work is in its rows, so waiting is enough.
                connection.close()
                self.stderr.write(f"no connection to the database ({type(problem).__name__}); trying again")
            stop.wait(settings.SWEEP_SECONDS)

    def _report(self, done: dict[str, int]) -> None:
        if self._as_json:
            self.stdout.write(json.dumps(done))
        elif any(done.values()):
            self.stdout.write(", ".join(f"{name} {count}" for name, count in done.items() if count))
        self.stdout.flush()
