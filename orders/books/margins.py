"""What an order cost us and what it left, in the shop's currency. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from core.money import divide, multiply, round_up
from orders.models import Order
from orders.states import Forward

ZERO = Decimal(0)


@dataclass(frozen=True)
class Cost:
    """``is_fact`` when the provider has named its charge; until then the amount is what we expect."""

    amount: Decimal
    is_fact: bool


def cost_of(order: Order) -> Cost:
    """The provider's charge at the exchange rate of the order's day, or the expected cost of what is not refunded.

    A charge in a currency we did not agree on is never computed with.
    """
    if order.forward_state in (Forward.REFUSED, Forward.REFUNDED):
        return Cost(ZERO, is_fact=order.forward_state == Forward.REFUSED)
    is_comparable = order.answered_currency in ("", order.provider_currency)
    if order.provider_charge is not None and order.expected_charge > 0 and is_comparable:
        share = divide(order.provider_charge, order.expected_charge)
        return Cost(round_up(multiply(order.expected_cost, share)), is_fact=True)
    kept = divide(order.net_charge, order.charge)
    return Cost(round_up(multiply(order.expected_cost, kept)), is_fact=False)


def margin_of(order: Order) -> Decimal:
    """What stays with the shop: what the customer pays in the end less what the provider takes."""
    margin: Decimal = order.net_charge - cost_of(order).amount
    return margin
