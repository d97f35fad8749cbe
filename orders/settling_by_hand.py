"""The owner settles an order that no answer of its provider will settle, or decides that nothing is to do about it.

What a provider answers may stay unclear for ever: partial without a number, canceled after a part, an id that it
forgot, children that cannot be read. The owner looks it up at the provider and enters how many did not arrive. From
there it is the same settlement towards a target as after an answer (`orders.settlement.settle`), and later answers are
applied as ever.

One number fits every type: the units of a subscription's posts are counted in ``(posts + old posts) × max``, its total,
and so is what the owner enters. One whose provider stated that it ran to its end stays completed with less than its
total.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from orders import lifecycle, settlement
from orders.books import order_costs
from orders.changes import holds_of, lock_orders, write
from orders.following import children
from orders.models import EventKind, Order
from orders.settlement import money_of
from orders.states import FINAL, Forward

#: What a decision rests on. Whatever of it differs from what the page showed makes the form a stale one.
_SHOWN = (
    "forward_state", "progress", "ended_as", "raw_state", "remains", "start_count", "provider_charge", "needs_review",
    "refunded",
)  # fmt: skip


class NothingToDecide(Refusal):
    """The order does not need a review, or not this decision."""

    code = "nothing_to_decide"


class Stale(Refusal):
    """An answer or a decision came since the page was made."""

    code = "stale"


class OutOfRange(Refusal):
    """More than was bought, or less than nothing."""

    code = "out_of_range"


class MovesNothing(Refusal):
    """The order is over, and at least as much was refunded already."""

    code = "moves_nothing"


class StillHeld(Refusal):
    """Money is held, so there is something to do."""

    code = "still_held"


@dataclass(frozen=True)
class Choice:
    """What may be decided about an order. ``seen`` stands for what the decision rests on."""

    may_settle: bool
    may_dismiss: bool
    seen: str

    def __bool__(self) -> bool:
        return self.may_settle or self.may_dismiss


def choice_of(order: Order) -> Choice:
    """What its owner may decide about it now. Moves nothing."""
    held = money_of(order).held
    is_placed = order.forward_state == Forward.PLACED
    may_settle = is_placed and (order.progress not in FINAL or order.refunded < order.charge)
    asks = bool(order.needs_review)
    return Choice(asks and may_settle, asks and held == 0, _fingerprint(order, held))


def refund_of(order: Order, missing: int) -> Decimal:
    """Return how much more is refunded if ``missing`` of the units did not arrive. Moves nothing."""
    money = money_of(order)
    return max(Decimal(0), min(settlement.due_for(order, missing), money.charged) - money.refunded)


def settle_by_hand(*, order_id: int, missing: int, seen: str, actor: Actor, reason: str, now: datetime) -> bool:
    """Settle the order as if its provider had answered that ``missing`` did not arrive; False when it was before.

    ``seen`` is the :func:`choice_of` the order as the person saw it. Raises NoReason, NothingToDecide, Stale,
    OutOfRange, MovesNothing, OverLimit.
    """
    demand_reason(reason)
    with within_limits():
        found = lock_orders([order_id], Order.objects.values_list("provider_id", flat=True).get(pk=order_id))
        if not found:
            raise NothingToDecide(_("The provider does not have this order."))
        [order] = found
        if order.missing_by_hand == missing and not order.needs_review:
            return False
        _demand_same(order, seen)
        if not 0 <= missing <= order.total:
            raise OutOfRange(_("Please enter a whole number from 0 to %(total)s.") % {"total": order.total})
        was_over, reviewed, refunded = order.progress in FINAL, order.needs_review, order.refunded
        holds = holds_of([order])
        end = children.end_for(order, missing)
        change = settlement.settle(order, holds[order_id], end, missing, remains=missing, now=now, actor=actor.name)
        if change is None or (was_over and not change.postings):
            raise MovesNothing(_("At least as much was refunded already. If nothing is to do, say so."))
        _note(order, {"decision": "settled", "not delivered": missing}, actor, reason, now)
        order.needs_review = ""
        write([(order, change)], holds, now=now)
        Order.objects.filter(pk=order_id).update(reviewed=reviewed, missing_by_hand=missing)
        take_from_limit(actor, order.refunded - refunded, action="order.settle", target=order)
    # Outside: the hourly check locks its rows before the orders. If this is not reached, that check does it.
    order_costs.check_order(order_id, shop_currency=settings.SHOP_CURRENCY, now=now)
    return True


def nothing_to_do(*, order_id: int, seen: str, actor: Actor, reason: str, now: datetime) -> bool:
    """Decide that the order stays as it is; False when that was decided before.

    Raises NoReason, NothingToDecide, Stale, StillHeld.
    """
    demand_reason(reason)
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order_id)
        held = money_of(order).held
        # Decided before: all is as it was shown, only the review is gone. One that was settled since is another case.
        same = (_fingerprint(order, held), _fingerprint(order, held, needs_review=order.reviewed))
        if not order.needs_review and order.reviewed and seen in same:
            return False
        _demand_same(order, seen)
        if held > 0:
            raise StillHeld(_("Money is still held for this order."))
        _note(order, {"decision": "nothing to do"}, actor, reason, now)
        Order.objects.filter(pk=order_id).update(needs_review="", reviewed=order.needs_review)
    return True


def _demand_same(order: Order, seen: str) -> None:
    if not order.needs_review:
        raise NothingToDecide(_("This order does not need a look any more."))
    if seen != _fingerprint(order, money_of(order).held):
        raise Stale(_("Something about this order has changed since you opened the page. Please look again."))


def _note(order: Order, detail: dict[str, str | int], actor: Actor, reason: str, now: datetime) -> None:
    detail |= {"about": order.needs_review, "reason": reason.strip()[:500]}
    lifecycle.note(order_id=order.pk, kind=EventKind.DECIDED, now=now, detail=detail, actor=actor.name)
    action = "order.settle" if detail["decision"] == "settled" else "order.nothing_to_do"
    record_staff_action(actor, action, order, reason=reason, after=detail)


def _fingerprint(order: Order, held: Decimal, **otherwise: object) -> str:
    """Return a digest of everything a decision rests on, with some of it ``otherwise`` than it is."""
    values = [otherwise.get(name, getattr(order, name)) for name in _SHOWN] + [held]
    texts = [f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) for value in values]
    return sha256("\n".join(texts).encode()).hexdigest()[:32]
