"""What a page says about money before and after an order is placed. The server computes, the browser shows."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import Hold
from orders.models import Order
from orders.placement import Quote


@dataclass(frozen=True)
class QuoteReceipt:
    """A quote beside the customer's balance, in the shop's currency."""

    price: Decimal
    total: int
    charge: Decimal
    balance: Decimal

    @classmethod
    def of(cls, quote: Quote, balance: Decimal) -> "QuoteReceipt":
        return cls(quote.price, quote.wish.total, quote.charge, balance)

    @property
    def shown_charge(self) -> str:
        """The charge as the form sends it back, whatever the page's language."""
        return f"{self.charge:.5f}"

    @property
    def balance_after(self) -> Decimal:
        return self.balance - self.charge

    @property
    def is_affordable(self) -> bool:
        return self.balance >= self.charge

    @property
    def short_of(self) -> Decimal:
        return max(Decimal(0), self.charge - self.balance)

    @property
    def amounts(self) -> list[Decimal]:
        return [self.balance, self.balance_after]


@dataclass(frozen=True)
class OrderMoney:
    """The hold of one order: charged = earned + returned + held, at every moment."""

    charged: Decimal
    earned: Decimal
    returned: Decimal

    @property
    def held(self) -> Decimal:
        return self.charged - self.earned - self.returned

    @property
    def amounts(self) -> list[Decimal]:
        return [self.charged, self.earned, self.returned, self.held]


def money_of(order: Order) -> OrderMoney:
    row = Hold.objects.filter(pk=order.reference).values_list("charged", "earned", "refunded").first()
    return OrderMoney(*row) if row else OrderMoney(order.charge, Decimal(0), order.returned)
