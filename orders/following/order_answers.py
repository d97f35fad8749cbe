"""Applying what a provider answered about orders: state, counts and money of a whole batch in one transaction."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from billing.models import Hold
from catalog.models import Provider
from notices import causes
from orders import settlement
from orders.changes import Change, holds_of, lock_orders, write
from orders.following import parents
from orders.following.answers import StatusCall, count_miss, is_overtaken, next_poll_of, take_over
from orders.following.children import Family, known_children, take_in
from orders.models import EventKind, Order
from orders.settlement import End
from orders.states import FINAL, Progress
from upstream.messages import Ignored, OrderStatus, StatusItem
from upstream.states import ProviderOrderState


def apply_answers(answers: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime) -> None:
    """Apply each answer to the order of that id; one to a call before the last one applied changes nothing.

    Orders are locked in ascending id, and wallets after them, so that two batches never wait for each other.
    """
    with transaction.atomic():
        orders = lock_orders(answers, provider.pk)
        holds, known = holds_of(orders), known_children(orders)
        call = StatusCall(provider, asked_at, now)
        changes = []
        for order in orders:
            answer = answers[order.pk]
            family = take_in(order, answer, known.get(order.pk, []), call)
            changes.append((order, change_of(order, answer, family, holds[order.pk], call)))
        write(changes, holds, now=now)


def change_of(order: Order, answer: StatusItem, family: Family | None, hold: Hold, call: StatusCall) -> Change:
    """Take an answer over into the columns of its order; return what else it changes. Touches no other row."""
    if is_overtaken(order, call):
        change = Change()
        change.remark("an answer overtaken by a newer one was not applied")
    elif isinstance(answer, OrderStatus):
        if family is None:
            change = _follow(order, answer, hold, call)
        else:
            change = parents.follow(order, answer, family, hold, call)
    else:
        change = Change()
        # An error, a gap or a state we do not know keeps the order as it is; many in a row are for a person to look at.
        if isinstance(answer, Ignored) and answer.raw_state and answer.raw_state[:100] != order.raw_state:
            order.raw_state = answer.raw_state[:100]
            change.remark("state not understood", state=order.raw_state)
            provider = call.provider
            change.alert(causes.UNKNOWN_STATE, provider=provider.pk, name=provider.name, state=order.raw_state)
        if count_miss(order, answer):
            change.remark(order.needs_review)
    order.next_poll_at = next_poll_of(order, call.now)
    return change


def _follow(order: Order, answer: OrderStatus, hold: Hold, call: StatusCall) -> Change:
    """Take over the answer of an order that settles by itself; return what else it changes."""
    end, change = take_over(order, answer, order.total, call)
    if end is not None and answer.children:
        end = End(end.progress, review=settlement.SETTLES_FROM_CHILDREN)
    is_news = answer.raw_state[:100] != order.raw_state
    order.raw_state = answer.raw_state[:100]
    if end is None and order.progress not in FINAL:
        # 1. An open order follows the provider, forwards or back.
        if answer.remains is not None:
            order.remains = answer.remains
        if answer.state is not ProviderOrderState.REFILLING and order.progress != answer.state.value:
            change.note(EventKind.MOVED, old=order.progress, new=answer.state.value)
            order.progress = answer.state.value
    elif end is None:
        # 2. Of an ended one that runs again, the money that moved stays where it is.
        if is_news and answer.state is not ProviderOrderState.REFILLING:
            change.remark("runs again after its end", state=order.raw_state)
            if order.progress in (Progress.CANCELED, Progress.REFUNDED):
                change.alert(causes.RUNS_AFTER_REFUND)
    elif end.missing is None:
        # 3. It ended, and how much arrived is not clear.
        change.review = end.review
    else:
        # 4. It ended.
        settled = settlement.settle(
            order, hold, end.progress, end.missing, remains=answer.remains, now=call.now, account_of=call.account_of
        )
        if settled is not None:
            change += settled
            change.review = end.remark
            if not end.remark:
                order.needs_review = ""  # whatever was unclear before, this answer settles it
        elif is_news:
            change.remark("another final state, nothing more is due", state=order.raw_state)
            if answer.state is ProviderOrderState.COMPLETED and order.refunded > 0:
                change.alert(causes.DELIVERED_AFTER_REFUND)
    return change
