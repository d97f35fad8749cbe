"""Staff write a note into the history of an order. Its customer does not see it."""

from datetime import datetime

from django.db import transaction

from core.refusals import demand_reason
from core.staff_actions import Actor, record_staff_action
from orders import lifecycle
from orders.models import EventKind, Order


def note_by_hand(*, order: Order, text: str, actor: Actor, now: datetime) -> bool:
    """Add ``text`` to the history of the order; return False if the same person's same note stands last in it.

    Raises NoReason for a blank text.
    """
    demand_reason(text)
    detail = {"text": text.replace("\0", "").strip()[:500]}
    with transaction.atomic():
        locked = Order.objects.select_for_update().get(pk=order.pk)  # a second click waits, and finds the first
        last = locked.events.order_by("-id").first()
        if last is not None and (last.kind, last.detail, last.actor) == (EventKind.REMARK, detail, actor.name):
            return False
        lifecycle.note(order_id=order.pk, kind=EventKind.REMARK, now=now, detail=detail, actor=actor.name)
        record_staff_action(actor, "order.note", locked, reason=text)
    return True
