"""What a decision of staff about one order would do to its money, shown before it is done. Moves nothing."""

from datetime import datetime
from decimal import Decimal

from orders.books.margins import ZERO, cost_of
from orders.jobs import plans
from orders.jobs.by_staff import WHOLE
from orders.jobs.plans import Totals, plans_of, totals_of
from orders.models import Order
from orders.settlement import money_of


def of_refund(order: Order, amount: Decimal, *, cost_after: Decimal | None = None) -> Totals:
    """Return the money of ``order`` before and after ``amount`` more is refunded.

    ``cost_after`` is what the provider bills then, where that is less than what it bills now.
    """
    money, cost = money_of(order), cost_of(order).amount
    return Totals(
        orders=1, paid=money.charged - money.refunded, refund=amount, later=ZERO, at_once=1, cost=cost,
        cost_after=cost if cost_after is None else cost_after,
    )  # fmt: skip


def of_settling(order: Order, refund: Decimal) -> Totals:
    """Return the money of an order that is settled with ``refund``; a charge that no answer named falls with it."""
    settled = Order(
        forward_state=order.forward_state, charge=order.charge, refunded=order.refunded + refund,
        expected_cost=order.expected_cost, expected_charge=order.expected_charge,
        provider_charge=order.provider_charge, answered_currency=order.answered_currency,
        provider_currency=order.provider_currency,
    )  # fmt: skip
    return of_refund(order, refund, cost_after=cost_of(settled).amount)


def of_not_placed(order: Order) -> Totals:
    """Return the money of an order in doubt that is refunded because it was not placed: the provider bills nothing."""
    money = money_of(order)
    return of_refund(order, money.charged - money.refunded, cost_after=ZERO)


def of_canceling(order: Order, *, now: datetime) -> Totals | None:
    """Return the money of a cancellation, None while ``order`` cannot be canceled."""
    found = plans_of([order.pk], plans.cancel, percent=WHOLE, now=now)
    return None if any(plan.why_not for plan in found) else totals_of(found)
