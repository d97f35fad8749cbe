"""What a page says about money before and after an order is placed. The server computes, the browser shows."""

from dataclasses import dataclass
from decimal import Decimal

from orders.checkout.quotes import Quote


@dataclass(frozen=True)
class QuoteReceipt:
    """A quote and the customer's balance, in the shop's currency."""

    price: Decimal
    total: int
    charge: Decimal
    balance: Decimal

    @classmethod
    def of(cls, quote: Quote, balance: Decimal) -> "QuoteReceipt":
        return cls(quote.price, quote.fields.total, quote.charge, balance)

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
