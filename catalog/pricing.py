"""Cost and price, as pure functions of exact decimals. Nothing here reads the database or the clock."""

from decimal import Decimal

from core.money import divide, multiply, round_up

PER_PACKAGE = "per_package"


def cost_of_unit(rate: Decimal, exchange_rate: Decimal) -> Decimal:
    """What 1,000 (or one package) costs us in the shop's currency, unrounded.

    ``rate`` is in the provider's currency, ``exchange_rate`` in shop currency for one unit of it.
    """
    return multiply(rate, exchange_rate)


def published_price(rate: Decimal, exchange_rate: Decimal, markup_percent: Decimal) -> Decimal:
    """The price shown per 1,000 (or per package), in the shop's currency, rounded up to the quantum once."""
    return round_up(multiply(cost_of_unit(rate, exchange_rate), 1 + divide(markup_percent, 100)))


def charge_for(price: Decimal, quantity: int, unit: str) -> Decimal:
    """What a customer pays, rounded up to the quantum, so that splitting an order is never cheaper.

    ``quantity`` counts all that is delivered (runs × quantity for a drip-feed); for a package it counts packages.
    """
    return round_up(_times(price, quantity, unit))


def cost_for(rate: Decimal, exchange_rate: Decimal, quantity: int, unit: str) -> Decimal:
    """What the provider will charge us, in the shop's currency, rounded up to the quantum."""
    return round_up(_times(cost_of_unit(rate, exchange_rate), quantity, unit))


def provider_charge_for(rate: Decimal, quantity: int, unit: str) -> Decimal:
    """What the provider will charge us, in its own currency, unrounded: it rounds by rules of its own."""
    return _times(rate, quantity, unit)


def _times(amount: Decimal, quantity: int, unit: str) -> Decimal:
    if quantity < 1:
        raise ValueError("A quantity is at least 1.")
    total = multiply(amount, quantity)
    return total if unit == PER_PACKAGE else divide(total, 1000)
