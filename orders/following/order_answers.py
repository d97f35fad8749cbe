"""Applying what a provider said of its orders: state, counts and money of a whole batch in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import Provider
from notices import causes
from orders import own_ids, settlement
from orders.following import parents
from orders.following.batch import Round, locked, write
from orders.following.parents import ROUNDING
from orders.models import ChildOrder, EventKind, Order
from orders.states import FINAL, Progress
from orders.timetable import failed_for, keep_since, next_poll
from upstream.messages import Ignored, ItemError, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

MISSES_TO_REVIEW = 10
MISSED = f"{MISSES_TO_REVIEW} polls in a row: "


def apply(heard: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime) -> None:
    """Apply each order's answer by itself; an answer asked for before the last one applied changes nothing.

    Orders are locked in ascending id, then wallets in ascending id: two batches that refund in opposite order would
    otherwise wait for each other.
    """
    with transaction.atomic():
        orders = locked(heard, provider.pk)
        this = Round(provider, asked_at, now, settlement.holds_of(orders))
        if parents_of := [o.pk for o in orders if o.may_have_children]:
            for child in ChildOrder.objects.filter(parent__in=parents_of).order_by("id"):
                this.children.setdefault(child.parent_id, []).append(child)
        for order in orders:
            _hear(order, heard[order.pk], this)
            _note_children(order, heard[order.pk], this)
        write(orders, this)


def _note_children(order: Order, item: StatusItem, this: Round) -> None:
    """Runs are orders of our key: whoever looks for lost orders must not take one for another's."""
    if isinstance(item, OrderStatus) and item.children:
        own_ids.note_children(
            provider_id=this.provider.pk, parent_order_id=order.pk, children=item.children, now=this.now
        )


def _hear(order: Order, item: StatusItem, this: Round) -> None:
    if order.answered_at is not None and order.answered_at > this.asked_at:
        this.note(order, EventKind.REMARK, text="an answer overtaken by a newer one was not applied")
    elif isinstance(item, OrderStatus):
        _status(order, item, this)
    else:
        _nothing_usable(order, item, this)
    order.next_poll_at = next_poll(
        order_id=order.pk,
        since=order.placed_at or order.created_at,
        now=this.now,
        misses=order.poll_misses,
        finished_at=order.finished_at,
    )


def in_vain(said: str = "") -> str:
    """Why a person should look at what was asked about so often without an answer about it."""
    return MISSED + (said or "no usable answer")


def _nothing_usable(order: Order, item: StatusItem, this: Round) -> None:
    """An error, a gap or a word we do not know keeps the order as it is; many in a row are for a person to look at."""
    order.poll_misses += 1
    if isinstance(item, Ignored) and item.raw_state and item.raw_state[:100] != order.raw_state:
        order.raw_state = item.raw_state[:100]
        this.note(order, EventKind.REMARK, text="state not understood", heard=order.raw_state)
        this.alert(
            causes.UNKNOWN_STATE, provider=this.provider.pk, name=this.provider.name, order=order.pk,
            state=order.raw_state,
        )  # fmt: skip
    # Not "==": calls that failed whole count as well, and may have counted past it.
    is_known = order.needs_review or order.reviewed.startswith(MISSED)
    if order.poll_misses >= MISSES_TO_REVIEW and not is_known:
        order.needs_review = in_vain(item.error_class.value if isinstance(item, ItemError) else "")
        this.note(order, EventKind.REMARK, text=order.needs_review)


def _status(order: Order, heard: OrderStatus, this: Round) -> None:
    order.poll_misses = 0
    order.answered_at = this.asked_at
    if order.needs_review.startswith(MISSED):
        order.needs_review = ""
    started = (
        order.start_count is None and heard.start_count is not None and heard.state is not ProviderOrderState.PENDING
    )
    if heard.start_count is not None:
        order.start_count = heard.start_count
    if started:
        this.note(order, EventKind.STARTED, start_count=order.start_count)
    _hear_charge(order, heard, this)
    if parents.settles_from_children(order, heard, this):
        parents.hear(order, heard, this)
        return
    keep_since(order, heard, this.asked_at)
    end = settlement.end_of(heard, order.total, failed_for=failed_for(order, heard, this.asked_at))
    if end is not None and heard.children:
        end = settlement.End(end.progress, review="its money settles from child orders")
    if end is None:
        (_late_word if order.progress in FINAL else _move)(order, heard, this)
    elif end.missing is None:
        this.remark_once(order, end.review)
        order.raw_state = heard.raw_state[:100]
    else:
        _settle(order, heard, end, this)


def _move(order: Order, heard: OrderStatus, this: Round) -> None:
    """An open order follows the provider's word, forwards or back; no money moves."""
    order.remains = heard.remains if heard.remains is not None else order.remains
    if heard.state is ProviderOrderState.REFILLING:
        order.raw_state = heard.raw_state[:100]
        return
    if order.progress != heard.state.value:
        this.note(order, EventKind.MOVED, old=order.progress, new=heard.state.value)
    order.progress, order.raw_state = heard.state.value, heard.raw_state[:100]


def _late_word(order: Order, heard: OrderStatus, this: Round) -> None:
    """An ended order that is said to run again: the money that moved stays where it is."""
    if heard.raw_state[:100] == order.raw_state:
        return
    order.raw_state = heard.raw_state[:100]
    if heard.state is ProviderOrderState.REFILLING:
        return
    this.note(order, EventKind.REMARK, text="said to run again after its end", heard=order.raw_state)
    if order.progress in (Progress.CANCELED, Progress.REFUNDED):
        this.alert(causes.RUNS_AFTER_REFUND, order=order.pk)


def _settle(order: Order, heard: OrderStatus, end: settlement.End, this: Round) -> None:
    assert end.missing is not None  # noqa: S101 - the caller looked
    if not this.end(order, end.progress, settlement.due_for(order, end.missing), remains=heard.remains):
        _refuse_to_go_back(order, heard, this)
        return
    order.raw_state = heard.raw_state[:100]
    if end.remark:
        this.remark_once(order, end.remark)
    else:
        order.needs_review = ""  # whatever was unclear before, this answer settles it


def _refuse_to_go_back(order: Order, heard: OrderStatus, this: Round) -> None:
    if heard.raw_state[:100] == order.raw_state:
        return
    order.raw_state = heard.raw_state[:100]
    this.note(order, EventKind.REMARK, text="another end heard, nothing more is due", heard=order.raw_state)
    if heard.state is ProviderOrderState.COMPLETED and order.refunded > 0:
        this.alert(causes.DELIVERED_AFTER_REFUND, order=order.pk)


def _hear_charge(order: Order, heard: OrderStatus, this: Round) -> None:
    """Keep the provider's charge exactly as heard; one above what we expected costs us money."""
    if heard.currency:
        order.answered_currency = heard.currency[:8]
    if "currency_differs" in heard.flags:
        this.alert(
            causes.CHARGED_IN_FOREIGN_CURRENCY, provider=this.provider.pk, name=this.provider.name, order=order.pk,
            currency=order.answered_currency,
        )  # fmt: skip
        return
    if heard.charge is None or heard.charge == order.provider_charge:
        return
    dearer = heard.charge > order.expected_charge and (order.provider_charge or Decimal(0)) <= order.expected_charge
    order.provider_charge = heard.charge
    if dearer and heard.charge - order.expected_charge >= ROUNDING:
        this.note(order, EventKind.REMARK, text="charged above the expected cost", charge=str(heard.charge))
        this.alert(causes.CHARGED_ABOVE_COST, order=order.pk)
