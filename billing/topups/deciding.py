"""What staff decide about top-ups: credit what came in, or reject it."""

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from billing.models import TopUp, TopUpState
from billing.models.topups import TO_DECIDE, Decision
from billing.topups.applying import apply
from billing.topups.movements import moved_by
from core.frozen import demand_thawed
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action


def waits_for_staff() -> Q:
    """Top-ups that staff decide: a transfer that its customer says was sent, or money that does not fit."""
    # A union, because no index serves an OR of the two: every top-up would be read.
    rows = TopUp.objects.order_by().values("pk")
    sent = rows.filter(state=TopUpState.PENDING, notices__isnull=False)
    return Q(pk__in=sent.union(rows.filter(state__in=TO_DECIDE, decision=Decision.NONE)))


class CannotDecide(Refusal):
    """There is nothing to decide about this top-up, or not like that."""

    code = "cannot_decide"


def decide(*, topup_id: int, accept: bool, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Credit what was received of a top-up that waits for the owner, or reject it; return the top-up.

    What is credited is never more than the top-up asked for. Raises CannotDecide, NoReason, ShopFrozen
    and OverLimit.
    """
    demand_reason(reason)
    demand_thawed()
    with within_limits():
        topup = TopUp.objects.select_for_update().get(pk=topup_id)
        if topup.state not in TO_DECIDE or topup.decision != Decision.NONE:
            raise CannotDecide(_("This top-up does not wait for a decision."))
        if accept and topup.received <= 0:
            raise CannotDecide(
                _("Nothing was received that fits this top-up. Reject it; you can credit the wallet by hand.")
            )
        if not accept and topup.credited:
            raise CannotDecide(_("A part of it was credited already. You can debit the wallet by hand."))
        before = {"state": topup.state, "credited": topup.credited, "received": topup.received}
        bonus_before = moved_by(topup).bonus
        topup.decision = Decision.ACCEPTED if accept else Decision.REJECTED
        topup.why = "" if accept else reason[:300]
        topup.save(update_fields=["decision", "why"])
        topup = apply(topup_id, None, cause=actor.name, now=now)
        action = "topup.accept" if accept else "topup.reject"
        after = {"state": topup.state, "credited": topup.credited}
        record_staff_action(actor, action, topup, reason=reason, before=before, after=after)
        moved = topup.credited - before["credited"] + moved_by(topup).bonus - bonus_before
        take_from_limit(actor, moved, action=action, target=topup)
    return topup


def may_decide(topup: TopUp) -> bool:
    """True while a member of staff has to decide."""
    return topup.state in TO_DECIDE and topup.decision == Decision.NONE
