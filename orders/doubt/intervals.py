"""How long the work on doubts waits, all in proportion to DOUBT_SETTLE_SECONDS, so that one setting scales it.

That setting, T_settle in the proofs, is the time after a send in which the provider may still carry it out.
"""

from datetime import timedelta

from django.conf import settings


def settle_time() -> timedelta:
    """From a send until nothing of it can still take effect at the provider."""
    return timedelta(seconds=settings.DOUBT_SETTLE_SECONDS)


def first_looks() -> tuple[float, float]:
    """Seconds from a send to the first two searches for its order: a minute and three minutes by default."""
    settle = settings.DOUBT_SETTLE_SECONDS
    return settle * 0.1, settle * 0.3


def look_pause(*, is_urgent: bool) -> timedelta:
    """Between two looks at one provider's doubts: half a minute by default while orders wait, else five minutes."""
    return settle_time() * (0.05 if is_urgent else 0.5)


def rate_pause() -> timedelta:
    """Between two readings of a provider's rates: three minutes by default, because a price list may be large."""
    return settle_time() * 0.3


def search_lifetime() -> timedelta:
    """How long a search that ran out of time can be continued; after that a new one starts."""
    return settle_time()
