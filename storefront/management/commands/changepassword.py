from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from accounts.models import User
from core.staff_actions import record_staff_action, shell_actor


class Command(changepassword.Command):
    """Django's command, written down as what staff did."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        with transaction.atomic():
            said: str | None = super().handle(*args, **options)
            # It asks before it changes, and fails if it does not.
            record_staff_action(
                shell_actor(), "person.change_password", User.objects.get_by_natural_key(options["username"])
            )
        return said
