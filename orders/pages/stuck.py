"""Orders that do not move as they should: failed at the provider, waiting, without progress, or not canceled."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet
from django.db.models.functions import Coalesce, Extract
from django.db.models.lookups import GreaterThan

from orders.models import Cancellation, Order
from orders.states import CANCEL_OPEN, FINAL, Forward, Progress

#: A queued order is sent within seconds of its time, and one that is tried again and again is accepted within these.
LATE_BY = timedelta(minutes=5)
TRIED_FOR = timedelta(minutes=30)
#: So long without another state or count of an order, and without an answer to a request to cancel it.
NO_PROGRESS = timedelta(hours=24)
_HOUR = 3600

#: Exactly the condition of the index ``order_open``, so that Postgres uses it.
OPEN = Q(forward_state=Forward.PLACED) & ~Q(progress__in=sorted(FINAL))
_IS_FAILED = Q(progress=Progress.FAILED)
FAILED = OPEN & _IS_FAILED
_QUEUED = Q(forward_state=Forward.QUEUED)


def waiting(now: datetime) -> Q:
    """Queued orders that should have been sent, or accepted, by now."""
    return _QUEUED & (Q(next_at__lte=now - LATE_BY) | Q(tries__gt=0, created_at__lte=now - TRIED_FOR))


def without_progress(now: datetime) -> Q:
    """Orders at a provider whose state and count have been the same for long.

    Without failed ones, which are listed apart, and without drip-feeds and subscriptions, which wait between runs and
    for posts.
    """
    return OPEN & _is_still(now)


def _is_still(now: datetime) -> Q:
    since = now - NO_PROGRESS
    is_still = Q(state_since__lte=since) | Q(state_since=None)
    waits_by_itself = Q(runs__isnull=False) | Q(fields__has_key="posts") | _IS_FAILED
    return Q(placed_at__lte=since) & is_still & ~waits_by_itself


def _has_moved(now: datetime) -> Q:
    """The opposite of :func:`_is_still` for a slow order: so written, the index of open orders stays the cheapest."""
    since = now - NO_PROGRESS
    return Q(placed_at__gt=since) | Q(state_since__gt=since) | Q(fields__has_key="posts")


def slower_than_usual(now: datetime) -> Q:
    """Running orders that take far longer than measured for their service: twice as long, and an hour more.

    Without failed ones, drip-feeds, those of services of which too few were measured, and those without progress, so
    that each order is listed once.
    """
    return OPEN & _is_slow(now) & _has_moved(now)


def _is_slow(now: datetime) -> Q:
    figures = "service__figures__"
    usual = F(f"{figures}starts_in") + F(f"{figures}takes") * F("total") / 1000.0
    took = Extract(ExpressionWrapper(now - F("placed_at"), output_field=DurationField()), "epoch")
    is_measured = Q(runs=None, **{f"{figures}starts_in__isnull": False, f"{figures}takes__isnull": False})
    is_late = Q(GreaterThan(took, usual * 2 + _HOUR))
    return is_measured & ~_IS_FAILED & is_late


def silent_cancellations(now: datetime) -> QuerySet[Cancellation]:
    """Requests to cancel that are open for long."""
    return Cancellation.objects.filter(state__in=CANCEL_OPEN, created_at__lte=now - NO_PROGRESS)


def not_canceled(now: datetime) -> Q:
    """Orders whose request to cancel is open for long."""
    return Q(pk__in=silent_cancellations(now).values("order_id"))


@dataclass(frozen=True)
class Group:
    """How many orders, and how long the oldest has been one of them; None if there is none."""

    count: int = 0
    age: timedelta | None = None

    def __bool__(self) -> bool:
        return self.count > 0

    def __add__(self, more: "Group") -> "Group":
        ages = [age for age in (self.age, more.age) if age is not None]
        return Group(self.count + more.count, max(ages, default=None))


@dataclass(frozen=True)
class Running:
    """The orders at a provider that are not over, and those of them that do not move as they should.

    ``late`` counts those that take far longer than measured, with or without progress.
    """

    count: int
    late: int
    slow: Group
    failed: Group
    still: Group


@dataclass(frozen=True)
class Stuck:
    waiting: Group
    failed: Group
    slow: Group
    still: Group
    not_canceled: Group

    def __bool__(self) -> bool:
        return any((self.waiting, self.failed, self.slow, self.still, self.not_canceled))


def running_orders(*, now: datetime) -> dict[int, Running]:
    """Count the open orders of each provider that has some, by its number, in one query that reads no others.

    A slow order counts from when the provider accepted it.
    """
    late, failed, still = _is_slow(now), _IS_FAILED, _is_still(now)
    slow = late & _has_moved(now)
    since = Coalesce("state_since", "placed_at")
    rows = (
        Order.objects.filter(OPEN)
        .values_list("provider_id")
        .annotate(
            n=Count("pk"),
            late=Count("pk", filter=late),
            slow=Count("pk", filter=slow),
            slow_since=Min("placed_at", filter=slow),
            failed=Count("pk", filter=failed),
            failed_since=Min(since, filter=failed),
            still=Count("pk", filter=still),
            still_since=Min(since, filter=still),
        )
    )
    return {
        provider: Running(
            n, late, *(_group(count, at, now) for count, at in zip(groups[::2], groups[1::2], strict=True))
        )
        for provider, n, late, *groups in rows
    }


def stuck(running: Iterable[Running], *, now: datetime) -> Stuck:
    """Return what does not move, of open orders that :func:`running_orders` counted; two queries for the others."""
    queued = Order.objects.filter(waiting(now)).aggregate(n=Count("pk"), since=Min("created_at"))
    silent = silent_cancellations(now).aggregate(n=Count("pk"), since=Min("created_at"))
    at_providers = list(running)
    return Stuck(
        waiting=_group(queued["n"], queued["since"], now),
        failed=sum((of.failed for of in at_providers), Group()),
        slow=sum((of.slow for of in at_providers), Group()),
        still=sum((of.still for of in at_providers), Group()),
        not_canceled=_group(silent["n"], silent["since"], now),
    )


def _group(count: int, since: datetime | None, now: datetime) -> Group:
    return Group(count, None if since is None else now - since)
