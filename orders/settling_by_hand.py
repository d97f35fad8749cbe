"""The owner settles an order that no answer of its provider will settle, or says that nothing is to do about it.

What a provider said may stay unclear for ever: partial without a number, canceled after a part, an id that it forgot,
children that cannot be read. The owner looks into the provider's panel and says how many did not arrive. From there it
is the same settlement towards a target as after an answer (`orders.following.batch`), and later answers are applied
as ever.

One number fits every type: the units of a subscription's posts are counted in ``(posts + old posts) × max``, its total,
and so is what the owner says of it. One that was said to have run to its end stays completed with less than its total.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.refusals import Refusal, demand_reason
from orders import lifecycle, settlement
from orders.books import order_costs
from orders.following import children
from orders.following.batch import Round, locked, write
from orders.models import EventKind, Order
from orders.settlement import money_of
from orders.states import FINAL, Forward

#: What a decision rests on. Whatever of it differs from what the page showed makes the form a stale one.
_SHOWN = (
    "forward_state", "progress", "ended_as", "raw_state", "remains", "start_count", "provider_charge", "needs_review",
    "refunded",
)  # fmt: skip


class NothingToDecide(Refusal):
    """The order does not need a look, or not this decision."""

    code = "nothing_to_decide"


class Stale(Refusal):
    """Something was heard or decided since the page was made."""

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
    return Choice(asks and may_settle, asks and held == 0, _seen(order, held))


def settle_by_hand(*, order_id: int, missing: int, seen: str, actor: str, reason: str, now: datetime) -> bool:
    """Settle the order as if its provider had said that ``missing`` did not arrive; False when just that was decided.

    ``seen`` is :func:`choice_of` the order as the person saw it. Raises NoReason, NothingToDecide, Stale, OutOfRange,
    MovesNothing.
    """
    demand_reason(reason)
    with transaction.atomic():
        order = _locked(order_id)
        if order.missing_by_hand == missing and not order.needs_review:
            return False
        _demand_same(order, seen)
        if not 0 <= missing <= order.total:
            raise OutOfRange(_("Please enter a whole number from 0 to %(total)s.") % {"total": order.total})
        _settle(order, missing, actor, reason, now)
    # Outside: the hourly look locks its rows before the orders. If this is not reached, that look does it.
    order_costs.check_order(order_id, shop_currency=settings.SHOP_CURRENCY, now=now)
    return True


def nothing_to_do(*, order_id: int, seen: str, actor: str, reason: str, now: datetime) -> bool:
    """The order was looked at and stays as it is; False when that was decided before.

    Raises NoReason, NothingToDecide, Stale, StillHeld.
    """
    demand_reason(reason)
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=order_id)
        if _said_so_before(order, seen):
            return False
        _demand_same(order, seen)
        if money_of(order).held > 0:
            raise StillHeld(_("Money is still held for this order."))
        _note(order, {"decision": "nothing to do"}, actor, reason, now)
        Order.objects.filter(pk=order_id).update(needs_review="", reviewed=order.needs_review)
    return True


def _locked(order_id: int) -> Order:
    found = locked([order_id], Order.objects.values_list("provider_id", flat=True).get(pk=order_id))
    if not found:
        raise NothingToDecide(_("The provider does not have this order."))
    return found[0]


def _demand_same(order: Order, seen: str) -> None:
    if not order.needs_review:
        raise NothingToDecide(_("This order does not need a look any more."))
    if seen != _seen(order, money_of(order).held):
        raise Stale(_("Something about this order has changed since you opened the page. Please look again."))


def _settle(order: Order, missing: int, actor: str, reason: str, now: datetime) -> None:
    was_over, about = order.progress in FINAL, order.needs_review
    this = Round(order.provider, now, now, settlement.holds_of([order]), actor=actor)
    this.end(order, children.end_for(order, missing), settlement.due_for(order, missing), remains=missing)
    if was_over and not this.postings:
        raise MovesNothing(_("At least as much was refunded already. If nothing is to do, say so."))
    _note(order, {"decision": "settled", "not delivered": missing}, actor, reason, now)
    order.needs_review = ""
    write([order], this)
    Order.objects.filter(pk=order.pk).update(reviewed=about, missing_by_hand=missing)


def _said_so_before(order: Order, seen: str) -> bool:
    """Whether all is as it was shown, and just the need to look is gone. One that was settled since is another."""
    if order.needs_review or not order.reviewed:
        return False
    held = money_of(order).held
    return seen in (_seen(order, held), _seen(order, held, needs_review=order.reviewed))


def _note(order: Order, detail: dict[str, str | int], actor: str, reason: str, now: datetime) -> None:
    detail |= {"about": order.needs_review, "reason": reason.strip()[:500]}
    lifecycle.note(order_id=order.pk, kind=EventKind.DECIDED, now=now, detail=detail, actor=actor)


def _seen(order: Order, held: Decimal, **otherwise: object) -> str:
    facts = [_text(otherwise.get(name, getattr(order, name))) for name in _SHOWN]
    return sha256("\n".join([*facts, _text(held)]).encode()).hexdigest()[:32]


def _text(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
