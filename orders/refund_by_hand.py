"""The owner refunds a part or all of an order that its provider has, whatever the provider answers.

What is decided is a target: so much is refunded in all. Later answers settle towards a target of their own
(`orders.settlement`), so 30 % refunded here and then half missing make 50 % in all. What is held pays first, then what
the shop has earned.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.staff_limits import take_from_limit, within_limits
from billing import ledger
from core.money import is_amount
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from orders import lifecycle
from orders.books import order_costs
from orders.changes import Change, holds_of, lock_orders, write
from orders.models import EventKind, Order
from orders.settlement import OrderMoney, money_of
from orders.states import Forward


class NothingToRefund(Refusal):
    """The provider does not have the order, or all of it was refunded."""

    code = "nothing_to_refund"


class Stale(Refusal):
    """Money moved since the page was made."""

    code = "stale"


class BadAmount(Refusal):
    """More than is left of the charge, nothing, or finer than the shop's money."""

    code = "bad_amount"


@dataclass(frozen=True)
class Refundable:
    """``most`` is what is left of the charge, 0 if nothing may be refunded. ``seen`` stands for what that rests on."""

    most: Decimal
    seen: str


def refundable(order: Order, money: OrderMoney | None = None) -> Refundable:
    """Return how much of the order may be refunded by hand now, in the shop's currency. Moves nothing.

    ``money`` is :func:`orders.settlement.money_of` the order, where the caller knows it.
    """
    money = money or money_of(order)
    is_placed = order.forward_state == Forward.PLACED
    facts = f"{order.forward_state} {money.refunded:f}"
    return Refundable(
        money.charged - money.refunded if is_placed else Decimal(0), sha256(facts.encode()).hexdigest()[:32]
    )


def refusal_to_refund(*, is_placed: bool, most: Decimal) -> NothingToRefund | None:
    """Return why nothing of an order can be refunded, of which ``most`` may be; None if something can."""
    if not is_placed:
        return NothingToRefund(_("The provider does not have this order. Cancel it, or decide about it, instead."))
    return None if most else NothingToRefund(_("All of this order was refunded already."))


def refund_by_hand(*, order_id: int, amount: Decimal, seen: str, actor: Actor, reason: str, now: datetime) -> Decimal:
    """Refund ``amount`` more of the order, in the shop's currency; return what is refunded in all.

    ``seen`` is :func:`refundable` of the order as the person saw it, so that a second click moves nothing. Raises
    NoReason, NothingToRefund, Stale, BadAmount, OverLimit.
    """
    demand_reason(reason)
    with within_limits():
        # 1. The order as it is now, and what may be refunded of it.
        found = lock_orders([order_id], Order.objects.values_list("provider_id", flat=True).get(pk=order_id))
        now_is = refundable(found[0]) if found else Refundable(Decimal(0), seen)
        if seen != now_is.seen:
            raise Stale(_("Money of this order has moved since you opened the page. Please look again."))
        if refusal := refusal_to_refund(is_placed=bool(found), most=now_is.most):
            raise refusal
        [order] = found
        if not is_amount(amount) or amount > now_is.most:
            raise BadAmount(_("Please enter an amount from 0.00001 to %(most)s.") % {"most": f"{now_is.most:f}"})
        # 2. The money; the order stays as it is, and what is left stays held if it is open.
        holds = holds_of([order])
        total = order.refunded + amount
        memo = gettext_noop("Refunded by hand")
        change = Change(
            postings=tuple(ledger.settlement_postings(holds[order_id], total, close=False, memo=memo, actor=actor.name))
        )
        change.note(EventKind.REFUND, amount=str(amount))
        before, order.refunded = order.refunded, total
        write([(order, change)], holds, now=now)
        Order.objects.filter(pk=order_id).update(refunded_by_hand=total)
        # 3. Who did it, and why.
        detail = {"decision": "refunded", "amount": str(amount), "reason": reason.strip()[:500]}
        lifecycle.note(order_id=order_id, kind=EventKind.DECIDED, now=now, detail=detail, actor=actor.name)
        record_staff_action(
            actor, "order.refund", order, reason=reason, before={"refunded": before}, after={"refunded": total}
        )
        take_from_limit(actor, amount, action="order.refund", target=order)
        # 4. Afterwards: the hourly check locks its rows before the orders. If this is not reached, that check does it.
        transaction.on_commit(partial(order_costs.check_order, order_id, shop_currency=settings.SHOP_CURRENCY, now=now))
    return total
