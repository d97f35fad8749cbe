"""Where an order stands, finer than its state: what it waits for, and why it ended. The sentences follow from it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from orders.following.answers import MISSED
from orders.forwarding.obstacles import Obstacle, obstacles_of
from orders.forwarding.outcomes import MANY_TRIES
from orders.models import Order
from orders.settlement import FAILED_TOO_LONG
from orders.states import FINAL, Forward, Progress
from upstream.errors import ErrorClass

#: An order that nothing keeps back is sent within seconds; after so long "in a moment" would not be true.
SOON = timedelta(minutes=5)
#: After so many polls without a usable answer, or so late a poll, what the page shows is old.
_MISSES = 3
_OVERDUE = timedelta(hours=1)


class Situation(StrEnum):
    # Queued.
    SOON = "soon"
    LATE = "late"
    RESTORED = "restored"
    FROZEN = "frozen"
    SUPPLIER_AWAY = "supplier_away"
    HELD_BACK = "held_back"
    LINK_BUSY = "link_busy"
    TOOK_NOT = "took_not"
    NOT_REACHED = "not_reached"
    # On its way.
    SENDING = "sending"
    CONFIRMING = "confirming"
    BY_HAND = "by_hand"
    # With the supplier.
    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    COUNTING = "counting"
    UNCLEAR = "unclear"
    SILENT = "silent"
    # Over.
    COMPLETED = "completed"
    EXPIRED = "expired"
    PARTIAL = "partial"
    PARTIAL_AS_ASKED = "partial_as_asked"
    SETTLED_BY_HAND = "settled_by_hand"
    CANCELED_BY_SUPPLIER = "canceled_by_supplier"
    CANCELED_AS_ASKED = "canceled_as_asked"
    NOT_DELIVERED = "not_delivered"
    NOT_PLACED = "not_placed"


_WAITS = {
    Obstacle.RESTORED: Situation.RESTORED,
    Obstacle.FROZEN: Situation.FROZEN,
    Obstacle.INACTIVE: Situation.SUPPLIER_AWAY,
    Obstacle.PARKED: Situation.SUPPLIER_AWAY,
    Obstacle.BREAKER: Situation.HELD_BACK,
}
_ON_THE_WAY = {
    Forward.CLAIMED: Situation.SENDING,
    Forward.SENDING: Situation.SENDING,
    Forward.IN_DOUBT: Situation.CONFIRMING,
    Forward.REVIEW: Situation.BY_HAND,
    Forward.REFUSED: Situation.NOT_PLACED,
    Forward.REFUNDED: Situation.NOT_PLACED,
}
_OPEN = {
    "": Situation.ACCEPTED,
    Progress.PENDING: Situation.ACCEPTED,
    Progress.PAUSED: Situation.PAUSED,
    Progress.FAILED: Situation.FAILED,
}


def situations_of(orders: Iterable[Order], *, now: datetime) -> dict[int, Situation]:
    """Return the situation of each order; one query if any is queued. Their cancellations have to be loaded."""
    listed = list(orders)
    obstacles = obstacles_of([o.pk for o in listed if o.forward_state == Forward.QUEUED])
    return {o.pk: _situation(o, obstacles.get(o.pk), now) for o in listed}


def situation_of(order: Order, *, now: datetime) -> Situation:
    return situations_of([order], now=now)[order.pk]


def _situation(order: Order, obstacle: Obstacle | None, now: datetime) -> Situation:
    if order.forward_state == Forward.QUEUED:
        return _queued(order, obstacle, now)
    if order.forward_state != Forward.PLACED:
        return _ON_THE_WAY[Forward(order.forward_state)]
    return _over(order) if order.progress in FINAL else _open(order, now)


def _queued(order: Order, obstacle: Obstacle | None, now: datetime) -> Situation:
    if order.waits_for_order and obstacle not in (Obstacle.RESTORED, Obstacle.FROZEN):
        return Situation.LINK_BUSY
    if obstacle is not None:
        return _WAITS[obstacle]
    if order.last_refusal == ErrorClass.DUPLICATE_LINK:
        return Situation.LINK_BUSY
    if order.last_refusal:
        return Situation.TOOK_NOT
    if order.tries:
        return Situation.NOT_REACHED
    return Situation.LATE if now - order.created_at > SOON else Situation.SOON


def _open(order: Order, now: datetime) -> Situation:
    is_late = order.next_poll_at is not None and order.next_poll_at < now - _OVERDUE
    if order.poll_misses >= _MISSES or is_late or order.needs_review.startswith(MISSED):
        return Situation.SILENT
    if order.needs_review and order.needs_review != MANY_TRIES:
        return Situation.UNCLEAR
    if order.ended_as:
        return Situation.COUNTING
    return _OPEN.get(order.progress, Situation.RUNNING)


def _over(order: Order) -> Situation:
    was_asked = any(c.answer == order.progress for c in order.cancellations.all())
    if order.missing_by_hand is not None:
        return Situation.SETTLED_BY_HAND
    match order.progress:
        case Progress.COMPLETED:
            return Situation.COMPLETED
        case Progress.EXPIRED:
            return Situation.EXPIRED
        case Progress.PARTIAL:
            return Situation.PARTIAL_AS_ASKED if was_asked else Situation.PARTIAL
    if FAILED_TOO_LONG in (order.needs_review, order.reviewed):
        return Situation.NOT_DELIVERED
    return Situation.CANCELED_AS_ASKED if was_asked else Situation.CANCELED_BY_SUPPLIER
