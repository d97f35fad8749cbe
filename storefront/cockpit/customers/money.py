"""A customer's money: the balance as an equation of all movements, what is held, and the profit of 30 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Sum

from accounts.models import User
from billing.models import REFUNDS, Account, Code, Hold, WalletLine
from billing.queries import funds_of
from core.money import EXACT, divide
from orders.facts.days import day_of
from orders.models import CustomerMoneyDay, MoneyState

ZERO = Decimal(0)
#: The movements behind each sum of a wallet, as the trigger that keeps the sums adds them up.
KINDS: Mapping[str, frozenset[str]] = {
    "added": frozenset({Code.CREDIT, Code.TOPUP, Code.BONUS, Code.CHARGEBACK_BACK}),
    "orders": frozenset({Code.HOLD}),
    "refunded": frozenset(REFUNDS),
    "taken": frozenset({Code.DEBIT, Code.CHARGEBACK, Code.BONUS_BACK, Code.TOPUP_REFUND}),
}
#: Profit is that of so many days, today included.
DAYS = 30


@dataclass(frozen=True)
class CustomerMoney:
    """added − orders + refunded − taken = balance, since the wallet was opened; every term is 0 or more.

    ``held`` is what ``open_holds`` open orders hold outside the balance. ``unspendable`` is the part of the balance
    that fresh deposits keep back.
    """

    wallet: int
    frozen_at: datetime | None
    balance: Decimal
    unspendable: Decimal
    held: Decimal
    open_holds: int
    added: Decimal = ZERO
    orders: Decimal = ZERO
    refunded: Decimal = ZERO
    taken: Decimal = ZERO


@dataclass(frozen=True)
class CustomerProfit:
    """What the orders that ended in the last 30 days earned and cost, as far as money is counted: until ``until``."""

    revenue: Decimal
    profit: Decimal
    until: datetime | None

    @property
    def margin(self) -> Decimal | None:
        """Profit in percent of revenue; None without revenue."""
        return divide(self.profit * 100, self.revenue) if self.revenue > 0 else None


def money_of_customer(customer: User) -> CustomerMoney:
    """Return the sums of the customer's wallet: four small queries, however long its history is."""
    account = Account.objects.get(customer=customer)
    sums = (
        WalletLine.objects.filter(wallet=account.pk, number=account.lines)
        .values_list("added", "spent", "refunded", "taken")
        .first()
    )
    still_held = Hold.objects.filter(wallet=account.pk, charged__gt=F("earned") + F("refunded")).aggregate(
        sum=Sum(F("charged") - F("earned") - F("refunded")), n=Count("reference")
    )
    return CustomerMoney(
        account.pk,
        account.frozen_at,
        account.balance,
        funds_of(customer).held if account.held_until else ZERO,
        still_held["sum"] or ZERO,
        still_held["n"],
        *(sums or ()),
    )


def profit_of_customer(customer: User, *, now: datetime) -> CustomerProfit:
    """Return what the customer's orders earned in the last days: one look at an index for each day."""
    today = day_of(now)
    days = [today - timedelta(days=n) for n in range(DAYS)]
    sums = CustomerMoneyDay.objects.filter(day__in=days, customer=customer).aggregate(
        earned=Sum("earned"), late=Sum("late_refunds"), cost=Sum("cost")
    )
    revenue = EXACT.subtract(sums["earned"] or ZERO, sums["late"] or ZERO)
    until = MoneyState.objects.values_list("counted_until", flat=True).first()
    return CustomerProfit(revenue, EXACT.subtract(revenue, sums["cost"] or ZERO), until)
