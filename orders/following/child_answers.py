"""Applying what a provider said of child orders: each on its own, then the money of their parents."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from catalog.models import Provider
from notices import causes
from orders import settlement
from orders.following import children, parents
from orders.following.batch import Round, write
from orders.following.order_answers import MISSED, MISSES_TO_REVIEW, in_vain
from orders.models import ChildOrder, EventKind, Order
from orders.states import FINAL
from orders.timetable import failed_for, keep_since, next_poll
from upstream.messages import ItemError, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

_WRITTEN = [
    "quantity", "progress", "raw_state", "state_since", "start_count", "remains", "charge", "needs_review",
    "finished_at", "next_poll_at", "answered_at", "poll_misses",
]  # fmt: skip
#: How what the owner should look at begins where it is about a child.
_ABOUT = "child order "


def apply(heard: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime) -> None:
    """Apply the answers by child. Parents are locked first and in ascending id, as everywhere."""
    if not heard:
        return
    with transaction.atomic():
        of = ChildOrder.objects.filter(pk__in=list(heard), provider=provider).values("parent_id")
        orders = list(Order.objects.select_for_update().filter(pk__in=of).order_by("id"))
        siblings = ChildOrder.objects.select_for_update().filter(parent__in=orders).order_by("id")
        this = Round(provider, asked_at, now, settlement.holds_of(orders))
        for child in siblings:
            this.children.setdefault(child.parent_id, []).append(child)
        for order in orders:
            _hear_family(order, heard, this)
        write(orders, this)


def _hear_family(order: Order, heard: Mapping[int, StatusItem], this: Round) -> None:
    asked = [c for c in this.children[order.pk] if c.pk in heard]
    ended = None
    for child in asked:
        was_final = child.is_final
        _hear(order, child, heard[child.pk], this)
        if child.is_final and not was_final:
            ended = child.pk
    _show_first_in_review(order, this)
    ChildOrder.objects.bulk_update(asked, _WRITTEN)
    parents.settle(order, this, ended=ended)


def _show_first_in_review(order: Order, this: Round) -> None:
    """Tell the owner of the first child that needs a look, unless something is wrong with its parent itself.

    One at a time: of two, each would take the other's place at each poll, with a line on the timeline every time.
    """
    if order.needs_review and not order.needs_review.startswith(_ABOUT):
        return
    asks = [f"{_ABOUT}{c.upstream_id}: {c.needs_review}" for c in this.children[order.pk] if c.needs_review]
    first = asks[0] if asks and order.missing_by_hand is None else ""
    if order.needs_review != first[:120]:
        order.needs_review = ""
    if first:
        this.remark_once(order, first)


def _hear(order: Order, child: ChildOrder, item: StatusItem, this: Round) -> None:
    if child.answered_at is not None and child.answered_at > this.asked_at:
        return
    if isinstance(item, OrderStatus):
        child.poll_misses, child.answered_at = 0, this.asked_at
        if child.needs_review.startswith(MISSED):
            child.needs_review = ""
        _status(order, child, item, this)
    else:
        child.poll_misses += 1
        if child.poll_misses >= MISSES_TO_REVIEW and not child.needs_review:
            child.needs_review = in_vain(item.error_class.value if isinstance(item, ItemError) else "")
    child.next_poll_at = next_poll(
        order_id=child.pk, since=child.created_at, now=this.now, misses=child.poll_misses, finished_at=child.finished_at
    )


def _status(order: Order, child: ChildOrder, heard: OrderStatus, this: Round) -> None:
    if heard.start_count is not None:
        child.start_count = heard.start_count
    if "currency_differs" in heard.flags:
        this.alert(
            causes.CHARGED_IN_FOREIGN_CURRENCY, provider=this.provider.pk, name=this.provider.name, order=order.pk,
            currency=(heard.currency or "")[:8],
        )  # fmt: skip
    elif heard.charge is not None:
        child.charge = heard.charge
    if child.quantity is None:
        child.quantity = children.quantity_of(order, heard)
    keep_since(child, heard, this.asked_at)
    size = child.quantity or children.bounds_of(order)[1]
    end = settlement.end_of(heard, size, failed_for=failed_for(child, heard, this.asked_at))
    if end is None:
        _move(child, heard)
    elif child.is_final:
        _end_otherwise(order, child, heard, end, this)
    elif end.review or (child.quantity is None and end.missing != size):
        child.needs_review = end.review or "how much of it arrived cannot be told"
        child.raw_state = heard.raw_state[:100]
    else:
        _take_over(child, heard, end)
        child.finished_at, child.needs_review = this.now, ""


def _move(child: ChildOrder, heard: OrderStatus) -> None:
    """An ended child stays ended, whatever is said later: money that moved is not taken back."""
    child.raw_state = heard.raw_state[:100]
    if child.is_final or heard.state is ProviderOrderState.REFILLING:
        return
    child.progress = heard.state.value
    if heard.remains is not None:
        child.remains = heard.remains


def _end_otherwise(order: Order, child: ChildOrder, heard: OrderStatus, end: settlement.End, this: Round) -> None:
    """Another end is taken over only when less arrived by it: a target for the money only grows."""
    size = child.quantity or 0
    if end.missing is None or size - end.missing >= child.delivered:
        return
    _take_over(child, heard, end)
    this.note(order, EventKind.REMARK, text=f"child order {child.upstream_id} ended otherwise", heard=child.raw_state)


def _take_over(child: ChildOrder, heard: OrderStatus, end: settlement.End) -> None:
    assert end.progress in FINAL  # noqa: S101 - an end is one
    child.progress, child.raw_state = end.progress, heard.raw_state[:100]
    child.remains = end.missing
