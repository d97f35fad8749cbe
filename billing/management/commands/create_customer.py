import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.api_keys import create_key
from accounts.customers import is_verified, register_customer
from billing import ledger
from billing.amounts import parse_amount
from billing.queries import balance_of
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import record_staff_action, shell_actor

ACTOR = "manage.py create_customer"


class Command(BaseCommand):
    help = "Create a customer who can sign in at once. A repeat changes nothing and credits nothing again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", help="without it one is generated and printed")
        parser.add_argument("--credit", metavar="AMOUNT", help="money to start with, such as 100.00")
        parser.add_argument(
            "--with-key", action="store_true", help="create and print an API key too; a new one each time"
        )
        parser.add_argument("--json", action="store_true", help="print facts for a script")

    def handle(self, *args: Any, **options: Any) -> None:
        key, credited = None, False
        try:
            amount = parse_amount(options["credit"]) if options["credit"] is not None else None
            with transaction.atomic():
                found = register_customer(email=options["email"], password=options["password"])
                if amount is not None:
                    credited = ledger.credit(
                        customer=found.customer,
                        amount=amount,
                        reason="Opening credit",
                        reference=f"create_customer:{found.customer.pk}",
                        actor=ACTOR,
                    )
                if options["with_key"]:
                    key = create_key(customer=found.customer, name="create_customer", now=database_now()).plain
                if found.is_new or credited or key:
                    what = {"is_new": found.is_new, "credit": amount if credited else None, "key": bool(key)}
                    record_staff_action(shell_actor(), "customer.create", found.customer, after=what)
        except Refusal as refusal:
            raise CommandError(str(refusal.message)) from refusal
        except ledger.KeyReused:
            raise CommandError(
                f"{options['email']} was given an opening credit before, of another amount. Use credit_wallet."
            ) from None
        email, balance, verified = found.customer.email, balance_of(found.customer), is_verified(found.customer)
        if options["json"]:
            facts = {
                "id": found.customer.pk,
                "email": email,
                "created": found.is_new,
                "verified": verified,
                "password": found.password,
                "credited": credited,
                "balance": f"{balance:.5f}",
                **({"api_key": key} if key else {}),
            }
            self.stdout.write(json.dumps(facts))
            return
        lines = [
            f"Created customer {email}."
            if found.is_new
            else f"Customer {email} exists already; the password is unchanged.",
            f"Password: {found.password}" if found.is_new and found.password else "",
            "" if verified else "The address is not verified yet: signing in asks for the code that was mailed.",
        ]
        if amount is not None:
            lines.append(f"Credited {amount:f}." if credited else "The opening credit was given before.")
        if key:
            lines.append(f"API key: {key}")
        self.stdout.write("\n".join(line for line in [*lines, f"Balance: {balance:.5f}"] if line))
