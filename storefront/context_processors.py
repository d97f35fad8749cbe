"""Context of every page: facts of the shop, its own pages, and a customer's balance, holds and open orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, DecimalField, F, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from billing.models import Account, Hold
from billing.topups.holding import Later, later_of
from catalog.shop.currency_choice import currency_choice
from core.clock import database_now
from core.shop_settings import shop_settings
from pages.menu import menu
from support.models import Ticket


@dataclass(frozen=True)
class WalletSummary:
    """Amounts in the shop's currency. ``open_orders`` counts the orders that still hold money.

    ``later`` is what of the balance cannot be spent yet; ``unread_tickets`` counts those with an answer not read yet.
    """

    balance: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    open_orders: int = 0
    later: Sequence[Later] = ()
    unread_tickets: int = 0


def shop(request: HttpRequest) -> dict[str, Any]:
    """``shop``: its settings. The others are read on first use, so that pages without them need no query."""
    # Missing where the middleware did not run.
    facts = getattr(request, "shop", None) or SimpleLazyObject(shop_settings)
    return {
        "shop": facts,
        "shop_currency": settings.SHOP_CURRENCY,
        "currencies": SimpleLazyObject(lambda: currency_choice(request)),
        "own_pages": SimpleLazyObject(menu),
        "wallet": SimpleLazyObject(lambda: wallet_summary(request)),
    }


def wallet_summary(request: HttpRequest) -> WalletSummary:
    customer: User | None = getattr(request, "customer", None)  # missing where the middleware did not run
    if not customer:
        return WalletSummary()
    held = F("charged") - F("earned") - F("refunded")
    open_holds = Hold.objects.filter(wallet__customer=customer, charged__gt=F("earned") + F("refunded"))
    zero = Decimal(0)
    sums = open_holds.aggregate(
        sum=Coalesce(Sum(held), zero, output_field=DecimalField(max_digits=20, decimal_places=5)), n=Count("pk")
    )
    unread = Ticket.objects.filter(customer=customer, is_unread=True).order_by().values("customer")
    own = Account.objects.filter(customer=customer).annotate(
        may_be_held=Q(held_until__gt=Now()), unread=Subquery(unread.values(n=Count("pk")))
    )
    balance, may_be_held, unread_tickets = own.values_list("balance", "may_be_held", "unread").first() or (
        zero,
        False,
        0,
    )
    later = later_of(customer, now=database_now()) if may_be_held else ()
    return WalletSummary(balance, sums["sum"], sums["n"], later, unread_tickets or 0)
