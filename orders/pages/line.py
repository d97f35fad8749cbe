"""The runs of a drip-feed or the posts of a subscription in the order of time: done, running, next and later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from orders.following.children import family_size
from orders.models import ChildOrder, Order
from orders.settlement import due_for

#: Begun ones that are listed, the newest; and how many of those to come.
_MOST_BEGUN, _MOST_TO_COME = 20, 3
#: More than these would be a wall of numbers.
_MOST_IN_STRIP = 60


@dataclass(frozen=True)
class Stop:
    """One run or post. ``css`` is where it stands: is-done, is-now, is-next, or is-later.

    ``at`` is when it began, or will begin as far as the pause between runs says; None if that is not known.
    ``amount`` is what its delivered units cost, None before it has ended.
    """

    number: int
    css: str
    child: ChildOrder | None
    delivered: int
    quantity: int | None
    at: datetime | None = None
    ended_at: datetime | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class Line:
    """``size`` were ordered, of which so many are done, running and left; ``earlier`` and ``more`` are not listed.

    ``units_left`` have not begun, and ``money_left`` is what is reserved for them.
    """

    size: int
    done: int
    running: int
    left: int
    stops: list[Stop]
    earlier: int
    more: int
    units_left: int
    money_left: Decimal

    @property
    def strip(self) -> list[tuple[int, str]]:
        """The number and the class of each, empty if they are too many."""
        if self.size > _MOST_IN_STRIP:
            return []
        css = ["is-done"] * self.done + ["is-now"] * self.running
        css += ["is-next"] * bool(self.left) + ["is-later"] * (self.left - 1)
        return list(enumerate(css[: self.size], start=1))


def line_of(order: Order, children: Sequence[ChildOrder], *, now: datetime) -> Line:
    """Return the line of a drip-feed or subscription; of a drip-feed whose runs nobody lists, by what was delivered."""
    size = family_size(order)
    begun = [_begun(order, n, child) for n, child in enumerate(children, start=1)] or _by_count(order)
    left = 0 if order.is_final else max(0, size - len(begun))
    to_come = [
        Stop(n, "is-next" if n == len(begun) + 1 else "is-later", None, 0, None, at=_planned(order, n, now))
        for n in range(len(begun) + 1, len(begun) + min(left, _MOST_TO_COME) + 1)
    ]
    done = sum(stop.css == "is-done" for stop in begun)
    units = 0 if order.is_final else max(0, order.total - sum(stop.quantity or order.quantity for stop in begun))
    return Line(
        size=size,
        done=done,
        running=len(begun) - done,
        left=left,
        stops=begun[-_MOST_BEGUN:] + to_come,
        earlier=max(0, len(begun) - _MOST_BEGUN),
        more=left - len(to_come),
        units_left=units,
        money_left=due_for(order, units),
    )


def _begun(order: Order, number: int, child: ChildOrder) -> Stop:
    is_done = child.is_final
    amount = due_for(order, min(child.delivered, order.total)) if is_done else None
    css, ended_at = ("is-done", child.finished_at) if is_done else ("is-now", None)
    return Stop(number, css, child, child.delivered, child.quantity, child.created_at, ended_at, amount)


def _by_count(order: Order) -> list[Stop]:
    """The runs that began as far as the count of the whole order shows; of a subscription it shows none."""
    if order.is_subscription or not order.quantity:
        return []
    whole, part = divmod(order.delivered, order.quantity)
    each = due_for(order, order.quantity)
    stops = [Stop(n, "is-done", None, order.quantity, order.quantity, amount=each) for n in range(1, whole + 1)]
    if part:
        stops.append(Stop(whole + 1, "is-done" if order.is_final else "is-now", None, part, order.quantity))
    return stops


def _planned(order: Order, number: int, now: datetime) -> datetime | None:
    """When a run is to begin, None for posts and for a time that has passed."""
    if order.placed_at is None or not order.runs or not order.interval:
        return None
    at = order.placed_at + timedelta(minutes=order.interval * (number - 1))
    return at if at > now else None
