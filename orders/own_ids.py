"""Writing down which order numbers of a provider answer to our key. Part of the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orders.models import ForwardAttempt, OwnId
from orders.states import Explanation, Shape
from upstream.messages import Ignored, OrderStatus
from upstream.states import ProviderOrderState

_MOST = 2**63 - 1


def number_of(upstream_id: str) -> int | None:
    """The id as a number of a counter, None when it is none."""
    if not (upstream_id.isascii() and upstream_id.isdigit()):
        return None
    return number if (number := int(upstream_id)) <= _MOST else None


def note_placed(attempt: ForwardAttempt, upstream_id: str, *, now: datetime) -> None:
    """This attempt placed this id. What was first heard of the id stays."""
    own = {"explained": Explanation.ATTEMPT, "attempt": attempt, "parent": None}
    _note(attempt.provider_id, upstream_id, now, own)


def note_children(*, provider_id: int, parent_order_id: int, children: Iterable[str], now: datetime) -> None:
    """The provider listed these ids as runs of an order of ours. One that is attached already stays what it is."""
    for child in children:
        own = {"explained": Explanation.CHILD, "parent_id": parent_order_id}
        if not _note(provider_id, child, now, own, only_new=True):
            rows = OwnId.objects.filter(provider_id=provider_id, upstream_id=child)
            rows.exclude(explained__in=[Explanation.ATTEMPT, Explanation.CHILD]).update(**own)


def note_seen(provider_id: int, upstream_id: str, item: OrderStatus | Ignored | None, *, now: datetime) -> bool:
    """A search met this id; whether it is new. The first answer that can be read is kept for good."""
    is_new = _note(provider_id, upstream_id, now, {}, only_new=True)
    if isinstance(item, OrderStatus):
        unread = OwnId.objects.filter(provider_id=provider_id, upstream_id=upstream_id, answered_at=None)
        unread.update(answered_at=now, **first_answer(item))
    return is_new


def first_answer(item: OrderStatus) -> dict[str, Any]:
    """The columns that a status answer fills. A charge in a currency we did not agree on tells nothing."""
    remains = item.remains if item.remains is not None and abs(item.remains) <= _MOST else None
    return {
        "state": item.state.value,
        "charge": None if "currency_differs" in item.flags else item.charge,
        "remains": remains,
        "shape": shape_of(item).value,
        "runs": item.runs,
    }


def shape_of(item: OrderStatus) -> Shape:
    """A parent lists children and names its runs or posts in place of a charge."""
    if item.charge is not None:
        return Shape.PLAIN
    if item.posts is not None or item.state in (ProviderOrderState.ACTIVE, ProviderOrderState.EXPIRED):
        return Shape.SUBSCRIPTION
    if item.runs is not None or item.children is not None:
        return Shape.DRIP
    return Shape.PLAIN


def _note(provider_id: int, upstream_id: str, now: datetime, own: dict[str, Any], *, only_new: bool = False) -> bool:
    row, is_new = OwnId.objects.get_or_create(
        provider_id=provider_id,
        upstream_id=upstream_id,
        defaults={"number": number_of(upstream_id), "first_seen_at": now, **own},
    )
    if not is_new and not only_new:
        OwnId.objects.filter(pk=row.pk).update(**own)
    return is_new
