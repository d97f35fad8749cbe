"""Orders that do not move as they should: failed at the provider, waiting, without progress, or not canceled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from orders.models import Cancellation, Order
from orders.states import CANCEL_OPEN, FINAL, Forward, Progress

#: A queued order is sent within seconds of its time, and one that is tried again and again is accepted within these.
LATE_BY = timedelta(minutes=5)
TRIED_FOR = timedelta(minutes=30)
#: So long without another state or count of an order, and without an answer to a request to cancel it.
NO_PROGRESS = timedelta(hours=24)

#: Exactly the condition of the index ``order_open``, so that Postgres uses it.
OPEN = Q(forward_state=Forward.PLACED) & ~Q(progress__in=sorted(FINAL))
FAILED = OPEN & Q(progress=Progress.FAILED)
_QUEUED = Q(forward_state=Forward.QUEUED)


def waiting(now: datetime) -> Q:
    """Queued orders that should have been sent, or accepted, by now."""
    return _QUEUED & (Q(next_at__lte=now - LATE_BY) | Q(tries__gt=0, created_at__lte=now - TRIED_FOR))


def without_progress(now: datetime) -> Q:
    """Orders at a provider whose state and count have been the same for long.

    Without failed ones, which are listed apart, and without drip-feeds and subscriptions, which wait between runs and
    for posts.
    """
    since = now - NO_PROGRESS
    is_still = Q(state_since__lte=since) | Q(state_since=None)
    waits_by_itself = Q(runs__isnull=False) | Q(fields__has_key="posts") | Q(progress=Progress.FAILED)
    return OPEN & Q(placed_at__lte=since) & is_still & ~waits_by_itself


def silent_cancellations(now: datetime) -> QuerySet[Cancellation]:
    """Requests to cancel that are open for long."""
    return Cancellation.objects.filter(state__in=CANCEL_OPEN, created_at__lte=now - NO_PROGRESS)


def not_canceled(now: datetime) -> Q:
    """Orders whose request to cancel is open for long."""
    return Q(pk__in=silent_cancellations(now).values("order_id"))


@dataclass(frozen=True)
class Group:
    """How many orders, and how long the oldest has been one of them; None if there is none."""

    count: int
    age: timedelta | None

    def __bool__(self) -> bool:
        return self.count > 0


@dataclass(frozen=True)
class Stuck:
    waiting: Group
    failed: Group
    still: Group
    not_canceled: Group

    def __bool__(self) -> bool:
        return any((self.waiting, self.failed, self.still, self.not_canceled))


def stuck(*, now: datetime) -> Stuck:
    """Count what does not move, in three queries that read open orders alone."""
    queued = Order.objects.filter(waiting(now)).aggregate(n=Count("pk"), since=Min("created_at"))
    is_failed, is_still = FAILED, without_progress(now)
    since = Coalesce("state_since", "placed_at")
    placed = Order.objects.filter(OPEN).aggregate(
        failed=Count("pk", filter=is_failed),
        failed_since=Min(since, filter=is_failed),
        still=Count("pk", filter=is_still),
        still_since=Min(since, filter=is_still),
    )
    silent = silent_cancellations(now).aggregate(n=Count("pk"), since=Min("created_at"))
    return Stuck(
        waiting=_group(queued["n"], queued["since"], now),
        failed=_group(placed["failed"], placed["failed_since"], now),
        still=_group(placed["still"], placed["still_since"], now),
        not_canceled=_group(silent["n"], silent["since"], now),
    )


def _group(count: int, since: datetime | None, now: datetime) -> Group:
    return Group(count, None if since is None else now - since)
