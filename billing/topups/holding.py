"""Holds fresh deposits by the owner's rules, and releases them. An order finds out by itself when the time has come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from accounts.models import User
from billing.models import Account, DepositRule, HeldDeposit, TopUp, Transfer
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action

ZERO = Decimal(0)


class CannotRelease(Refusal):
    """Nothing of this top-up is held."""

    code = "cannot_release"


@dataclass(frozen=True)
class Later:
    """What can be spent from ``at`` on, and not before."""

    at: datetime
    amount: Decimal


def hours_for(topup: TopUp, *, now: datetime) -> int:
    """Return for how many hours what a top-up credits now is held; 0 if no rule fits."""
    fitting = DepositRule.objects.filter(
        Q(method=None) | Q(method=topup.method_id), is_on=True, least__lte=topup.credit_amount
    )
    age = now - topup.customer.date_joined
    return max(
        (r.hours for r in fitting if r.younger_than_days is None or age < timedelta(days=r.younger_than_days)),
        default=0,
    )


def hold_deposit(topup: TopUp, wallet: Account, *, is_credit: bool, now: datetime) -> None:
    """Hold what a top-up left in the wallet if a rule fits its credit, and no more than that after a refund.

    Part of the transaction that posts the transfers of the top-up, under the lock of the wallet: an order that waits
    for the lock sees the hold together with the money. A credit begins the hours anew; what staff released stays so.
    """
    held = HeldDeposit.objects.filter(topup=topup).first()
    hours = hours_for(topup, now=now) if is_credit else 0
    if held is None and not hours:
        return
    until = now + timedelta(hours=hours)
    if held is None:
        held = HeldDeposit(topup=topup, wallet=wallet, until=until, created_at=now)
    held.amount, held.until = _left_of(topup, wallet), max(held.until, until)
    held.save()


def _left_of(topup: TopUp, wallet: Account) -> Decimal:
    """What its transfers brought to the wallet, less what they took back from it."""
    own = Transfer.objects.filter(reference=topup.ledger_reference)
    sums = own.aggregate(came=Sum("amount", filter=Q(target=wallet.pk)), went=Sum("amount", filter=Q(source=wallet.pk)))
    return max(ZERO, (sums["came"] or ZERO) - (sums["went"] or ZERO))


def later_of(customer: User, *, now: datetime) -> list[Later]:
    """Return what the customer cannot spend yet: the earliest first, one entry for each moment."""
    held = HeldDeposit.objects.filter(
        wallet__customer=customer, wallet__held_until__gt=now, released_at=None, until__gt=now, amount__gt=0
    )
    return [Later(at, amount) for at, amount in held.values_list("until").annotate(all=Sum("amount")).order_by("until")]


def can_release(topup: TopUp, *, now: datetime) -> bool:
    """True while something of a top-up cannot be spent."""
    return HeldDeposit.objects.filter(topup=topup, released_at=None, until__gt=now, amount__gt=0).exists()


def release(*, topup_id: int, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Let what is held of a top-up be spent now; return the top-up. Raises CannotRelease and NoReason."""
    demand_reason(reason)
    with transaction.atomic():
        topup = TopUp.objects.select_for_update().get(pk=topup_id)
        if not can_release(topup, now=now):
            raise CannotRelease(_("Nothing of this top-up is held."))
        held = HeldDeposit.objects.get(topup=topup)
        held.released_at = now
        held.save(update_fields=["released_at"])
        before = {"amount": held.amount, "until": held.until}
        record_staff_action(actor, "deposit.release", topup, reason=reason, before=before)
    return topup
