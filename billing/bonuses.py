"""Bonuses for top-ups: found by the owner's rules when a top-up starts, and given with the credit."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from accounts.models import User
from billing.models import BonusRule, FirstBonus, PaymentMethod, TopUp
from core.money import divide, multiply, round_down

ZERO, HUNDRED = Decimal(0), Decimal(100)


@dataclass(frozen=True)
class Bonus:
    """What a top-up brings besides its amount; ``first`` is the part for a first top-up."""

    amount: Decimal = ZERO
    first: Decimal = ZERO


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """Return so many percent of ``amount``, rounded down."""
    return round_down(divide(multiply(amount, percent), HUNDRED))


def rules_for(method: PaymentMethod) -> list[BonusRule]:
    """Return the rules that are on for ``method``."""
    return list(BonusRule.objects.filter(Q(method=None) | Q(method_id=method.pk), is_on=True))


def bonus_for(method: PaymentMethod, amount: Decimal, *, customer: User | None) -> Bonus:
    """Return the bonus of a top-up of ``amount``: the best of the method's own and the rules', and that for the first.

    Without a customer it is that of everybody, so without the bonus for a first top-up.
    """
    best = percent_of(amount, method.bonus_percent) if amount >= method.bonus_from else ZERO
    first = ZERO
    for rule in rules_for(method):
        if amount < rule.least:
            continue
        given = percent_of(amount, rule.percent)
        given = min(given, rule.most) if rule.most else given
        if rule.is_first:
            first = max(first, given)
        else:
            best = max(best, given)
    if not first or customer is None or not is_first(customer):
        return Bonus(best)
    return Bonus(best + first, first)


def is_first(customer: User) -> bool:
    """True while no top-up of a customer was credited."""
    if FirstBonus.objects.filter(customer=customer).exists():
        return False
    return not TopUp.objects.filter(customer=customer, credited__gt=0, is_gift=False).exists()


def bonus_of(topup: TopUp, *, received: Decimal) -> Decimal:
    """Return the bonus that a top-up gets now, under the lock of its wallet.

    Of several that started with the bonus for a first top-up, the one that is paid first gets it.
    """
    if not topup.first_bonus or received < topup.pay_amount:
        return topup.bonus
    kept, _is_new = FirstBonus.objects.get_or_create(customer_id=topup.customer_id, defaults={"topup": topup})
    return topup.bonus if kept.topup_id == topup.pk else topup.bonus - topup.first_bonus
