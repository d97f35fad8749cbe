from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.shop_settings import shop_settings
from core.staff_actions import record_staff_action, shell_actor
from storefront.sealed_columns import SEALED_COLUMNS, reseal, unreadable

#: A row may change between its reading and its writing; nothing here changes so often that this is not enough.
PASSES = 5


class Command(BaseCommand):
    help = "Seal every stored secret (providers' keys, second factors, codes in mails) under today's SEALING_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        lost: list[str] = []
        changed: dict[str, int] = {}
        for sealed in SEALED_COLUMNS:
            changed[sealed.name] = 0
            for _ in range(PASSES):
                result = reseal(sealed)
                changed[sealed.name] += result.changed
                # Another pass finds what a process wrote that had read the row before.
                if not result.changed and not result.busy:
                    break
            else:
                raise CommandError(f"{sealed.name} changes all the time. Run this command again.")
            self.stdout.write(
                f"{sealed.name}: {changed[sealed.name]} sealed anew, {result.current} under the key in all."
            )
            lost += [f"{sealed.name} of row {pk}" for pk in unreadable(sealed)] if result.unreadable else []
        if any(changed.values()):
            record_staff_action(shell_actor(), "secrets.reseal", shop_settings(), after=changed)
        if lost:
            raise CommandError(
                f"No key of the environment opens {', '.join(lost[:20])} ({len(lost)} in all). Put the key that sealed"
                " them into SEALING_KEY_FALLBACKS and run this again, or enter them anew. Remove no key until then."
            )
        self.stdout.write(self._what_may_go())

    def _what_may_go(self) -> str:
        kept = " Keep an old key for as long as you keep a backup from before, and apart from it."
        if not settings.SEALING_KEY:
            return (
                "Everything is sealed under SECRET_KEY. SECRET_KEY_FALLBACKS is still needed for signatures, such as"
                " links in mails, until those have expired." + kept
            )
        return (
            "Everything is sealed under SEALING_KEY. Once every process of the shop was restarted with it,"
            " SEALING_KEY_FALLBACKS may go; SECRET_KEY no longer seals anything and can change by itself." + kept
        )
