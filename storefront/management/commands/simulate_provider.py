"""``manage.py simulate_provider``: run the simulated provider in the foreground."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from upstream.simulator.__main__ import add_arguments, read_options, run


class Command(BaseCommand):
    help = "Run a provider of our own for the demo and for tests. It needs neither database nor broker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(read_options(options))
        except (OSError, ValueError) as problem:
            raise CommandError(f"simulated provider: {problem}") from problem
