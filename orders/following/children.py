"""A parent and its child orders: how much of it arrived, by what the provider says of the children. Pure.

A drip-feed's children are its runs, of a known quantity each. A subscription's children are posts, of a quantity
between its ``min`` and ``max`` that only the provider knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from core.money import EXACT, divide, multiply
from orders.models import ChildOrder, Order
from orders.states import Progress
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState


@dataclass(frozen=True)
class Reckoning:
    """Units that arrived: ``ended`` by children that are over, ``running`` by the others so far."""

    ended: int
    running: int
    open_children: int


def reckon(children: Iterable[ChildOrder]) -> Reckoning:
    ended = running = still_open = 0
    for child in children:
        if child.is_final:
            ended += child.delivered
        else:
            still_open += 1
            running += child.delivered
    return Reckoning(ended, running, still_open)


def end_for(order: Order, missing: int) -> Progress:
    """How a parent ended. A subscription that ran to its end is complete, however many posts there were to serve."""
    said = order.ended_as or order.progress
    if order.is_subscription and missing < order.total and said in (Progress.COMPLETED, Progress.EXPIRED):
        return Progress(said)
    if missing == 0:
        return Progress.COMPLETED
    return Progress.CANCELED if missing == order.total else Progress.PARTIAL


def quantity_of(order: Order, heard: OrderStatus) -> int | None:
    """The quantity of a subscription's child by what is said of it, None when that does not tell.

    By the charge at the rate of the order's day; one that has not begun also shows all of it as remaining.
    """
    low, high = bounds_of(order)
    if low == high:
        return high
    charged = _charged_for(order, heard)
    if heard.state is ProviderOrderState.PARTIAL and charged is not None and heard.remains is not None:
        # Most panels lower the charge of a partial order to what arrived, some leave the whole one standing.
        charged = charged + heard.remains if charged + heard.remains <= high else charged
    if charged is not None and low <= charged <= high:
        return charged
    if heard.state is ProviderOrderState.PENDING and heard.remains is not None and low <= heard.remains <= high:
        return heard.remains
    return None


def bounds_of(order: Order) -> tuple[int, int]:
    """Least and most units of one post of a subscription."""
    return int(order.fields.get("min") or order.quantity), order.quantity


def _charged_for(order: Order, heard: OrderStatus) -> int | None:
    if heard.charge is None or "currency_differs" in heard.flags or order.expected_charge <= 0:
        return None
    units: Decimal = divide(multiply(heard.charge, order.total), order.expected_charge)
    return int(units.quantize(Decimal(1), rounding=ROUND_HALF_EVEN, context=EXACT))


def families_size(order: Order) -> int:
    """How many runs or posts were bought."""
    return order.runs or order.total // order.quantity
