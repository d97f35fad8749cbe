import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse

from catalog.models import Provider
from catalog.models.provider import NewServices
from catalog.provider_settings import set_up
from catalog.shop.opening import open_all
from core.clock import database_now
from core.staff_actions import SECRET_SET, record_staff_action, shell_actor


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text!r} is not a number") from None


class Command(BaseCommand):
    help = "Add a provider, or change the address, key, currency or markup of the one with this name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--url", required=True, help="API address, used exactly as given")
        parser.add_argument("--key", required=True, help="API key")
        parser.add_argument("--currency", help="currency of the account (new provider: USD)")
        parser.add_argument("--markup", type=_decimal, help="percent added to the cost (new provider: 30)")
        parser.add_argument(
            "--exchange-rate", type=_decimal, help="price of one unit of its currency (new provider: 1)"
        )
        parser.add_argument(
            "--open", action="store_true", help="sell its services at once, at the markup, without a look at the list"
        )
        parser.add_argument("--json", action="store_true", help="print the provider as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {
            "currency": options["currency"],
            "markup_percent": options["markup"],
            "exchange_rate": options["exchange_rate"],
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        if options["open"]:
            chosen["new_services"] = NewServices.SHOWN
        try:
            with transaction.atomic():
                fields = ("url", *chosen)
                before = Provider.objects.filter(name=options["name"]).values(*fields).first()
                provider, is_new = set_up(options["name"], url=options["url"], key=options["key"], **chosen)
                after = {**{field: getattr(provider, field) for field in fields}, "key": SECRET_SET}
                action = "provider.add" if is_new else "provider.change"
                record_staff_action(shell_actor(), action, provider, before=before, after=after)
                if options["open"] and not is_new:
                    open_all(provider, now=database_now())
        except ValidationError as problem:
            wrong = problem.message_dict.items()
            raise CommandError("; ".join(f"{field}: {' '.join(messages)}" for field, messages in wrong)) from None
        if options["json"]:
            facts = {
                "id": provider.pk,
                "name": provider.name,
                "url": provider.url,
                "currency": provider.currency,
                "markup_percent": str(provider.markup_percent),
                "exchange_rate": str(provider.exchange_rate),
                "created": is_new,
            }
            self.stdout.write(json.dumps(facts))
        elif is_new:
            self.stdout.write(f"Provider {provider.name} added.")
            if not options["open"]:
                page = reverse("admin:catalog_provider_open", args=[provider.pk])
                self.stdout.write(f"Its services stay hidden until you choose at {page} what to sell.")
        else:
            self.stdout.write(f"Provider {provider.name} already existed; its settings were updated.")
