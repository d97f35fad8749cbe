"""Exact money: one scale, one rounding.

Amounts of the shop are decimals with five places in the shop's one currency; 0.00001 is the quantum. What a
customer pays is rounded up to it, a refund is rounded down, so that rounding never costs the shop and never
pays anybody twice. A provider's own figures carry more places and are stored as received.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from django.db import models

QUANTUM = Decimal("0.00001")
#: Amounts stay below this in the database too: Postgres lets NaN through ``CHECK (x >= 0)``, as it sorts NaN above
#: all numbers.
LIMIT = Decimal("1000000000000")
#: Zero and that limit, for constraints. With a decimal point Postgres reads them as numeric; without one it reads
#: integers, and converts them in every statement that writes a row.
LEAST, MOST = Decimal("0.0"), Decimal("1000000000000.0")
#: Wide enough that no product of a rate (18 places) and a quantity is rounded before we round it ourselves.
EXACT = Context(prec=80)


def round_up(amount: Decimal) -> Decimal:
    """The smallest multiple of the quantum that is not below ``amount``."""
    return amount.quantize(QUANTUM, rounding=ROUND_CEILING, context=EXACT)


def round_down(amount: Decimal) -> Decimal:
    """The largest multiple of the quantum that is not above ``amount``."""
    return amount.quantize(QUANTUM, rounding=ROUND_FLOOR, context=EXACT)


def nearest_cent(amount: Decimal) -> Decimal:
    """The nearest hundredth, of two as near the even one: for figures that are shown, never for what is posted."""
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN, context=EXACT)


def multiply(a: Decimal, b: Decimal | int) -> Decimal:
    return EXACT.multiply(a, Decimal(b))


def divide(a: Decimal, b: Decimal | int) -> Decimal:
    """A quotient with 80 digits: round it with :func:`round_up` or :func:`round_down` before it is stored."""
    return EXACT.divide(a, Decimal(b))


def is_amount(value: Decimal) -> bool:
    """True if ``value`` can be posted: finite, positive, below the limit, no finer than the quantum."""
    return value.is_finite() and 0 < value < LIMIT and value == round_down(value)


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """An amount of the shop's currency: 15 digits before the point, five after it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 5)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class ProviderAmountField(models.DecimalField):  # type: ignore[type-arg]
    """An amount in a provider's currency, stored as received: up to 18 places."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", 30)
        kwargs.setdefault("decimal_places", 18)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
