"""What staff decide about top-ups: credit what came in, or reject it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import TopUp
from billing.models.topups import TO_DECIDE, Decision
from billing.topups.applying import apply
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action


class CannotDecide(Refusal):
    """There is nothing to decide about this top-up, or not like that."""

    code = "cannot_decide"


def decide(*, topup_id: int, accept: bool, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Credit what was received of a top-up that waits for the owner, or reject it; return the top-up.

    What is credited is never more than the top-up asked for. Raises CannotDecide and NoReason.
    """
    demand_reason(reason)
    with transaction.atomic():
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
        topup.decision = Decision.ACCEPTED if accept else Decision.REJECTED
        topup.why = "" if accept else reason[:300]
        topup.save(update_fields=["decision", "why"])
        topup = apply(topup_id, None, cause=actor.name, now=now)
        action = "topup.accept" if accept else "topup.reject"
        after = {"state": topup.state, "credited": topup.credited}
        record_staff_action(actor, action, topup, reason=reason, before=before, after=after)
    return topup


def may_decide(topup: TopUp) -> bool:
    """True while a member of staff has to decide."""
    return topup.state in TO_DECIDE and topup.decision == Decision.NONE
