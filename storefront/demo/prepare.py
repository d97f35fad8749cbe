"""Bring the demo's shop to its opening state; each step does nothing when it was done before."""

import os

import django
from django.core.management import CommandError, call_command

from storefront.demo.plan import CUSTOMER, OWNER

PROVIDER = "Demo provider"
OPENING_CREDIT = "100.00"


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    _owner(OWNER, os.environ["DEMO_OWNER_PASSWORD"])
    _customer(CUSTOMER, os.environ["DEMO_CUSTOMER_PASSWORD"])
    _provider(os.environ["DEMO_PROVIDER_URL"], os.environ["DEMO_PROVIDER_KEY"])


def _owner(email: str, password: str) -> None:
    from allauth.account.models import EmailAddress
    from django.contrib.auth import get_user_model

    people = get_user_model().objects
    owner = people.filter(email__iexact=email).first() or people.create_superuser(email, password)
    EmailAddress.objects.get_or_create(user=owner, email=email, defaults={"verified": True, "primary": True})
    _open_with(email, password)


def _customer(email: str, password: str) -> None:
    call_command("create_customer", email, "--password", password, "--credit", OPENING_CREDIT)
    _open_with(email, password)


def _open_with(email: str, password: str) -> None:
    """The printed password opens the account, also in a database that another clone's demo has filled."""
    from django.contrib.auth import get_user_model

    person = get_user_model().objects.get(email__iexact=email)
    if not person.check_password(password):
        person.set_password(password)
        person.save(update_fields=["password"])


def _provider(url: str, key: str) -> None:
    from catalog.models import Provider

    known = Provider.objects.filter(name=PROVIDER).first()
    if known is None:
        call_command("add_provider", PROVIDER, "--url", url, "--key", key, "--currency", "USD", "--markup", "30")
    else:
        # It moves with the shop's port, and its key with the clone; it is still the account with the same orders.
        known.url = url
        known.set_key(key)
        known.save(update_fields=["url", "sealed_key"])
    call_command("sync_catalog", PROVIDER)


if __name__ == "__main__":
    try:
        main()
    except CommandError as problem:
        raise SystemExit(str(problem)) from None
