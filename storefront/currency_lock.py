"""SHOP_CURRENCY never changes once money has moved: every amount in the books is in it, and none names it."""

from django.conf import settings
from django.db import DatabaseError

from billing.models import Transfer
from core.models import ShopSettings


def demand_same_currency() -> None:
    """Stop the process with one line if SHOP_CURRENCY is not the currency that the books are in.

    Until the first transfer the setting may change, and the database follows it. A database that cannot be read, or
    has no tables yet, is left to /readyz.
    """
    try:
        books = ShopSettings.objects.filter(pk=1).values_list("currency", flat=True).first()
        if books in (None, settings.SHOP_CURRENCY):
            return
        if books and Transfer.objects.exists():
            raise SystemExit(
                f"permille cannot start: SHOP_CURRENCY is {settings.SHOP_CURRENCY}, but the books are in {books}. "
                f"Set it back to {books}: it cannot change after the first transfer."
            )
        ShopSettings.objects.filter(pk=1).update(currency=settings.SHOP_CURRENCY)
    except DatabaseError:
        return
