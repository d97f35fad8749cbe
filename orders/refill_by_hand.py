"""Staff ask for a refill for a customer: by the same operation, with a reason."""

from datetime import datetime

from django.db import transaction

from core.refusals import demand_reason
from core.staff_actions import Actor, record_staff_action
from orders.models import Order, Refill
from orders.refills import request_refill


def refill_by_hand(*, order: Order, actor: Actor, reason: str, now: datetime) -> Refill:
    """Ask for a refill of a completed order and return the request. Raises NoReason, NotRefillable, OutsideWindow."""
    demand_reason(reason)
    with transaction.atomic():
        refill = request_refill(order=order, actor=actor.name, now=now, is_by_staff=True)
        record_staff_action(actor, "order.refill", order, reason=reason, after={"refill": refill.pk})
    return refill
