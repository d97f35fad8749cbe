"""Child orders: which ones a provider lists of an order, and how much arrived by them.

A drip-feed's children are its runs, of a known quantity each. A subscription's children are posts, of a quantity
between its ``min`` and ``max`` that only the provider knows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.conf import settings

from core.money import EXACT, divide, multiply
from orders import own_ids
from orders.following.answers import StatusCall, is_overtaken
from orders.models import ChildOrder, ForwardAttempt, Order
from orders.states import FINAL, Progress
from upstream.messages import OrderStatus, StatusItem
from upstream.states import ProviderOrderState

UNREADABLE = "its list of child orders cannot be read"
TOO_MANY = "more child orders are listed than it can have"
OF_ANOTHER_ORDER = "a listed child order belongs to another order"


@dataclass(frozen=True)
class Family:
    """The child orders of a parent in ascending id, and what is wrong with the list in its answer, if anything."""

    children: list[ChildOrder]
    problem: str = ""


def known_children(orders: Iterable[Order]) -> dict[int, list[ChildOrder]]:
    """Return the child orders of each order that has some, by the order's id."""
    found: dict[int, list[ChildOrder]] = {}
    if parents := [order.pk for order in orders if order.may_have_children]:
        for child in ChildOrder.objects.filter(parent__in=parents).order_by("id"):
            found.setdefault(child.parent_id, []).append(child)
    return found


def take_in(order: Order, answer: StatusItem, known: list[ChildOrder], call: StatusCall) -> Family | None:
    """Attach the child orders that the answer lists for the first time; return all of them.

    None for an order that is no parent: a drip-feed whose runs nobody lists is followed like any order.
    """
    if not isinstance(answer, OrderStatus):
        return None
    is_parent = order.is_subscription or bool(known)
    if not is_parent and order.runs:
        is_bare = answer.remains is None and answer.charge is None
        lists_some = bool(answer.children) or "children_unreadable" in answer.flags
        is_parent = lists_some or (answer.children is not None and is_bare)
    family = _attach(order, answer, known, call) if is_parent and not is_overtaken(order, call) else None
    if answer.children:
        # They are orders of our key: a search for lost orders must not take one for another's.
        own_ids.note_children(
            provider_id=call.provider.pk, parent_order_id=order.pk, children=answer.children, now=call.now
        )
    return family


def _attach(order: Order, answer: OrderStatus, known: list[ChildOrder], call: StatusCall) -> Family:
    new_ids = [i for i in answer.children or () if i not in {child.upstream_id for child in known}]
    room = 2 * family_size(order) + 10 - len(known)
    family, listed = known, {"provider": call.provider, "upstream_id__in": new_ids[:room]}
    if new_ids[:room]:
        taken = set(ForwardAttempt.objects.filter(**listed).values_list("upstream_id", flat=True))
        quantity = None if order.is_subscription else order.quantity
        ChildOrder.objects.bulk_create(
            [
                ChildOrder(
                    parent=order, provider=call.provider, upstream_id=i, quantity=quantity, created_at=call.now,
                    next_poll_at=call.now,
                )
                for i in new_ids[:room]
                if i not in taken
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        family = known + list(ChildOrder.objects.filter(parent=order, **listed).order_by("id"))
    if "children_unreadable" in answer.flags:
        return Family(family, UNREADABLE)
    if len(new_ids) > room:
        return Family(family, TOO_MANY)
    return Family(family, OF_ANOTHER_ORDER if len(family) < len(known) + len(new_ids) else "")


@dataclass(frozen=True)
class FamilyTotals:
    """How a parent stands by its child orders.

    ``missing`` units did not arrive by those that are over, ``remains`` by all of them. ``charge`` is the sum of their
    charges, None where the provider names none. ``end`` is how the parent ended, None while one is open or may come.
    """

    missing: int
    remains: int
    charge: Decimal | None
    end: Progress | None


def totals_of(order: Order, children: Sequence[ChildOrder], *, names_all: bool) -> FamilyTotals:
    """Add up a parent's child orders. ``names_all`` where an answer just named its end and all of them.

    A parent that a person settled has children that nobody could count: those that are known say no more of its money
    until such an answer.
    """
    is_open = [not child.is_final for child in children]
    arrived = [child.delivered for child in children]
    ended = sum(units for units, runs in zip(arrived, is_open, strict=True) if not runs)
    missing = order.total - min(ended, order.total)
    charges = [child.charge for child in children if child.charge is not None]
    is_over = order.progress in FINAL or (bool(order.ended_as) and _lists_all(order, children))
    may_count = order.missing_by_hand is None or names_all
    return FamilyTotals(
        missing,
        max(0, order.total - sum(arrived)),
        sum(charges, Decimal(0)) if charges else None,
        end_for(order, missing) if is_over and may_count and not any(is_open) else None,
    )


def _lists_all(order: Order, children: Sequence[ChildOrder]) -> bool:
    """Whether no run is to come any more: all are listed, or the last answer lists too few of them for long enough.

    A provider may call a drip-feed completed before it lists its last runs, and a refund is not taken back.
    """
    if order.ended_as != Progress.COMPLETED or len(children) >= (order.runs or 0):
        return True
    if order.answered_at is None or order.state_since is None:
        return False
    since = max([order.state_since, *(child.created_at for child in children)])
    return order.answered_at - since >= timedelta(seconds=settings.RUNS_SETTLE_SECONDS)


def end_for(order: Order, missing: int) -> Progress:
    """How a parent ended. A subscription that ran to its end is complete, however many posts there were to serve."""
    stated = order.ended_as or order.progress
    if order.is_subscription and missing < order.total and stated in (Progress.COMPLETED, Progress.EXPIRED):
        return Progress(stated)
    if missing == 0:
        return Progress.COMPLETED
    return Progress.CANCELED if missing == order.total else Progress.PARTIAL


def quantity_of(order: Order, answer: OrderStatus) -> int | None:
    """Return the quantity of a subscription's child by its answer, None when the answer does not show it.

    By the charge at the rate of the order's day; one that has not begun also shows all of it as remaining.
    """
    low, high = bounds_of(order)
    if low == high:
        return high
    remains, charged = answer.remains, None
    if answer.charge is not None and "currency_differs" not in answer.flags and order.expected_charge > 0:
        units: Decimal = divide(multiply(answer.charge, order.total), order.expected_charge)
        charged = int(units.quantize(Decimal(1), rounding=ROUND_HALF_EVEN, context=EXACT))
    if answer.state is ProviderOrderState.PARTIAL and charged is not None and remains is not None:
        # Most providers lower the charge of a partial order to what arrived, some keep the whole one.
        charged = charged + remains if charged + remains <= high else charged
    if charged is not None and low <= charged <= high:
        return charged
    if answer.state is ProviderOrderState.PENDING and remains is not None and low <= remains <= high:
        return remains
    return None


def bounds_of(order: Order) -> tuple[int, int]:
    """Least and most units of one post of a subscription."""
    return int(order.fields.get("min") or order.quantity), order.quantity


def family_size(order: Order) -> int:
    """How many runs or posts were bought."""
    return order.runs or order.total // order.quantity
