"""What a page says about money before and after an order is placed. The server computes, the browser shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.models import Service
from catalog.pricing import charge_for
from core.money import LIMIT
from orders.checkout.quotes import Quote
from orders.pages.receipt_words import Explanation, explained


@dataclass(frozen=True)
class QuoteReceipt:
    """A quote with the customer's balance, in the shop's currency; a visitor has no balance.

    Without ``words`` it is not whole: the fields say how much, and some other one is missing or wrong. Nothing can be
    placed from it.
    """

    price: Decimal
    total: int
    charge: Decimal
    balance: Decimal | None
    words: Explanation | None = None

    @classmethod
    def of(cls, quote: Quote, service: Service, *, balance: Decimal | None, now: datetime) -> "QuoteReceipt":
        """Return the receipt of ``quote``; ``service`` is the page's own row of it."""
        return cls(quote.price, quote.fields.total, quote.charge, balance, explained(quote, service, now=now))

    @classmethod
    def so_far(cls, service: Service, total: int, *, balance: Decimal | None) -> "QuoteReceipt | None":
        """Return what ``total`` costs while the fields are not complete; None beyond what can be sold."""
        price = service.shown_price
        charge = charge_for(price, total, service.unit) if price is not None else LIMIT
        return None if price is None or charge >= LIMIT else cls(price, total, charge, balance)

    @property
    def is_whole(self) -> bool:
        return self.words is not None

    @property
    def shown_charge(self) -> str:
        """The charge as the form sends it back, whatever the page's language."""
        return f"{self.charge:.5f}"

    @property
    def balance_after(self) -> Decimal:
        return (self.balance or Decimal(0)) - self.charge

    @property
    def is_affordable(self) -> bool:
        return self.balance is None or self.balance >= self.charge

    @property
    def can_be_placed(self) -> bool:
        return self.is_whole and self.is_affordable

    @property
    def short_of(self) -> Decimal:
        return Decimal(0) if self.balance is None else max(Decimal(0), self.charge - self.balance)

    @property
    def amounts(self) -> list[Decimal]:
        return [] if self.balance is None else [self.balance, self.balance_after]
