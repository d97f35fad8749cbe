"""Prices in another currency than the shop's, for orientation: rounded half up, and never used to charge anything."""

from decimal import ROUND_HALF_UP, Decimal

from catalog.models import DisplayCurrency
from core.money import EXACT, multiply
from core.templatetags.money import symbol_of

#: So many digits that count are shown of a small amount, beyond the currency's own decimals if need be.
LEAST_DIGITS = 2


def converted(amount: Decimal, currency: DisplayCurrency) -> Decimal:
    """Return ``amount`` of the shop's currency in another one, rounded half up to what people read.

    That is to the currency's decimals, or finer where fewer than two digits would count: 0.0032 at 0.92 is 0.0029.
    """
    exact = multiply(amount, currency.rate)
    places = max(currency.decimals, LEAST_DIGITS - 1 - exact.adjusted()) if exact else currency.decimals
    return exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT)


def converted_text(amount: Decimal, currency: DisplayCurrency) -> str:
    """Return ``€1.23``: ``amount`` of the shop's currency as people read it in another one."""
    return f"{symbol_of(currency.code)}{converted(amount, currency):,f}"
