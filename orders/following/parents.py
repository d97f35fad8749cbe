"""Orders whose money settles from child orders: drip-feeds at panels that list their runs, and subscriptions."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from billing import ledger
from notices import causes
from orders import settlement
from orders.following.batch import Round
from orders.following.children import end_for, families_size, reckon
from orders.models import ChildOrder, EventKind, ForwardAttempt, Order
from orders.states import FINAL, Progress
from orders.timetable import failed_for, keep_since
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

#: Panels round charges to their own decimals, two at the coarsest; only more than that is a higher price.
ROUNDING = Decimal("0.01")


def settles_from_children(order: Order, heard: OrderStatus, this: Round) -> bool:
    """Whether this answer is about a parent. A drip-feed that is followed like any order is none."""
    if order.is_subscription or order.pk in this.children:
        return True
    is_bare = heard.remains is None and heard.charge is None
    lists_some = bool(heard.children) or "children_unreadable" in heard.flags
    return bool(order.runs) and (lists_some or (heard.children is not None and is_bare))


def hear(order: Order, heard: OrderStatus, this: Round) -> None:
    """Apply a parent's own answer: new children are taken in, its end is kept until all of them have ended."""
    problem = _take_in(order, heard, this)
    if problem or not order.ended_as or order.ended_as != settlement.state_of(heard):
        keep_since(order, heard, this.asked_at)  # else its end has been told since then, see _lists_all
    end = settlement.end_of(heard, order.total, failed_for=failed_for(order, heard, this.asked_at))
    if order.progress in FINAL:
        order.raw_state = heard.raw_state[:100]
    elif end is None:
        _move(order, heard, this)
    elif not this.children.get(order.pk) and not _may_end_childless(end.progress, heard):
        problem = problem or "ended without any child order"
    elif not problem and order.ended_as != end.progress:
        order.ended_as, order.raw_state = end.progress, heard.raw_state[:100]
        this.note(order, EventKind.MOVED, old=order.progress, new=f"{end.progress.value}, its children first")
    if problem:
        this.remark_once(order, problem)
        return
    settle(order, this, is_told=end is not None and _tells_all(order, end.progress, heard, this))


def _may_end_childless(end: Progress, heard: OrderStatus) -> bool:
    """Completed with nothing to show for it is unclear; canceled, or expired with an empty list, is not."""
    return end in (Progress.CANCELED, Progress.REFUNDED) or (end is Progress.EXPIRED and heard.children == ())


def _tells_all(order: Order, end: Progress, heard: OrderStatus, this: Round) -> bool:
    """Whether the answer itself says which children there were."""
    listed = heard.children is not None and bool(this.children.get(order.pk))
    return listed or _may_end_childless(end, heard)


def _move(order: Order, heard: OrderStatus, this: Round) -> None:
    order.raw_state, order.ended_as = heard.raw_state[:100], ""
    if heard.state is ProviderOrderState.REFILLING:
        return
    if order.progress != heard.state.value:
        this.note(order, EventKind.MOVED, old=order.progress, new=heard.state.value)
    order.progress = heard.state.value


def _take_in(order: Order, heard: OrderStatus, this: Round) -> str:
    """Attach the children that are new; what is wrong with the list, if anything."""
    known = this.children.get(order.pk, [])
    fresh = [i for i in heard.children or () if i not in {c.upstream_id for c in known}]
    room = 2 * families_size(order) + 10 - len(known)
    if fresh[:room]:
        this.children[order.pk] = known + _attach(order, fresh[:room], this)
    if "children_unreadable" in heard.flags:
        return "its list of child orders cannot be read"
    if len(fresh) > room:
        return "more child orders are listed than it can have"
    if len(this.children.get(order.pk, [])) < len(known) + len(fresh):
        this.alert(causes.FOREIGN_CHILD, order=order.pk)
        return "a listed child order belongs to another order"
    return ""


def _attach(order: Order, ids: Sequence[str], this: Round) -> list[ChildOrder]:
    taken = set(
        ForwardAttempt.objects.filter(provider=this.provider, upstream_id__in=ids).values_list("upstream_id", flat=True)
    )
    quantity = None if order.is_subscription else order.quantity
    ChildOrder.objects.bulk_create(
        [
            ChildOrder(
                parent=order, provider=this.provider, upstream_id=i, quantity=quantity, created_at=this.now,
                next_poll_at=this.now,
            )
            for i in ids
            if i not in taken
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    return list(ChildOrder.objects.filter(parent=order, provider=this.provider, upstream_id__in=ids).order_by("id"))


def settle(order: Order, this: Round, *, ended: int | None = None, is_told: bool = False) -> None:
    """Bring a parent's money to what its children say. ``ended`` is a child that has just ended, if one has.

    A parent that a person settled has children that nobody could count: those that are known say no more of its money
    until an answer names its end and all of them (``is_told``).
    """
    children = this.children.get(order.pk, [])
    arrived = reckon(children)
    _add_up_charges(order, children, this)
    delivered = min(arrived.ended, order.total)
    if order.progress not in FINAL:
        order.remains = max(0, order.total - arrived.ended - arrived.running)
        if not order.ended_as:
            if order.is_subscription and ended is not None:
                earned = order.charge - settlement.due_for(order, order.total - delivered)
                hold, earned_by = this.holds[order.pk], f"child:{ended}"
                this.post(order, ledger.share_postings(hold, earned, earned_by=earned_by, account_of=this.account_of))
            return
    if arrived.open_children or (order.missing_by_hand is not None and not is_told):
        return
    if order.progress not in FINAL and not _lists_all(order, children):
        return
    missing = order.total - delivered
    end = end_for(order, missing)
    this.end(order, end, settlement.due_for(order, missing), remains=missing)


def _lists_all(order: Order, children: Sequence[ChildOrder]) -> bool:
    """Whether no run is to come any more: all are listed, or the last answer lists too few of them for long enough.

    A panel may call a drip-feed completed before it lists its last runs. What was refunded for one is not taken again.
    """
    if order.ended_as != Progress.COMPLETED or len(children) >= (order.runs or 0):
        return True
    if order.answered_at is None or order.state_since is None:
        return False
    since = max([order.state_since, *(child.created_at for child in children)])
    return order.answered_at - since >= timedelta(seconds=settings.RUNS_SETTLE_SECONDS)


def _add_up_charges(order: Order, children: Sequence[ChildOrder], this: Round) -> None:
    """What a parent costs is what its children cost, where the provider names no charge of its own."""
    charges = [c.charge for c in children if c.charge is not None]
    if not charges:
        return
    before, order.provider_charge = order.provider_charge or Decimal(0), sum(charges, Decimal(0))
    if order.provider_charge - order.expected_charge >= ROUNDING > before - order.expected_charge:
        this.alert(causes.CHARGED_ABOVE_COST, order=order.pk)
