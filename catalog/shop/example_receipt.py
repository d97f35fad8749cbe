"""The example receipt beside the headline, worked out with the shop's own arithmetic so that it cannot lie."""

from dataclasses import dataclass
from decimal import Decimal

from catalog.pricing import charge_for
from core.money import divide, multiply, round_down

ORDERED, DELIVERED = 1000, 843


@dataclass(frozen=True)
class ExampleReceipt:
    ordered: int
    delivered: int
    reserved: Decimal
    refunded: Decimal
    paid: Decimal

    @property
    def missing(self) -> int:
        return self.ordered - self.delivered

    @property
    def amounts(self) -> list[Decimal]:
        return [self.reserved, self.refunded, self.paid]


def example_receipt(price: Decimal = Decimal("4.50")) -> ExampleReceipt:
    """1,000 ordered at ``price`` per 1,000, of which 843 arrive: the charge rounded up, what returns rounded down."""
    reserved = charge_for(price, ORDERED, "per_1000")
    refunded = round_down(divide(multiply(reserved, ORDERED - DELIVERED), ORDERED))
    return ExampleReceipt(ORDERED, DELIVERED, reserved, refunded, reserved - refunded)
