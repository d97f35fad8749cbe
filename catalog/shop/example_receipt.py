"""The example receipt next to the headline, computed with the shop's own arithmetic so that it is always right."""

from dataclasses import dataclass
from decimal import Decimal

from catalog.pricing import charge_for
from core.money import divide, multiply, round_down

ORDERED, DELIVERED = 1000, 843


@dataclass(frozen=True)
class ExampleReceipt:
    ordered: int
    delivered: int
    held: Decimal
    refunded: Decimal
    paid: Decimal

    @property
    def missing(self) -> int:
        return self.ordered - self.delivered

    @property
    def amounts(self) -> list[Decimal]:
        return [self.held, self.refunded, self.paid]


def example_receipt(price: Decimal = Decimal("4.50")) -> ExampleReceipt:
    """1,000 ordered at ``price`` per 1,000, of which 843 arrive: the charge is rounded up, the refund down."""
    held = charge_for(price, ORDERED, "per_1000")
    refunded = round_down(divide(multiply(held, ORDERED - DELIVERED), ORDERED))
    return ExampleReceipt(ORDERED, DELIVERED, held, refunded, held - refunded)
