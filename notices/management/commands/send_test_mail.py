from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from core.clock import database_now
from core.shop_settings import shop_settings
from core.staff_actions import record_staff_action, shell_actor
from notices.models import Outbox
from notices.outbox import message_id, render
from notices.transport import AddressRefused, MailFailed, RefusedByPolicy, ServerFailed, describe, is_missing, transport


class Command(BaseCommand):
    help = "Send a mail to an address at once, past the outbox, and print what the mail server answered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address")

    def handle(self, *args: Any, **options: Any) -> None:
        address = options["address"]
        try:
            validate_email(address)
        except ValidationError:
            raise CommandError(f"“{address[:100]}” is not an e-mail address.") from None
        if is_missing():
            raise CommandError("EMAIL_URL is not set: there is no mail server to ask. See .env.example.")
        mail = Outbox(
            to=address,
            template="notices/email/test",
            language=settings.LANGUAGE_CODE,
            data={},
            message_id=message_id(),
            queued_at=database_now(),
        )
        record_staff_action(shell_actor(), "mail.test", shop_settings(), after={"to": address})
        self.stdout.write(f"Sending by {describe()}, from {settings.DEFAULT_FROM_EMAIL} …")
        try:
            with transport() as server:
                answer = server.deliver(render(mail))
        except AddressRefused as problem:
            raise CommandError(f"The server takes mail from us, but not for {address}: {problem}") from problem
        except (ServerFailed, RefusedByPolicy) as problem:
            raise CommandError(
                f"The server is away or refuses us: {problem}. Check EMAIL_URL (host, port, user, password) and "
                "DEFAULT_FROM_EMAIL."
            ) from problem
        except MailFailed as problem:
            raise CommandError(f"The server did not take this mail: {problem}") from problem
        self.stdout.write(f"The server took the mail: {answer}. Look into the mailbox, and into its spam folder.")
