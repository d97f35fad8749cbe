"""Cost and price, as pure functions of exact decimals. Nothing here reads the database or the clock."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from catalog.rounding import QUANTUM_ONLY, rounded
from core.money import EXACT, divide, multiply, round_up

PER_PACKAGE = "per_package"
_NOTHING, _UNCHANGED = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Markup:
    """How a price is made of a cost. ``percent`` is of the cost, ``minimum_margin`` a percentage of the price.

    ``fixed`` and ``floor`` are in the shop's currency, per 1,000 (or per package) like the price itself.
    """

    percent: Decimal = _NOTHING
    fixed: Decimal = _NOTHING
    minimum_margin: Decimal = _NOTHING
    floor: Decimal = _NOTHING
    rounding: str = QUANTUM_ONLY
    rounding_value: Decimal = _NOTHING


def rate_for_price(rate: Decimal | None, held_rate: Decimal | None) -> Decimal | None:
    """Return the rate a price is made of: the higher one while the owner holds back a fall; None without a rate."""
    if rate is None or held_rate is None:
        return rate
    return max(rate, held_rate)


def cost_of_unit(rate: Decimal, exchange_rate: Decimal) -> Decimal:
    """Return what 1,000 (or one package) costs us in the shop's currency, unrounded.

    ``rate`` is in the provider's currency, ``exchange_rate`` in shop currency for one unit of it.
    """
    return multiply(rate, exchange_rate)


def price_from(
    cost: Decimal,
    markup: Markup,
    *,
    factor: Decimal = _UNCHANGED,
    group_percent: Decimal = _NOTHING,
    own_price: Decimal | None = None,
) -> Decimal:
    """Return the price per 1,000 (or per package) of what costs ``cost``, rounded up once, as the last step.

    ``factor`` is what the owner's adjustments make of the markup's price. ``own_price`` replaces both.
    ``group_percent`` is added for a customer's group, below zero for a discount. In any case the price is not below
    :func:`lowest_price`.
    """
    lowest = lowest_price(cost, markup)
    if own_price is None:
        wanted = marked_up(cost, markup)
        if factor != 1:
            wanted = EXACT.multiply(wanted, factor)
    elif not group_percent and own_price >= lowest:
        return own_price
    else:
        wanted = own_price
    if group_percent:
        wanted = EXACT.multiply(wanted, _factor(group_percent))
    return rounded(max(wanted, lowest), markup.rounding, markup.rounding_value)


def marked_up(cost: Decimal, markup: Markup) -> Decimal:
    """Return the cost with the percentage and the fixed amount of ``markup``, unrounded."""
    return EXACT.add(EXACT.multiply(cost, _factor(markup.percent)), markup.fixed)


@lru_cache(maxsize=1024)
def _factor(percent: Decimal) -> Decimal:
    return EXACT.add(1, EXACT.divide(percent, 100))


def lowest_price(cost: Decimal, markup: Markup) -> Decimal:
    """Return the lowest price allowed, unrounded: the cost, the floor, or what leaves the minimum margin."""
    least = max(cost, markup.floor)
    if markup.minimum_margin:
        least = max(least, divide(multiply(cost, 100), 100 - markup.minimum_margin))
    return least


def charge_for(price: Decimal, quantity: int, unit: str) -> Decimal:
    """Return what a customer pays, rounded up to the quantum, so that splitting an order is never cheaper.

    ``quantity`` counts everything that is delivered (runs × quantity for a drip-feed), or packages.
    """
    return round_up(_times(price, quantity, unit))


def cost_for(rate: Decimal, exchange_rate: Decimal, quantity: int, unit: str) -> Decimal:
    """Return what the provider will charge us, in the shop's currency, rounded up to the quantum."""
    return round_up(_times(cost_of_unit(rate, exchange_rate), quantity, unit))


def provider_charge_for(rate: Decimal, quantity: int, unit: str) -> Decimal:
    """Return what the provider will charge us, in its own currency, unrounded: it rounds by rules of its own."""
    return _times(rate, quantity, unit)


def _times(amount: Decimal, quantity: int, unit: str) -> Decimal:
    if quantity < 1:
        raise ValueError("A quantity must be at least 1.")
    total = multiply(amount, quantity)
    return total if unit == PER_PACKAGE else divide(total, 1000)
