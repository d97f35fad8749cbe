"""What a top-up should have moved in all: pure arithmetic, from what came in and what went back.

The core posts only what is missing towards these sums, so that the same readings in any order, any number of times,
move the same money.
"""

from dataclasses import dataclass
from decimal import Decimal

from core.money import divide, multiply, round_down

ZERO = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """What a top-up fixed when it started; ``pay`` is in the payment's currency, the others in the shop's.

    ``surplus`` is what the owner decided to credit above that, of what was paid above ``pay``.
    """

    pay: Decimal
    credit: Decimal
    fee: Decimal
    bonus: Decimal
    surplus: Decimal = ZERO


@dataclass(frozen=True)
class Sums:
    """Amounts of the shop's currency that a top-up moved, or should have moved, in all.

    ``back`` is taken from what was credited, from the wallet or as a loss; ``bonus_back`` and ``fee_back`` likewise.
    """

    credit: Decimal = ZERO
    fee: Decimal = ZERO
    bonus: Decimal = ZERO
    back: Decimal = ZERO
    bonus_back: Decimal = ZERO
    fee_back: Decimal = ZERO


def target(
    terms: Terms, before: Sums, *, received: Decimal, gone: Decimal, takes_less: bool, is_held: bool = False
) -> Sums:
    """Return what should have moved after ``received`` came in and ``gone`` of it went back.

    What was credited stays credited: it is only ever added to, and taken back by ``back``. Less than ``pay`` is
    credited in proportion, if ``takes_less``; more than ``pay`` brings the surplus that the owner decided, and no more.
    A bonus is for a full payment. While the owner has to decide (``is_held``) the credit stays as it is, with the bonus
    of ``terms``, and what goes back is taken of it.
    """
    is_full = received >= terms.pay
    credit, fee, bonus = before.credit, before.fee, before.bonus
    if is_held:
        # ``before.fee`` may be without what was taken back of it; the fee of a part was rounded down as this is.
        fee, bonus = max(fee, _share(terms.fee, credit, terms.credit)), terms.bonus
    elif is_full:
        credit, fee, bonus = terms.credit + terms.surplus, terms.fee, terms.bonus
    elif takes_less:
        credit = max(credit, _share(terms.credit, received, terms.pay))
        fee = max(fee, _share(terms.fee, received, terms.pay))
    left = max(received - gone, ZERO)
    back = credit - min(credit, worth(terms.credit, left, terms.pay)) if gone else ZERO
    bonus_back = bonus - _share(bonus, credit - back, credit) if back else ZERO
    fee_back = fee - min(fee, _share(terms.fee, left, terms.pay)) if back else ZERO
    return Sums(credit, fee, bonus, back, bonus_back, fee_back)


def worth(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """Return ``whole × part ÷ of``, rounded down."""
    return round_down(divide(multiply(whole, part), of))


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """The same, and no more than ``whole``."""
    return min(whole, worth(whole, part, of))
