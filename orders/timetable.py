"""When something is due again. Pure functions of ages and counts; the jitter comes from the row's id."""

from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings

from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

#: (younger than, in units of POLL_SECONDS): an open order is asked about often while young and rarely when old.
_OPEN_TIERS = ((timedelta(hours=1), 1), (timedelta(days=1), 5), (timedelta(days=7), 15), (timedelta.max, 60))
#: The same for a final order, counted from its end: late Partial and Canceled do happen. After 30 days nobody asks.
_FINAL_TIERS = ((timedelta(days=1), 30), (timedelta(days=7), 180), (timedelta(days=30), 720))
_LONGEST_MISS = 30


def next_poll(
    *, order_id: int, since: datetime, now: datetime, misses: int = 0, finished_at: datetime | None = None
) -> datetime | None:
    """When to ask about an order again, or None when it is closed for good.

    ``misses`` failed or missing answers in a row double the pause up to 30 × POLL_SECONDS, never below the tier.
    """
    units = _units(now - finished_at, _FINAL_TIERS) if finished_at else _units(now - since, _OPEN_TIERS)
    if units is None:
        return None
    units = max(units, min(2**misses, _LONGEST_MISS)) if misses else units
    return now + timedelta(seconds=settings.POLL_SECONDS * units * _jitter(order_id))


def _units(age: timedelta, tiers: tuple[tuple[timedelta, int], ...]) -> int | None:
    return next((units for limit, units in tiers if age < limit), None)


def _jitter(order_id: int) -> float:
    """Between 0.9 and 1.1, so that orders placed together do not stay in step for ever."""
    return 0.9 + (order_id * 2654435761 % 1000) / 5000


def asked_for(retry_after: float | None) -> float:
    """How many seconds to leave a provider alone that asked for so many: an hour at most, whatever it says."""
    return min(retry_after or 0.0, 3600.0)


def backoff(tries: int, *, retry_after: float | None = None) -> timedelta:
    """The pause before an order is tried again: 2 s doubling to 10 min, or what the provider asked for if longer."""
    pause = min(2.0 * 2 ** min(max(tries, 1) - 1, 16), 600.0)
    return timedelta(seconds=max(pause, asked_for(retry_after)))


class Told(Protocol):
    """What a provider tells of: an order, or a child order."""

    progress: str
    remains: int | None
    state_since: datetime | None


def keep_since(row: Told, heard: OrderStatus, asked_at: datetime) -> None:
    """Note since when the provider has said just this; call it before the row takes the answer over."""
    is_same = row.progress == heard.state.value and heard.remains in (None, row.remains)
    if not is_same or row.state_since is None:
        row.state_since = asked_at


def failed_for(row: Told, heard: OrderStatus, asked_at: datetime) -> timedelta | None:
    """How long the provider has called the row failed and changed nothing, None when it does not."""
    if heard.state is not ProviderOrderState.FAILED or row.progress != heard.state.value or row.state_since is None:
        return None
    return asked_at - row.state_since
