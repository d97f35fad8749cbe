"""Bring the demo's shop to its opening state; each step does nothing when it was done before."""

import os

import django
from django.core.management import call_command

from storefront.demo.plan import CUSTOMER, OWNER

PROVIDER = "Demo provider"
OPENING_CREDIT = "100.00"


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    _people()
    _provider()


def _people() -> None:
    from django.contrib.auth import get_user_model

    people = get_user_model().objects
    if not people.filter(email__iexact=OWNER).exists():
        people.create_superuser(OWNER, os.environ["DEMO_OWNER_PASSWORD"])
    if not people.filter(email__iexact=CUSTOMER).exists():
        call_command("create_customer", CUSTOMER, "--password", os.environ["DEMO_CUSTOMER_PASSWORD"])
    # The reference makes the credit once, however often the demo starts.
    credit = ["--reason", "Opening credit of the demo", "--reference", "demo-opening-credit"]
    call_command("credit_wallet", CUSTOMER, OPENING_CREDIT, *credit)


def _provider() -> None:
    from catalog.models import Provider

    url = os.environ["DEMO_PROVIDER_URL"]
    known = Provider.objects.filter(name=PROVIDER).first()
    if known is None:
        key = os.environ["DEMO_PROVIDER_KEY"]
        call_command("add_provider", PROVIDER, "--url", url, "--key", key, "--currency", "USD", "--markup", "30")
    elif known.url != url:
        # The simulated provider moves with the shop's port; it is still the same account with the same orders.
        known.url = url
        known.save(update_fields=["url"])
    call_command("sync_catalog", PROVIDER)


if __name__ == "__main__":
    main()
