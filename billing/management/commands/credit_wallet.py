import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.customers import find_customer
from billing import ledger
from billing.amounts import parse_amount
from billing.queries import balance_of
from core.refusals import Refusal
from core.staff_actions import record_staff_action, shell_actor

ACTOR = "manage.py credit_wallet"


class Command(BaseCommand):
    help = "Put money into a customer's wallet. With --reference, a repeat credits once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("amount", help="such as 25.00; at most five places")
        parser.add_argument("--reason", required=True, help="shown to the customer on the statement")
        parser.add_argument("--reference", help="names this credit: it is given once, however often the command is run")
        parser.add_argument("--json", action="store_true", help="print facts for a script")

    def handle(self, *args: Any, **options: Any) -> None:
        reference = f"run:{secrets.token_hex(8)}" if options["reference"] is None else options["reference"].strip()
        if not 0 < len(reference) <= 100 or not reference.isprintable():
            raise CommandError("A reference is 1 to 100 printable characters.")
        if not options["reason"].strip():
            raise CommandError("A credit needs a reason.")
        try:
            amount = parse_amount(options["amount"])
            customer = find_customer(options["email"])
            with transaction.atomic():
                is_new = ledger.credit(
                    customer=customer, amount=amount, reason=options["reason"], reference=reference, actor=ACTOR
                )
                if is_new:
                    record_staff_action(
                        shell_actor(), "wallet.credit", customer.wallet, reason=options["reason"],
                        after={"amount": amount, "reference": reference},
                    )  # fmt: skip
        except Refusal as refusal:
            raise CommandError(str(refusal.message)) from refusal
        except ledger.KeyReused:
            raise CommandError(
                f"The reference {reference} was used for another credit. Nothing was credited."
            ) from None
        facts = {
            "email": customer.email,
            "amount": f"{amount:.5f}",
            "reference": reference,
            "credited": is_new,
            "balance": f"{balance_of(customer):.5f}",
        }
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        done = f"Credited {facts['amount']} to" if is_new else f"{reference} was credited before; nothing was added for"
        self.stdout.write(f"{done} {customer.email}.\nBalance: {facts['balance']}")
