"""Ways a price is rounded up, each monotone and never below what it was given. Pure functions of exact decimals."""

from decimal import ROUND_CEILING, Decimal

from core.money import EXACT, QUANTUM, divide, multiply, round_up

QUANTUM_ONLY, STEP, ENDING, DIGITS = "none", "step", "ending", "digits"
#: The highest number of significant digits; a price cannot hold more.
MAX_DIGITS = 15


def rounded(price: Decimal, way: str, value: Decimal) -> Decimal:
    """Return ``price`` rounded up; ``value`` is the step, the ending, or the number of digits, as ``way`` says."""
    if way == STEP:
        return up_to_step(price, value)
    if way == ENDING:
        return up_to_ending(price, value)
    if way == DIGITS:
        return up_to_digits(price, int(value))
    return round_up(price)


def up_to_step(price: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of ``step`` that is not below ``price``."""
    return round_up(multiply(divide(price, step).to_integral_value(ROUND_CEILING, EXACT), step))


def up_to_ending(price: Decimal, ending: Decimal) -> Decimal:
    """Return the smallest price that ends like ``ending``: 1.20 becomes 1.99 for an ending of 0.99.

    A price up to the next power of ten (1 for 0.99) is left as it is: otherwise 0.02 would become 0.99.
    """
    step = own_step(ending)
    if price <= step:
        return round_up(price)
    return EXACT.add(up_to_step(EXACT.subtract(price, ending), step), ending)


def own_step(ending: Decimal) -> Decimal:
    """The next power of ten above an ending: 1 for 0.99."""
    return Decimal(1).scaleb(ending.adjusted() + 1)


def up_to_digits(price: Decimal, digits: int) -> Decimal:
    """Return ``price`` with at most ``digits`` significant digits, and never finer than the quantum."""
    if price <= 0:
        return round_up(price)
    place = max(price.adjusted() - digits + 1, QUANTUM.adjusted())
    cut = price.quantize(Decimal(1).scaleb(place), rounding=ROUND_CEILING, context=EXACT)
    return round_up(cut)
