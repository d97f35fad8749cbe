from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from accounts.models import User
from core.staff_actions import record_staff_action, shell_actor


class Command(createsuperuser.Command):
    """Django's command, written down as what staff did."""

    def handle(self, *args: Any, **options: Any) -> None:
        known = set(User.objects.filter(is_superuser=True).values_list("pk", flat=True))
        with transaction.atomic():
            super().handle(*args, **options)
            for owner in User.objects.filter(is_superuser=True).exclude(pk__in=known):
                record_staff_action(shell_actor(), "owner.create", owner)
