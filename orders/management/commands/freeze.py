from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from core.clock import database_now
from core.staff_actions import record_staff_action, shell_actor
from orders import freezing
from orders.models import ShopState


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
        actor, reason = shell_actor(), options["reason"]
        with transaction.atomic():
            is_new = freezing.freeze(why=reason, now=database_now(), actor=actor.name, is_restored=options["restored"])
            if is_new:
                record_staff_action(actor, "shop.freeze", ShopState.objects.get(pk=1), reason=reason)
        self.stdout.write("The shop is frozen." if is_new else "The shop was frozen already.")
