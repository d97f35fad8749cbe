"""Recording which ids of a provider belong to our key. Part of the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orders.models import ForwardAttempt, OwnId
from orders.states import Explanation, Shape
from upstream.messages import Ignored, OrderStatus
from upstream.states import ProviderOrderState

_MOST = 2**63 - 1


def number_of(upstream_id: str) -> int | None:
    """Return the id as a number of a counter; None if it is none."""
    if not (upstream_id.isascii() and upstream_id.isdigit()):
        return None
    return number if (number := int(upstream_id)) <= _MOST else None


def note_placed(attempt: ForwardAttempt, upstream_id: str, *, now: datetime) -> None:
    """Record that the attempt placed this id. The id's first answer stays."""
    own = {"explained": Explanation.ATTEMPT, "attempt": attempt, "parent": None}
    _record(attempt.provider_id, upstream_id, now, own)


def note_test(provider_id: int, upstream_id: str, *, actor: str, now: datetime) -> None:
    """Record that the owner's test order placed this id."""
    _record(provider_id, upstream_id, now, {"explained": Explanation.TEST, "decided_by": actor[:254]})


def note_children(*, provider_id: int, parent_order_id: int, children: Iterable[str], now: datetime) -> None:
    """Record that the provider lists these ids as runs of an order of ours. One that is attached already stays so."""
    for child in children:
        own = {"explained": Explanation.CHILD, "parent_id": parent_order_id}
        if not _record(provider_id, child, now, own, only_new=True):
            rows = OwnId.objects.filter(provider_id=provider_id, upstream_id=child)
            rows.exclude(explained__in=[Explanation.ATTEMPT, Explanation.CHILD]).update(**own)


def note_seen(provider_id: int, upstream_id: str, item: OrderStatus | Ignored | None, *, now: datetime) -> bool:
    """Record that a search met this id; return True if it is new. The first readable answer is kept for good."""
    is_new = _record(provider_id, upstream_id, now, {}, only_new=True)
    if isinstance(item, OrderStatus):
        unread = OwnId.objects.filter(provider_id=provider_id, upstream_id=upstream_id, answered_at=None)
        unread.update(answered_at=now, **first_answer(item))
    return is_new


def note_charge(provider_id: int, upstream_id: str, item: OrderStatus, *, now: datetime) -> None:
    """Record an answer that names the charge of an id in place of an earlier one that did not.

    When the id was first seen stays.
    """
    rows = OwnId.objects.filter(provider_id=provider_id, upstream_id=upstream_id)
    rows.update(answered_at=now, **first_answer(item))


def first_answer(item: OrderStatus) -> dict[str, Any]:
    """Return the columns that a status answer fills. A charge in a currency not agreed on proves nothing."""
    remains = item.remains if item.remains is not None and abs(item.remains) <= _MOST else None
    return {
        "state": item.state.value,
        "charge": None if "currency_differs" in item.flags else item.charge,
        "remains": remains,
        "shape": shape_of(item).value,
        "runs": item.runs,
    }


def shape_of(item: OrderStatus) -> Shape:
    """Return the shape of an answer: a parent lists children and names its runs or posts in place of a charge."""
    if item.charge is not None:
        return Shape.PLAIN
    if item.posts is not None or item.state in (ProviderOrderState.ACTIVE, ProviderOrderState.EXPIRED):
        return Shape.SUBSCRIPTION
    if item.runs is not None or item.children is not None:
        return Shape.DRIP
    return Shape.PLAIN


def _record(provider_id: int, upstream_id: str, now: datetime, own: dict[str, Any], *, only_new: bool = False) -> bool:
    row, is_new = OwnId.objects.get_or_create(
        provider_id=provider_id,
        upstream_id=upstream_id,
        defaults={"number": number_of(upstream_id), "first_seen_at": now, **own},
    )
    if not is_new and not only_new:
        OwnId.objects.filter(pk=row.pk).update(**own)
    return is_new
