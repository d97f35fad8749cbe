"""Applying what a provider answered about child orders: each on its own, then the money of their parents."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from billing.models import Hold
from catalog.models import Provider
from orders.changes import Change, holds_of, write
from orders.following import children, parents
from orders.following.answers import StatusCall, count_miss, is_overtaken, next_poll_of, take_over
from orders.models import ChildOrder, Order
from orders.settlement import End
from upstream.messages import OrderStatus, StatusItem
from upstream.states import ProviderOrderState

#: How a reason for a review begins that is about a child.
_ABOUT = "child order "


def apply_answers(answers: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime) -> None:
    """Apply each answer to the child order of that id. Parents are locked first and in ascending id, as everywhere."""
    with transaction.atomic():
        parent_ids = ChildOrder.objects.filter(pk__in=list(answers), provider=provider).values("parent_id")
        orders = list(Order.objects.select_for_update().filter(pk__in=parent_ids).order_by("id"))
        families: dict[int, list[ChildOrder]] = {order.pk: [] for order in orders}
        for child in ChildOrder.objects.select_for_update().filter(parent__in=orders).order_by("id"):
            families[child.parent_id].append(child)
        holds = holds_of(orders)
        call = StatusCall(provider, asked_at, now)
        changes = [(o, change_of(o, families[o.pk], answers, holds[o.pk], call)) for o in orders]
        write(changes, holds, now=now)


def change_of(
    order: Order, family: list[ChildOrder], answers: Mapping[int, StatusItem], hold: Hold, call: StatusCall
) -> Change:
    """Take the answers over into the columns of an order's children; return what that changes about the order."""
    change, last_ended = Change(children=tuple(child for child in family if child.pk in answers)), None
    for child in change.children:
        was_final, answer = child.is_final, answers[child.pk]
        if is_overtaken(child, call):
            continue
        if isinstance(answer, OrderStatus):
            change += _follow(order, child, answer, call)
        else:
            count_miss(child, answer)
        child.next_poll_at = next_poll_of(child, call.now)
        if child.is_final and not was_final:
            last_ended = child.pk
    # The first child that needs a review shows on its parent, unless something is wrong with the parent itself. One at
    # a time: of two, each would take the other's place at each poll, with a line on the timeline every time.
    if not order.needs_review or order.needs_review.startswith(_ABOUT):
        whys = [f"{_ABOUT}{child.upstream_id}: {child.needs_review}" for child in family if child.needs_review]
        first = whys[0] if whys and order.missing_by_hand is None else ""
        if order.needs_review != first[:120]:
            order.needs_review = ""
        if first:
            change.review = first
    change += parents.settle_from_children(order, family, hold, call, ended=last_ended)
    return change


def _follow(order: Order, child: ChildOrder, answer: OrderStatus, call: StatusCall) -> Change:
    """Take an answer over into the columns of its child order; return what that changes about the order."""
    if child.quantity is None:
        child.quantity = children.quantity_of(order, answer)
    size = child.quantity or children.bounds_of(order)[1]
    end, change = take_over(child, answer, size, call)
    if end is None:
        # An ended child stays ended, whatever is answered later: money that moved is not taken back.
        child.raw_state = answer.raw_state[:100]
        if not child.is_final and answer.state is not ProviderOrderState.REFILLING:
            child.progress = answer.state.value
            child.remains = child.remains if answer.remains is None else answer.remains
    elif child.is_final:
        # Another end is taken over only when less arrived by it: a target for the money only grows.
        if end.missing is not None and (child.quantity or 0) - end.missing < child.delivered:
            _end(child, end, answer)
            change.remark(f"child order {child.upstream_id} ended otherwise", state=child.raw_state)
    elif end.missing is None or (child.quantity is None and end.missing != size):
        child.needs_review = end.review or "how much of it arrived is not known"
        child.raw_state = answer.raw_state[:100]
    else:
        _end(child, end, answer)
        child.finished_at, child.needs_review = call.now, ""
    return change


def _end(child: ChildOrder, end: End, answer: OrderStatus) -> None:
    child.progress, child.raw_state, child.remains = end.progress, answer.raw_state[:100], end.missing
