"""Cost and price, as pure functions of exact decimals. Nothing here reads the database or the clock."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from catalog.rounding import QUANTUM_ONLY, rounded
from core.money import EXACT, divide, multiply, round_up

PER_PACKAGE = "per_package"
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Markup:
    """How a price is made of a cost. Percentages are of the cost, but the margin, which is a share of the price.

    ``fixed`` and ``floor`` are in the shop's currency, per 1,000 (or per package) like the price itself.
    """

    percent: Decimal = _NOTHING
    fixed: Decimal = _NOTHING
    minimum_margin: Decimal = _NOTHING
    floor: Decimal = _NOTHING
    rounding: str = QUANTUM_ONLY
    rounding_value: Decimal = _NOTHING


def rate_for_price(rate: Decimal | None, held_rate: Decimal | None) -> Decimal | None:
    """The rate a price is computed from: the higher one while the owner holds back a fall; None without a rate."""
    if rate is None or held_rate is None:
        return rate
    return max(rate, held_rate)


def cost_of_unit(rate: Decimal, exchange_rate: Decimal) -> Decimal:
    """What 1,000 (or one package) costs us in the shop's currency, unrounded.

    ``rate`` is in the provider's currency, ``exchange_rate`` in shop currency for one unit of it.
    """
    return multiply(rate, exchange_rate)


def price_from(
    cost: Decimal, terms: Markup, *, group_percent: Decimal = _NOTHING, own_price: Decimal | None = None
) -> Decimal:
    """The price per 1,000 (or per package) of what costs ``cost``, rounded up once, after everything else.

    ``own_price`` stands in place of the markup. ``group_percent`` is added for a customer's group, below zero for a
    discount. Whatever these say, the price is not below the cost, the floor, or what leaves the minimum margin.
    """
    lowest = lowest_price(cost, terms)
    if own_price is None:
        wanted = EXACT.add(EXACT.multiply(cost, _factor(terms.percent)), terms.fixed)
    elif not group_percent and own_price >= lowest:
        return own_price
    else:
        wanted = own_price
    if group_percent:
        wanted = EXACT.multiply(wanted, _factor(group_percent))
    return rounded(max(wanted, lowest), terms.rounding, terms.rounding_value)


@lru_cache(maxsize=1024)
def _factor(percent: Decimal) -> Decimal:
    return EXACT.add(1, EXACT.divide(percent, 100))


def lowest_price(cost: Decimal, terms: Markup) -> Decimal:
    """The lowest price these terms allow, unrounded: the cost, the floor, or what leaves the minimum margin."""
    least = max(cost, terms.floor)
    if terms.minimum_margin:
        least = max(least, divide(multiply(cost, 100), 100 - terms.minimum_margin))
    return least


def published_price(rate: Decimal, exchange_rate: Decimal, markup_percent: Decimal) -> Decimal:
    """The price of a plain percentage: what a provider's own markup makes where no rule says otherwise."""
    return price_from(cost_of_unit(rate, exchange_rate), Markup(percent=markup_percent))


def charge_for(price: Decimal, quantity: int, unit: str) -> Decimal:
    """What a customer pays, rounded up to the quantum, so that splitting an order is never cheaper.

    ``quantity`` counts everything that is delivered (runs × quantity for a drip-feed), or packages.
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
