"""The owner changes the link of an order that was never sent."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.links.reader import read_link
from catalog.links.refusals import BadLink
from catalog.models import SameLink
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from orders import lifecycle
from orders.checkout.checks import service_platforms
from orders.checkout.same_link import LinkHasOpenOrder, one_at_a_time, open_order_for
from orders.models import RESTORED, EventKind, Order
from orders.states import Forward, Outcome

#: Outcomes of attempts in which no byte was handed over, provided that they have no time of sending either.
NEVER_SENT = (Outcome.RELEASED, Outcome.NOT_SENT)


class LinkIsFinal(Refusal):
    """The order was sent, may have been sent, is over, or has no link."""

    code = "link_is_final"


class NotALink(Refusal):
    """The service cannot be ordered for what was entered."""

    code = "not_a_link"


def may_change_link(order: Order) -> bool:
    """True while the order waits in our queue with a link, and no attempt to send it ever began to send.

    Orders that came back from a dump may have been sent in the time that was lost.
    """
    if order.forward_state != Forward.QUEUED or not order.link or "link" not in order.fields:
        return False
    if Order.objects.filter(RESTORED, pk=order.pk).exists():
        return False
    return not order.attempts.exclude(outcome__in=NEVER_SENT, sent_at=None).exists()


def change_link(*, order_id: int, link: str, actor: Actor, reason: str, now: datetime) -> bool:
    """Send the order to another link; return False if it has that link already.

    Raises NoReason, LinkIsFinal, NotALink, and LinkHasOpenOrder where the service takes one order at a time for a link.
    """
    demand_reason(reason)
    customer_id = Order.objects.values_list("customer_id", flat=True).get(pk=order_id)
    with transaction.atomic():
        # 1. The lock that a claim takes: a claim comes before, and is kept, or after, and reads the new link.
        one_at_a_time(customer_id)
        Order.objects.select_for_update().get(pk=order_id)
        order = Order.objects.select_related("service__category", "service__source__provider").get(pk=order_id)
        if not may_change_link(order):
            raise LinkIsFinal(_("This order was sent, or may have been sent: its link cannot be changed any more."))
        # 2. The same checks as when it was placed.
        try:
            found = read_link(link, platforms=service_platforms(order.service))
        except BadLink as refusal:
            raise NotALink(str(refusal.message)) from refusal
        if found.text == order.link:
            return False
        turn = {} if found.key == order.link_key else _turn(order, found.key, now)
        # 3. The row, its history, and the owner's log.
        before = order.link
        Order.objects.filter(pk=order_id).update(
            link=found.text, link_key=found.key, fields={**order.fields, "link": found.text}, **turn
        )
        if turn:
            _let_pass(order, now)
        links = {"old link": before[:500], "new link": found.text[:500]}
        detail = {**links, "reason": reason.strip()[:500]}
        lifecycle.note(order_id=order_id, kind=EventKind.LINK_CHANGED, now=now, detail=detail, actor=actor.name)
        record_staff_action(
            actor, "order.link", order, reason=reason, before={"link": before}, after={"link": found.text}
        )
    return True


def _turn(order: Order, link_key: str, now: datetime) -> dict[str, Any]:
    """Return the columns that say when ``order`` is sent to its new link. Raises LinkHasOpenOrder.

    It waits for an earlier order only. One that was placed later may wait for its own turn already, and turns go by
    number: each would wait for the other.
    """
    rule = order.service.same_link
    open_order = None
    if rule in (SameLink.WAIT, SameLink.REFUSE):
        open_order = open_order_for(customer_id=order.customer_id, service_id=order.service_id, link_key=link_key)
    if open_order is None:
        return {"waits_for": None, "next_at": order.next_at or now}
    if rule == SameLink.REFUSE or open_order.pk > order.pk:
        raise LinkHasOpenOrder(open_order)
    return {"waits_for": open_order, "next_at": None}


def _let_pass(order: Order, now: datetime) -> None:
    """Let the orders that waited for ``order`` wait for the one before it, or be sent; it has left their link."""
    waiting = Order.objects.filter(waits_for=order.pk, forward_state=Forward.QUEUED, next_at=None).order_by("pk")
    for row in waiting.select_for_update():
        before = open_order_for(
            customer_id=row.customer_id, service_id=row.service_id, link_key=row.link_key, before=row.pk
        )
        Order.objects.filter(pk=row.pk).update(waits_for=before, next_at=None if before else now)
