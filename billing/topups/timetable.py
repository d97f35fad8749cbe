"""When a gateway is asked about a top-up again. Pure functions of its row and the time."""

from datetime import datetime, timedelta

from billing.models import TopUp, TopUpState
from billing.models.topups import OPEN

#: While somebody may be paying; after these, hourly.
_YOUNG = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=10), timedelta(minutes=30))
#: After a call without an answer.
_MISSED = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
#: How long a look may take before another process may look at the same top-up.
LEASE = timedelta(minutes=3)
#: After that, what was never paid is not looked at any more, and what was paid is looked at weekly.
_LONG = timedelta(days=14)
#: A top-up that was looked at so recently need not be asked about again.
JUST_NOW = timedelta(seconds=5)


def next_look(topup: TopUp, *, now: datetime) -> datetime | None:
    """Return when to look again: soon while it is open, then daily, then weekly until ``watch_until``, then never."""
    if topup.state in OPEN and now < topup.expires_at:
        age = now - topup.created_at
        pause = next((later - age for later in _YOUNG if later > age), timedelta(hours=1))
        # Just after it expires, the gateway can say so.
        return min(now + pause, max(topup.expires_at, now + timedelta(minutes=1)))
    is_old = now >= topup.expires_at + _LONG
    if is_old and topup.state in (TopUpState.EXPIRED, TopUpState.FAILED) and not topup.received:
        return None
    following = now + timedelta(days=7 if is_old else 1)
    if following <= topup.watch_until:
        return following
    return topup.watch_until if now < topup.watch_until else None


def after_miss(misses: int, *, now: datetime) -> datetime:
    """Return when to ask again after so many calls in a row without an answer."""
    return now + _MISSED[min(misses, len(_MISSED)) - 1]
