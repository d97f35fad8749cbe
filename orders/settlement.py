"""From what a provider answered to money: how much is due back, and the only calls of the ledger for an order's end.

Settlement works towards a target. Whatever list of answers arrives, in any order, any number of times, an order refunds
no more than its largest single target, and never more than was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext_noop

from billing import ledger
from billing.models import Hold
from core.money import divide, multiply, round_down
from orders import lifecycle
from orders.changes import Change
from orders.models import EventKind, Order
from orders.states import FINAL, Progress
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

#: States of a provider that end an order, and so close its hold.
_ENDS = {
    ProviderOrderState.COMPLETED: Progress.COMPLETED,
    ProviderOrderState.PARTIAL: Progress.PARTIAL,
    ProviderOrderState.CANCELED: Progress.CANCELED,
    ProviderOrderState.REFUNDED: Progress.REFUNDED,
    ProviderOrderState.EXPIRED: Progress.EXPIRED,
}

#: Why an order with child orders does not settle from its own answer.
SETTLES_FROM_CHILDREN = "its money settles from child orders"
#: Why an order counts as canceled that the provider called failed for too long.
FAILED_TOO_LONG = "failed, and not sent again in time"


@dataclass(frozen=True)
class End:
    """How something ended: ``missing`` of its units did not arrive, None when that is not known.

    ``review`` says in a few words why a person should look; ``remark`` is a line for the owner's timeline.
    """

    progress: Progress
    missing: int | None = None
    review: str = ""
    remark: str = ""


def end_of(answer: OrderStatus, total: int, *, failed_for: timedelta | None = None) -> End | None:
    """Return what one answer says about the end of ``total`` units, None when it ends nothing.

    ``failed_for`` is how long the provider has called it failed, which is an end only after FAILED_GRACE_SECONDS:
    providers send failed orders again.
    """
    if answer.state is ProviderOrderState.FAILED:
        is_over = failed_for is not None and failed_for >= timedelta(seconds=settings.FAILED_GRACE_SECONDS)
        return End(Progress.CANCELED, total, remark=FAILED_TOO_LONG) if is_over else None
    progress, remains = _ENDS.get(answer.state), answer.remains
    match progress:
        case None:
            return None
        case Progress.COMPLETED:
            return End(progress, 0)
        case Progress.EXPIRED:
            return End(progress, review=SETTLES_FROM_CHILDREN)
        case Progress.PARTIAL:
            if remains is None:
                return End(progress, review="partial without a readable remains")
            missing = max(0, min(remains, total))
            is_odd = remains != missing or missing == 0
            return End(progress, missing, remark=f"partial with remains {remains} of {total}" if is_odd else "")
        case _:  # canceled or refunded
            is_charged = answer.charge is not None and answer.charge > 0
            if is_charged and remains is not None and 0 < remains < total:
                return End(progress, review="canceled after a part was delivered and charged")
            remark = "canceled, and the provider still shows a charge" if is_charged else ""
            return End(progress, total, remark=remark)


def final_state_of(answer: OrderStatus) -> Progress | None:
    """Return the final progress that the answer's state stands for, None when the state ends nothing at once."""
    return _ENDS.get(answer.state)


def due_for(order: Order, missing: int) -> Decimal:
    """Return what the customer should have back in all when ``missing`` of the order's units did not arrive."""
    return round_down(divide(multiply(order.charge, missing), order.total))


def settle(
    order: Order,
    hold: Hold,
    progress: Progress,
    missing: int,
    *,
    remains: int | None,
    now: datetime,
    actor: str = "",
    account_of: ledger.OwnAccount = ledger.own_account_id,
) -> Change | None:
    """End an order, or end it in another way than before, with ``missing`` units not delivered.

    Returns what else that changes, or None when it may not: money only grows towards the customer, so another end under
    which nothing more is due is not taken over. ``actor`` is the person who decided it, where no answer did.
    """
    due = due_for(order, missing)
    postings = ledger.settlement_postings(hold, due, close=True, actor=actor, account_of=account_of)
    refund = sum((p.amount for p in postings if p.target_id == hold.wallet_id), Decimal(0))
    may_change = refund > 0 or order.progress not in FINAL
    if order.progress != progress and not may_change:
        return None
    change = Change(postings=tuple(postings))
    if order.progress != progress:
        order.finished_at = order.finished_at or now
        change.ended = progress
        change.note(EventKind.FINISHED, state=progress.value, remains=remains)
    order.progress, order.ended_as = progress, ""
    if may_change:
        order.remains = remains
    if refund:
        order.refunded += refund
        change.note(EventKind.REFUND, amount=str(refund))
    return change


def share(
    order: Order, hold: Hold, missing: int, *, child_id: int, account_of: ledger.OwnAccount = ledger.own_account_id
) -> Change:
    """Return the share that an open order has earned by its ended child orders: all but ``missing`` units.

    ``child_id`` is the one that ended just now.
    """
    earned = order.charge - due_for(order, missing)
    postings = ledger.share_postings(hold, earned, earned_by=f"child:{child_id}", account_of=account_of)
    return Change(postings=tuple(postings))


def refund_everything(order: Order, *, now: datetime, memo: str = "") -> None:
    """Refund the whole charge of an order that was never bought. The caller has locked the order."""
    hold = Hold.objects.get(reference=order.reference)
    if ledger.post(ledger.settlement_postings(hold, order.charge, close=True, memo=memo or gettext_noop("Not placed"))):
        Order.objects.filter(pk=order.pk).update(refunded=order.charge)
        lifecycle.note(order_id=order.pk, kind=EventKind.REFUND, now=now, detail={"amount": str(order.charge)})


@dataclass(frozen=True)
class OrderMoney:
    """The hold of one order: charged = earned + refunded + held, at every moment."""

    charged: Decimal
    earned: Decimal
    refunded: Decimal

    @property
    def held(self) -> Decimal:
        return self.charged - self.earned - self.refunded

    @property
    def amounts(self) -> list[Decimal]:
        return [self.charged, self.earned, self.refunded, self.held]


def money_of(order: Order) -> OrderMoney:
    return moneys_of([order])[order.pk]


def moneys_of(orders: Sequence[Order]) -> dict[int, OrderMoney]:
    """Return the money of each order by its id, in one query."""
    holds = Hold.objects.filter(pk__in=[order.reference for order in orders])
    rows = {pk: OrderMoney(*money) for pk, *money in holds.values_list("pk", "charged", "earned", "refunded")}
    return {o.pk: rows.get(o.reference) or OrderMoney(o.charge, Decimal(0), o.refunded) for o in orders}
