"""Refunds that staff send themselves, where the gateway has no call for that: sent with a transaction, or put back.

Asking for one has taken the money out of the wallet (:func:`billing.topups.refunding.ask_refund`).
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import PaymentRefund, TopUp
from billing.models.topups import RefundState
from billing.topups.refunding import CannotRefund, put_back
from core.frozen import demand_thawed
from core.refusals import demand_reason
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import close_alert


def mark_sent(*, topup_id: int, refund_id: int, transaction_id: str, actor: Actor, now: datetime) -> PaymentRefund:
    """Record that a refund was sent with a transaction; the customer reads its id. Raises CannotRefund."""
    transaction_id = transaction_id.strip()
    if not transaction_id or "://" in transaction_id or len(transaction_id) > 200:
        raise CannotRefund(_("Write the id of the transaction, without an address, in at most 200 characters."))
    return _settle(topup_id, refund_id, RefundState.DONE, transaction_id, actor=actor, now=now)


def mark_not_sent(*, topup_id: int, refund_id: int, actor: Actor, reason: str, now: datetime) -> PaymentRefund:
    """Put the money of a refund that is not sent back into the wallet. Raises CannotRefund and NoReason."""
    demand_reason(reason)
    return _settle(topup_id, refund_id, RefundState.FAILED, reason.strip(), actor=actor, now=now)


def _settle(
    topup_id: int, refund_id: int, state: RefundState, words: str, *, actor: Actor, now: datetime
) -> PaymentRefund:
    demand_thawed()
    with transaction.atomic():
        topup = TopUp.objects.select_for_update().get(pk=topup_id)
        mine = PaymentRefund.objects.filter(payment__topup=topup, state=RefundState.BY_HAND)
        refund = mine.select_related("payment").filter(pk=refund_id).first()
        if refund is None:
            raise CannotRefund(_("This refund is no longer to be sent by hand."))
        is_sent = state is RefundState.DONE
        refund.state = state
        refund.refund_id, refund.why = (words[:200], "") if is_sent else ("", words[:300])
        refund.save(update_fields=["state", "refund_id", "why"])
        if not is_sent:
            put_back(refund, cause=actor.name, now=now)
        record_staff_action(
            actor,
            "topup.refund_sent" if is_sent else "topup.refund_not_sent",
            topup,
            reason=words[:300],
            after={"amount": refund.amount_text, "payment": refund.payment.payment_id},
        )
        if not mine.exists():
            close_alert(causes.REFUND_TO_SEND, now=now, topup=topup.pk)
    return refund
