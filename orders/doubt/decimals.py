"""How many decimals of a charge a provider shows, learned from orders whose cost we know. Pure."""

from collections.abc import Iterable
from decimal import Decimal

_FINEST = 10
#: Before anything was learned, and for a provider that has shown round amounts only.
_AT_LEAST = 2


def shown_decimals(charges: Iterable[tuple[Decimal, Decimal]]) -> int:
    """Return how many decimals are shown, from pairs of the provider's charge and the charge expected.

    A charge that differs from the expected one by less than a unit of its own last decimal was rounded or cut there;
    one that differs by more has another price, and shows nothing. Too few decimals only make the search more careful.
    """
    rounded, shown = [], _AT_LEAST
    for charge, expected in charges:
        exponent = charge.normalize().as_tuple().exponent
        digits = max(0, -exponent) if isinstance(exponent, int) else 0
        if charge == expected:
            shown = max(shown, digits)
            continue
        finest = next((k for k in range(_FINEST, -1, -1) if abs(charge - expected) < Decimal(1).scaleb(-k)), -1)
        if digits <= finest:
            rounded.append(finest)
    return min(rounded) if rounded else shown
