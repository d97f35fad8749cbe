import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.api_keys import create_key
from accounts.customers import Registration, is_verified, register_customer
from accounts.models import User
from billing import ledger
from billing.amounts import parse_amount
from billing.queries import balance_of
from core.clock import database_now
from core.refusals import Refusal

ACTOR = "manage.py create_customer"


class Command(BaseCommand):
    help = "Make a customer who can sign in at once. A repeat changes nothing and credits nothing again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", help="without it one is made up and printed")
        parser.add_argument("--credit", metavar="AMOUNT", help="money to start with, such as 100.00")
        parser.add_argument(
            "--with-key", action="store_true", help="make an API key too and print it; each time a new one"
        )
        parser.add_argument("--json", action="store_true", help="print facts for a script")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            amount = parse_amount(options["credit"]) if options["credit"] is not None else None
            with transaction.atomic():
                found = register_customer(email=options["email"], password=options["password"])
                credited = amount is not None and self._credit(found.customer, amount)
                key = self._key(found.customer) if options["with_key"] else None
        except Refusal as refusal:
            raise CommandError(str(refusal.message)) from refusal
        facts = {
            "id": found.customer.pk,
            "email": found.customer.email,
            "created": found.is_new,
            "verified": is_verified(found.customer),
            "password": found.password,
            "credited": credited,
            "balance": f"{balance_of(found.customer):.5f}",
            **({"api_key": key} if key else {}),
        }
        self.stdout.write(json.dumps(facts) if options["json"] else self._words(found, facts, amount))

    def _credit(self, customer: User, amount: Decimal) -> bool:
        try:
            return ledger.credit(
                customer=customer,
                amount=amount,
                reason="Opening credit",
                reference=f"create_customer:{customer.pk}",
                actor=ACTOR,
            )
        except ledger.KeyReused:
            raise CommandError(
                f"{customer.email} was given an opening credit before, of another amount. Use credit_wallet."
            ) from None

    def _key(self, customer: User) -> str:
        return create_key(customer=customer, name="create_customer", now=database_now()).plain

    def _words(self, found: Registration, facts: dict[str, Any], amount: Decimal | None) -> str:
        if found.is_new:
            lines = [f"Created customer {facts['email']}."]
            if found.password:
                lines.append(f"Password: {found.password}")
        else:
            lines = [f"Customer {facts['email']} exists already; the password is unchanged."]
        if not facts["verified"]:
            lines.append("The address is not verified yet: signing in asks for the code that was mailed.")
        if amount is not None:
            lines.append(f"Credited {amount:f}." if facts["credited"] else "The opening credit was given before.")
        if "api_key" in facts:
            lines.append(f"API key: {facts['api_key']}")
        return "\n".join([*lines, f"Balance: {facts['balance']}"])
