from typing import Any

from django.core.management.base import BaseCommand

from catalog.models import Provider
from core.clock import database_now
from orders.books import reconciliation
from orders.models import BalanceReading, ReconciliationBreak


class Command(BaseCommand):
    help = "Compare each provider's account with ours now, reading the balance twice, and list what differs."

    def handle(self, *args: Any, **options: Any) -> None:
        for provider in Provider.objects.filter(is_active=True).order_by("name"):
            started_at = database_now()
            for _reading in range(2):
                reconciliation.reconcile(provider, now=database_now())
            reading = BalanceReading.objects.filter(provider=provider, at__gte=started_at).first()
            if reading is None:
                result = "its balance could not be read or not be compared; see its alerts"
            elif not reading.is_quiet:
                result = "not compared: something was sent or charged meanwhile"
            else:
                result = f"reports {reading.amount.normalize():f}, difference {reading.difference.normalize():f}"
            self.stdout.write(f"{provider}: {result}")
        for row in ReconciliationBreak.objects.filter(closed_at=None).select_related("provider", "order"):
            amount = "?" if row.amount is None else f"{row.amount.normalize():f}"
            self.stdout.write(f"{row.provider}: {row}, {amount} {row.currency}, {row.get_state_display()}")
