"""Making verdicts true: order, attempt, own id and money of one doubt in one transaction, safe to repeat."""

from datetime import datetime
from typing import Any

from django.db import transaction

from notices import causes
from notices.alerts import close_alert, raise_alert
from orders import lifecycle, settlement
from orders.doorbell import FORWARD, ring_on_commit
from orders.forwarding import outcomes
from orders.models import EventKind, ForwardAttempt, Order
from orders.models.repeat import number_named
from orders.states import Forward, Outcome
from orders.verdicts import FOUND_NOT_PLACED
from upstream.messages import AcceptedOrder

_DOUBTFUL = (Forward.IN_DOUBT, Forward.REVIEW)


def placed(attempt_id: int, upstream_id: str, *, how: str, now: datetime, actor: str = "", **proof: Any) -> bool:
    """Record that the attempt placed this id; False if the doubt is closed already, or the id is another order's.

    ``how`` names the evidence, or "person". An order that was refunded meanwhile stays refunded: that is a loss.
    """
    with transaction.atomic():
        order, attempt = _locked(attempt_id)
        if attempt.outcome != Outcome.IN_DOUBT or outcomes.is_ours_already(attempt.provider_id, upstream_id):
            return False
        _resolve(attempt, how, now, actor, proof)
        outcomes.record_accepted(order, attempt, AcceptedOrder(upstream_id), now=now)
        _close_alerts(order, now)
    return True


def not_placed(
    attempt_id: int, *, how: str, now: datetime, actor: str = "", refund: bool = False, **proof: Any
) -> bool:
    """Record that nothing was placed, and queue the order again or refund it.

    False if the doubt is closed already, or a repeat was answered with a number. ``proof`` holds "bracket", or else
    ``actor`` names who decided: the database refuses anything less.
    """
    with transaction.atomic():
        order, attempt = _locked(attempt_id)
        if attempt.outcome != Outcome.IN_DOUBT or number_named(attempt) is not None:
            return False
        _resolve(attempt, how, now, actor, proof)
        ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.NOT_PLACED)
        if order.forward_state in _DOUBTFUL:
            old, detail = Forward(order.forward_state), {"reason": "not placed", "how": how}
            if refund:
                lifecycle.move(
                    order_id=order.pk, old=old, new=Forward.REFUNDED, now=now, kind=EventKind.REFUNDED_UNSENT,
                    detail=detail, actor=actor, next_at=None, finished_at=now,
                    last_refusal=FOUND_NOT_PLACED,
                )  # fmt: skip
                settlement.refund_everything(order, now=now)
            else:
                lifecycle.move(
                    order_id=order.pk, old=old, new=Forward.QUEUED, now=now, kind=EventKind.REQUEUED, detail=detail,
                    actor=actor, next_at=now,
                )  # fmt: skip
                ring_on_commit(FORWARD)
        _close_alerts(order, now)
    return True


def to_review(attempt_id: int, *, reason: str, now: datetime) -> bool:
    """Ask the owner, while the search continues; False if the order is not in doubt any more."""
    with transaction.atomic():
        order, attempt = _locked(attempt_id)
        if order.forward_state != Forward.IN_DOUBT or attempt.outcome != Outcome.IN_DOUBT:
            return False
        evidence = {**attempt.evidence, "review": {"at": now.isoformat(), "because": reason}}
        ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence)
        detail = {"text": "handed to the owner", "because": reason}
        lifecycle.move(
            order_id=order.pk, old=Forward.IN_DOUBT, new=Forward.REVIEW, now=now, kind=EventKind.REMARK, detail=detail
        )
        raise_alert(causes.IN_REVIEW, now=now, provider=order.provider_id, name=order.provider.name)
    return True


def _locked(attempt_id: int) -> tuple[Order, ForwardAttempt]:
    """Lock the order first, as everywhere, so that two transactions about it cannot wait for each other."""
    order_id = ForwardAttempt.objects.values_list("order_id", flat=True).get(pk=attempt_id)
    order = Order.objects.select_for_update(of=("self",)).select_related("provider").get(pk=order_id)
    return order, ForwardAttempt.objects.select_for_update().get(pk=attempt_id)


def _resolve(attempt: ForwardAttempt, how: str, now: datetime, actor: str, proof: dict[str, Any]) -> None:
    evidence = {**attempt.evidence, **proof, "resolved": {"how": how, "at": now.isoformat()}}
    ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence, decided_by=actor or None)


def _close_alerts(order: Order, now: datetime) -> None:
    """Close the provider's alerts once none of its orders is in doubt, or none waits for the owner."""
    others = Order.objects.filter(provider_id=order.provider_id)
    if not others.filter(forward_state__in=_DOUBTFUL).exists():
        close_alert(causes.IN_DOUBT, now=now, provider=order.provider_id)
    if not others.filter(forward_state=Forward.REVIEW).exists():
        close_alert(causes.IN_REVIEW, now=now, provider=order.provider_id)
