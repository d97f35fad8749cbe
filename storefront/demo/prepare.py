"""Bring the demo's shop to its opening state; each step does nothing if it was done before."""

import os
import secrets
from decimal import Decimal

import django
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from storefront.demo.plan import CUSTOMER, OWNER

PROVIDER = "Demo provider"
OPENING_CREDIT = "100.00"


def main() -> None:
    # 1. The database. Models can be imported only after that.
    django.setup()
    call_command("migrate", interactive=False, verbosity=1)
    from allauth.account.models import EmailAddress

    from accounts.models import User
    from billing.models import PaymentMethod
    from catalog.models import DisplayCurrency, Provider
    from core.models import ShopSettings

    # 2. An owner, and a customer with money.
    owner_password, customer_password = os.environ["DEMO_OWNER_PASSWORD"], os.environ["DEMO_CUSTOMER_PASSWORD"]
    owner = User.objects.filter(email__iexact=OWNER).first() or User.objects.create_superuser(OWNER, owner_password)
    EmailAddress.objects.get_or_create(user=owner, email=OWNER, defaults={"verified": True, "primary": True})
    call_command("create_customer", CUSTOMER, "--password", customer_password, "--credit", OPENING_CREDIT)

    # 3. The doors and the languages. The owner of the demo does not have to press the button.
    ShopSettings.objects.filter(pk=1, opened_at=None).update(opened_at=Now(), languages=["es", "ar"])

    # 4. The passwords that the demo prints, also in a database that another clone's demo has filled.
    for email, password in ((OWNER, owner_password), (CUSTOMER, customer_password)):
        user = User.objects.get(email__iexact=email)
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])

    # 5. The provider and its services, with prices in two more currencies. Its URL changes with the shop's port and its
    # key with the clone, but it is still the account with the same orders.
    url, key = os.environ["DEMO_PROVIDER_URL"], os.environ["DEMO_PROVIDER_KEY"]
    provider = Provider.objects.filter(name=PROVIDER).first()
    if provider is None:
        call_command("add_provider", PROVIDER, "--url", url, "--key", key, "--markup", "30", "--open")
        DisplayCurrency.objects.get_or_create(code="EUR", defaults={"rate": Decimal("0.92")})
        DisplayCurrency.objects.get_or_create(code="INR", defaults={"rate": Decimal("84.3"), "position": 1})
    else:
        provider.url = url
        provider.set_key(key)
        provider.save(update_fields=["url", "sealed_key"])
    call_command("sync_catalog", PROVIDER)

    # 6. A way to pay that takes no real money.
    if not PaymentMethod.objects.exists():
        method = PaymentMethod(gateway="demo", name="Demo payment", arrives="At once", is_on=True)
        method.currency = settings.SHOP_CURRENCY
        method.bonus_percent, method.bonus_from = Decimal(2), Decimal(50)
        method.set_secrets({"signing_key": secrets.token_urlsafe(24)})
        method.save()

    # 7. Tickets, and a month of finished orders, so that services have measured times.
    from storefront.demo.history import add_history
    from storefront.demo.tickets import add_tickets

    add_tickets(User.objects.get(email__iexact=CUSTOMER))
    if count := add_history():
        print(f"Added {count} finished orders of the last month.")


if __name__ == "__main__":
    try:
        main()
    except CommandError as problem:
        raise SystemExit(str(problem)) from None
