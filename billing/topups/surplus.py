"""What came in and was not credited: the owner credits what was paid above, or writes it off."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from billing.models import TopUp, TopUpPayment, TopUpState
from billing.models.topups import TO_DECIDE, Decision
from billing.topups.applying import apply
from billing.topups.reviewing import demand_second
from billing.topups.targets import ZERO, worth
from billing.topups.uncredited import here_of, uncredited_of
from core.frozen import demand_thawed
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action


class NothingLeft(Refusal):
    """Nothing came in that is neither credited, sent back nor written off."""

    code = "nothing_left"


def _here(topup: TopUp) -> Decimal:
    """What came in and is still here, in the payment's currency."""
    rows = TopUpPayment.objects.filter(topup=topup, currency=topup.pay_currency)
    return sum((here_of(row) for row in rows), ZERO)


def uncredited(topup: TopUp) -> Decimal:
    """Return what came in, was neither credited nor sent back and is not written off, in the payment's currency."""
    return uncredited_of(topup, _here(topup))


def paid_above(topup: TopUp) -> Decimal:
    """Return the part of :func:`uncredited` that was paid above what a credited top-up asked for.

    Nothing while the owner has to decide about the top-up: until then nothing more is credited.
    """
    is_whole = topup.credited >= topup.credit_amount and not topup.taken
    return uncredited(topup) if is_whole and topup.state != TopUpState.HELD else ZERO


def credit_surplus(*, topup_id: int, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Credit what was paid above what a top-up asked for, at its own rate; return the top-up.

    Of a transfer that needs two of the staff, one other than ``actor`` has approved it. Raises NothingLeft,
    CannotReview, NoReason, ShopFrozen and OverLimit.
    """
    demand_reason(reason)
    demand_thawed()
    with within_limits():
        topup = TopUp.objects.select_for_update(of=("self",)).select_related("method").get(pk=topup_id)
        more = worth(topup.credit_amount, paid_above(topup), topup.pay_amount)
        if more <= 0 and topup.state == TopUpState.HELD:
            raise NothingLeft(_("Decide about this top-up first: accept or reject it."))
        if more <= 0:
            raise NothingLeft(_("Nothing was paid above what is credited."))
        demand_second(topup, actor, received=topup.received)
        before = topup.credited
        TopUp.objects.filter(pk=topup_id).update(surplus=topup.surplus + more)
        topup = apply(topup_id, None, cause=actor.name, now=now)
        facts = {"credited": topup.credited}
        record_staff_action(actor, "topup.surplus", topup, reason=reason, before={"credited": before}, after=facts)
        take_from_limit(actor, more, action="topup.surplus", target=topup)
    return topup


def write_off(*, topup_id: int, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Leave what came in as it is: it is neither credited nor sent back, and no list shows it; return the top-up.

    A top-up that waits for a decision is rejected by it, and the customer reads the reason. No money moves here: what
    was never credited is not in the books. Raises NothingLeft, NoReason, ShopFrozen and OverLimit.
    """
    demand_reason(reason)
    demand_thawed()
    with within_limits():
        topup = TopUp.objects.select_for_update().get(pk=topup_id)
        left = uncredited(topup)
        if left <= 0:
            raise NothingLeft(_("Everything that came in is credited or sent back."))
        topup.written_off += left
        if topup.state in TO_DECIDE and topup.decision == Decision.NONE and not topup.credited:
            topup.decision, topup.why = Decision.REJECTED, reason[:300]
        topup.save(update_fields=["written_off", "decision", "why"])
        topup = apply(topup_id, None, cause=actor.name, now=now)
        record_staff_action(actor, "topup.write_off", topup, reason=reason, after={"written_off": f"{left:f}"})
        loss = worth(topup.credit_amount, left, topup.pay_amount)
        take_from_limit(actor, loss, action="topup.write_off", target=topup)
    return topup
