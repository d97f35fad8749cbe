"""When something is due again. Pure functions of ages and counts; the jitter comes from the row's id."""

from datetime import datetime, timedelta

from django.conf import settings

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
    # Between 0.9 and 1.1, so that orders placed together do not stay in step for ever.
    jitter = 0.9 + (order_id * 2654435761 % 1000) / 5000
    return now + timedelta(seconds=settings.POLL_SECONDS * units * jitter)


def _units(age: timedelta, tiers: tuple[tuple[timedelta, int], ...]) -> int | None:
    return next((units for limit, units in tiers if age < limit), None)


def repeat_window() -> timedelta:
    """How long after the first send its request may be repeated: ten minutes, or DOUBT_SETTLE_SECONDS if less."""
    return timedelta(seconds=min(600.0, settings.DOUBT_SETTLE_SECONDS))


def repeat_due_after(repeats: int) -> timedelta | None:
    """When the next repeat is due, counted from the first send, after so many; None if there is no further one.

    By default after half a minute, in which the first request had its time, then 1.5, 4 and 9 minutes.
    """
    shares = (0.05, 0.15, 0.4, 0.9)
    return repeat_window() * shares[repeats] if repeats < len(shares) else None


def asked_for(retry_after: float | None) -> float:
    """Return how many seconds to leave a provider alone that asked for so many: an hour at most."""
    return min(retry_after or 0.0, 3600.0)


def backoff(tries: int, *, retry_after: float | None = None) -> timedelta:
    """The pause before an order is tried again: 2 s doubling to 10 min, or what the provider asked for if longer."""
    pause = min(2.0 * 2 ** min(max(tries, 1) - 1, 16), 600.0)
    return timedelta(seconds=max(pause, asked_for(retry_after)))
