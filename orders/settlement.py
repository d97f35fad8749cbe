"""From the provider's words to money: how much is due back, and the only calls of the ledger for an order's end.

Settlement works towards a target. Whatever list of answers arrives, in any order, any number of times, an order pays
back no more than its largest single answer says, and never more than was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from billing import ledger
from billing.models import Hold
from core.money import divide, multiply, round_down
from orders import lifecycle
from orders.models import EventKind, Order
from orders.states import Progress
from upstream.messages import OrderStatus
from upstream.states import OrderState

#: Words that end an order, and so close its hold.
_ENDS = {
    OrderState.COMPLETED: Progress.COMPLETED,
    OrderState.PARTIAL: Progress.PARTIAL,
    OrderState.CANCELED: Progress.CANCELED,
    OrderState.REFUNDED: Progress.REFUNDED,
}


@dataclass(frozen=True)
class Target:
    """``due`` is what the customer should have back in all, None when this answer settles nothing.

    ``review`` says in a few words why a person should look; ``remark`` is a line for the owner's timeline.
    """

    due: Decimal | None = None
    review: str = ""
    remark: str = ""


def target(order: Order, heard: OrderStatus) -> Target:
    """What one answer means for the money of ``order``; moves nothing."""
    if heard.state not in _ENDS and heard.state is not OrderState.EXPIRED:
        return Target()
    if heard.children is not None or heard.state is OrderState.EXPIRED:
        return Target(review="its money settles from child orders")
    if heard.state is OrderState.COMPLETED:
        return Target(due=Decimal(0))
    if heard.state is OrderState.PARTIAL:
        return _partial(order, heard)
    return _canceled(order, heard)


def _partial(order: Order, heard: OrderStatus) -> Target:
    if heard.remains is None:
        return Target(review="partial without a readable remains")
    remains = max(0, min(heard.remains, order.total))
    due = round_down(divide(multiply(order.charge, remains), order.total))
    flagged = heard.remains != remains or remains == 0
    return Target(due=due, remark=f"partial with remains {heard.remains} of {order.total}" if flagged else "")


def _canceled(order: Order, heard: OrderStatus) -> Target:
    charged = heard.charge is not None and heard.charge > 0
    if charged and heard.remains is not None and 0 < heard.remains < order.total:
        return Target(review="canceled after a part was delivered and charged")
    return Target(due=order.charge, remark="canceled, and the provider still shows a charge" if charged else "")


def end_of(state: OrderState) -> Progress | None:
    """The final progress an answer stands for, if it ends an order."""
    return _ENDS.get(state)


def holds_of(orders: Sequence[Order]) -> dict[int, Hold]:
    """The hold of each order, by the order's id."""
    found = {h.reference: h for h in Hold.objects.filter(reference__in=[o.reference for o in orders])}
    return {o.pk: found[o.reference] for o in orders}


def return_everything(order: Order, *, now: datetime) -> None:
    """Give the whole charge back, for an order that was never bought. The caller has locked the order."""
    hold = Hold.objects.get(reference=order.reference)
    memo = _("Not placed")
    if ledger.post(ledger.settlement_postings(hold, order.charge, close=True, memo=memo)):
        Order.objects.filter(pk=order.pk).update(returned=order.charge)
        lifecycle.note(order_id=order.pk, kind=EventKind.RETURNED, now=now, detail={"amount": str(order.charge)})
