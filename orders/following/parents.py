"""Orders whose money settles from child orders: subscriptions, and drip-feeds whose runs the provider lists."""

from collections.abc import Sequence

from billing.models import Hold
from notices import causes
from orders import settlement
from orders.changes import Change
from orders.following.answers import StatusCall, has_become_dearer, take_over
from orders.following.children import OF_ANOTHER_ORDER, Family, totals_of
from orders.models import ChildOrder, EventKind, Order
from orders.settlement import final_state_of
from orders.states import FINAL, Progress
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState


def follow(order: Order, answer: OrderStatus, family: Family, hold: Hold, call: StatusCall) -> Change:
    """Take over a parent's own answer; return what else it changes.

    The end that it states is kept until all of the child orders have ended.
    """
    # 1. An end that is only repeated does not begin anew: the wait for runs to come counts from the first time.
    problem = family.problem
    is_repeat = bool(order.ended_as) and order.ended_as == final_state_of(answer) and not problem
    end, change = take_over(order, answer, order.total, call, is_repeat=is_repeat)
    if problem == OF_ANOTHER_ORDER:
        change.alert(causes.FOREIGN_CHILD)
    # 2. Completed with nothing to show for it is unclear; canceled, or expired with an empty list, is not.
    may_end_childless = end is not None and (
        end.progress in (Progress.CANCELED, Progress.REFUNDED)
        or (end.progress is Progress.EXPIRED and answer.children == ())
    )
    raw_state = answer.raw_state[:100]
    if order.progress in FINAL:
        order.raw_state = raw_state
    elif end is None:
        order.raw_state, order.ended_as = raw_state, ""
        if answer.state is not ProviderOrderState.REFILLING and order.progress != answer.state.value:
            change.note(EventKind.MOVED, old=order.progress, new=answer.state.value)
            order.progress = answer.state.value
    elif not family.children and not may_end_childless:
        problem = problem or "ended without any child order"
    elif not problem and order.ended_as != end.progress:
        order.ended_as, order.raw_state = end.progress, raw_state
        change.note(EventKind.MOVED, old=order.progress, new=f"{end.progress.value}, its children first")
    # 3. Money, unless a person has to look first.
    if problem:
        change.review = problem
        return change
    names_all = end is not None and (may_end_childless or (answer.children is not None and bool(family.children)))
    change += settle_from_children(order, family.children, hold, call, names_all=names_all)
    return change


def settle_from_children(
    order: Order,
    children: Sequence[ChildOrder],
    hold: Hold,
    call: StatusCall,
    *,
    ended: int | None = None,
    names_all: bool = False,
) -> Change:
    """Bring a parent's money to where its child orders stand; return what that changes.

    ``ended`` is the child that has just ended, if one has; ``names_all`` as in `totals_of`.
    """
    change, totals = Change(), totals_of(order, children, names_all=names_all)
    # 1. A parent costs what its children cost, where the provider names no charge of its own.
    if totals.charge is not None:
        before, order.provider_charge = order.provider_charge, totals.charge
        if has_become_dearer(order, before):
            change.alert(causes.CHARGED_ABOVE_COST)
    is_open = order.progress not in FINAL
    if is_open:
        order.remains = totals.remains
    missing, end = totals.missing, totals.end
    if end is not None:
        # 2. The end, once all children are known and over.
        settled = settlement.settle(
            order, hold, end, missing, remains=missing, now=call.now, account_of=call.account_of
        )
        change += settled or Change()
    elif is_open and not order.ended_as and order.is_subscription and ended is not None:
        # 3. An open subscription earns each post that ends.
        change += settlement.share(order, hold, missing, child_id=ended, account_of=call.account_of)
    return change
