"""What a page says about money before and after an order is placed. The server computes, the browser shows."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.queries import Funds
from catalog.models import Service
from catalog.pricing import charge_for
from core.money import LIMIT
from orders.checkout.quotes import Quote
from orders.pages.receipt_words import Explanation, explained


@dataclass(frozen=True)
class QuoteReceipt:
    """A quote with the customer's money, in the shop's currency; a visitor has none.

    Without ``words`` it is not whole: the fields say how much, and some other one is missing or wrong. Nothing can be
    placed from it.
    """

    price: Decimal
    total: int
    charge: Decimal
    funds: Funds | None
    words: Explanation | None = None

    @classmethod
    def of(cls, quote: Quote, service: Service, *, funds: Funds | None, now: datetime) -> "QuoteReceipt":
        """Return the receipt of ``quote``; ``service`` is the page's own row of it."""
        return cls(quote.price, quote.fields.total, quote.charge, funds, explained(quote, service, now=now))

    @classmethod
    def so_far(cls, service: Service, total: int, *, funds: Funds | None) -> "QuoteReceipt | None":
        """Return what ``total`` costs while the fields are not complete; None beyond what can be sold."""
        price = service.shown_price
        charge = charge_for(price, total, service.unit) if price is not None else LIMIT
        return None if price is None or charge >= LIMIT else cls(price, total, charge, funds)

    @property
    def is_whole(self) -> bool:
        return self.words is not None

    @property
    def shown_charge(self) -> str:
        """The charge as the form sends it back, whatever the page's language."""
        return f"{self.charge:.5f}"

    @property
    def balance_after(self) -> Decimal:
        return (self.funds.balance if self.funds else Decimal(0)) - self.charge

    @property
    def is_affordable(self) -> bool:
        return self.funds is None or self.funds.spendable >= self.charge

    @property
    def can_be_placed(self) -> bool:
        return self.is_whole and self.is_affordable

    @property
    def short_of(self) -> Decimal:
        """What is missing, deposits that are held left out."""
        return Decimal(0) if self.funds is None else max(Decimal(0), self.charge - self.funds.spendable)

    @property
    def amounts(self) -> list[Decimal]:
        return [] if self.funds is None else [self.funds.balance, self.balance_after]
