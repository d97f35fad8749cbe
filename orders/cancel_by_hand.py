"""The owner cancels an order for its customer: by the same operation, with a reason."""

from datetime import datetime

from django.db import transaction

from core.refusals import demand_reason
from core.staff_actions import Actor, record_staff_action
from orders.cancellations import request_cancel
from orders.models import Cancellation, Order


def cancel_by_hand(*, order: Order, actor: Actor, reason: str, now: datetime) -> Cancellation | None:
    """Cancel an order that was not sent, or request it of the provider; return the request, None if it is refunded.

    Money of an order that was sent comes back only at the provider's word. Raises NoReason, NotCancelable.
    """
    demand_reason(reason)
    with transaction.atomic():
        request = request_cancel(order=order, actor=actor.name, now=now)
        after = {"cancellation": "requested" if request else "refunded"}
        record_staff_action(actor, "order.cancel", order, reason=reason, after=after)
    return request
