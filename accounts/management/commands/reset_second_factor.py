from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.second_factor import NobodyThere, reset_second_factor
from core.staff_actions import shell_actor


class Command(BaseCommand):
    help = "Remove the second factor of somebody who has lost it, end their sessions, and tell them by mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--reason", required=True, help="kept in the list of staff actions")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reset = reset_second_factor(email=options["email"], actor=shell_actor(), reason=options["reason"])
        except NobodyThere as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(f"factors removed: {reset.factors}, sessions ended: {reset.sessions}")
        self.stdout.write("They sign in with their password now; staff are led to a new second factor.")
