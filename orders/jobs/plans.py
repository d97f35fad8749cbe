"""What a job of staff would do to each order, and to the money of all of them. Moves nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from core.money import divide, multiply, round_down
from orders import decisions
from orders.books.margins import ZERO, cost_of
from orders.cancellations import refusal_to_cancel
from orders.models import RESTORED, Cancellation, ForwardAttempt, Order, Refill, ShopState
from orders.refills import refusal_to_refill
from orders.refund_by_hand import refundable, refusal_to_refund
from orders.settlement import OrderMoney, moneys_of
from orders.states import Forward, Outcome


@dataclass(frozen=True)
class Plan:
    """What would be done to one order; ``why_not`` is empty if it can be.

    ``seen`` stands for what that rests on. ``refund`` goes to the customer at once, and ``later`` at most, if the
    provider agrees. ``cost`` is what the provider bills now, and ``cost_after`` afterwards.
    """

    order: Order
    why_not: str = ""
    seen: str = ""
    paid: Decimal = ZERO
    refund: Decimal = ZERO
    later: Decimal = ZERO
    cost: Decimal = ZERO
    cost_after: Decimal = ZERO


@dataclass(frozen=True)
class Totals:
    """The money of all orders that can be asked about, in the shop's currency: now, and if all of it is done."""

    orders: int
    paid: Decimal
    refund: Decimal
    later: Decimal
    at_once: int
    cost: Decimal
    cost_after: Decimal

    @property
    def paid_after(self) -> Decimal:
        return self.paid - self.refund - self.later

    @property
    def profit(self) -> Decimal:
        return self.paid - self.cost

    @property
    def profit_after(self) -> Decimal:
        return self.paid_after - self.cost_after


@dataclass(frozen=True)
class Facts:
    """What the plans of many orders rest on, read at once. ``percent`` is what is refunded of what is left."""

    now: datetime
    percent: Decimal
    is_restored: bool
    money: dict[int, OrderMoney] = field(default_factory=dict)
    doubts: dict[int, ForwardAttempt] = field(default_factory=dict)


Planner = Callable[[Order, Facts], Plan]


def plans_of(numbers: Iterable[int], planner: Planner, *, percent: Decimal, now: datetime) -> list[Plan]:
    """Return what would be done to each of these orders, newest first.

    Orders in doubt cost a few queries each; the number of all others does not grow with the orders.
    """
    orders = list(
        Order.objects.filter(pk__in={*numbers})
        .select_related("service__source__provider")
        .prefetch_related(Prefetch("refills", queryset=Refill.objects.order_by("-id")))
        .prefetch_related(Prefetch("cancellations", queryset=Cancellation.objects.order_by("-id")))
        .order_by("-id")
    )
    doubts = ForwardAttempt.objects.filter(
        outcome=Outcome.IN_DOUBT, order__in=[order.pk for order in orders if order.is_in_doubt]
    )
    facts = Facts(
        now=now,
        percent=percent,
        is_restored=ShopState.objects.filter(RESTORED).exists(),
        money=moneys_of(orders),
        doubts={attempt.order_id: attempt for attempt in doubts},
    )
    return [planner(order, facts) for order in orders]


def totals_of(plans: Sequence[Plan]) -> Totals:
    """Add up the money of the orders that can be asked about."""
    possible = [plan for plan in plans if not plan.why_not]
    return Totals(
        orders=len(possible),
        paid=sum((plan.paid for plan in possible), ZERO),
        refund=sum((plan.refund for plan in possible), ZERO),
        later=sum((plan.later for plan in possible), ZERO),
        at_once=sum(plan.refund > 0 for plan in possible),
        cost=sum((plan.cost for plan in possible), ZERO),
        cost_after=sum((plan.cost_after for plan in possible), ZERO),
    )


def share_of(most: Decimal, percent: Decimal) -> Decimal:
    """Return ``percent`` of an amount, rounded down to what can be paid."""
    return round_down(divide(multiply(most, percent), 100))


def cancel(order: Order, facts: Facts) -> Plan:
    """An order that was not sent is refunded at once; about any other the provider is asked."""
    if refusal := refusal_to_cancel(order, is_restored=facts.is_restored):
        return Plan(order, str(refusal.message))
    left, cost = _left(order, facts), cost_of(order).amount
    if order.forward_state == Forward.QUEUED:
        return Plan(order, paid=left, refund=left, cost=cost)
    return Plan(order, paid=left, later=left, cost=cost)


def refund(order: Order, facts: Facts) -> Plan:
    """So many percent of what is left are refunded, and the provider bills what it did."""
    found = refundable(order, facts.money[order.pk])
    is_placed = order.forward_state == Forward.PLACED
    if refusal := refusal_to_refund(is_placed=is_placed, most=found.most):
        return Plan(order, str(refusal.message), seen=found.seen)
    amount, cost = share_of(found.most, facts.percent), cost_of(order).amount
    if not amount:
        return Plan(order, _("That part of what is left is less than the smallest amount."))
    return Plan(order, seen=found.seen, paid=_left(order, facts), refund=amount, cost=cost, cost_after=cost)


def resend(order: Order, facts: Facts) -> Plan:
    """An order in doubt is decided as not placed, and sent again."""
    attempt = facts.doubts.get(order.pk)
    if attempt is None:
        return Plan(order, _("This order is not in doubt."))
    if refusal := decisions.refusal_to_not_placed(attempt, now=facts.now):
        return Plan(order, str(refusal.message), seen=str(attempt.pk))
    cost = cost_of(order).amount
    return Plan(order, seen=str(attempt.pk), paid=_left(order, facts), cost=cost, cost_after=cost)


def refill(order: Order, facts: Facts) -> Plan:
    """No money moves."""
    refusal = refusal_to_refill(order, now=facts.now)
    return Plan(order, str(refusal.message) if refusal else "")


def note(order: Order, facts: Facts) -> Plan:
    """A note is possible about any order."""
    return Plan(order)


def _left(order: Order, facts: Facts) -> Decimal:
    """What the customer pays for it as things stand."""
    money = facts.money[order.pk]
    return money.charged - money.refunded
