"""All that was measured about one service, for its own page: times, ends, refills and days, over 7 and 30 days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from catalog.facts.figures import ENOUGH, MONTH, WEEK
from catalog.facts.histogram import Histogram, add_up, size, within
from catalog.facts.reading import ServiceTimes, times_of
from catalog.models import Service, ServiceDay
from core.clock import database_now

#: Days shown one by one.
SHOWN_DAYS = 14


@dataclass(frozen=True)
class Measure:
    """How long something took: ``half`` within this time, ``nine_in_ten`` within that one, of ``n`` in all.

    Both are None where fewer than `ENOUGH` were measured: too few to say.
    """

    half: timedelta | None
    nine_in_ten: timedelta | None
    n: int


@dataclass(frozen=True)
class Share:
    """``n`` of all that ended; ``percent`` of all shares of a period together is 100."""

    n: int
    percent: int


@dataclass(frozen=True)
class Refills:
    """Refills asked for of orders placed in the period, and how they ended; ``running`` ones have not ended."""

    asked: int
    refilled: int
    declined: int

    @property
    def running(self) -> int:
        return self.asked - self.refilled - self.declined


@dataclass(frozen=True)
class Period:
    """What was measured of the orders placed in the last ``days`` days, today included.

    ``whole``, ``partial`` and ``canceled`` are the ends of ``ended`` orders, to show where those are `ENOUGH`.
    ``delivered_percent`` is the part of the units ordered that arrived, None where no order has ended.
    """

    days: int
    orders: int
    starts: Measure
    takes: Measure
    refill_takes: Measure
    whole: Share
    partial: Share
    canceled: Share
    delivered_percent: int | None
    refills: Refills

    @property
    def ended(self) -> int:
        return self.whole.n + self.partial.n + self.canceled.n

    @property
    def running(self) -> int:
        return self.orders - self.ended

    @property
    def has_shares(self) -> bool:
        return self.ended >= ENOUGH


@dataclass(frozen=True)
class Day:
    """The median time to start of one day's orders; None where that day's orders are too few."""

    day: date
    starts: timedelta | None
    orders: int


@dataclass(frozen=True)
class ServiceFacts:
    """``days`` are the last two weeks, the oldest first; ``times`` has the words for what was not measured."""

    week: Period
    month: Period
    days: list[Day]
    times: ServiceTimes


def facts_of(service: Service) -> ServiceFacts:
    """Return what was measured about a service: its days, the time, and the figures if they were not read, by a query
    each."""
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    rows = list(ServiceDay.objects.filter(service=service, day__gt=today - timedelta(days=MONTH), day__lte=today))
    by_day = {row.day: row for row in rows}
    shown = [today - timedelta(days=ago) for ago in reversed(range(SHOWN_DAYS))]
    return ServiceFacts(
        week=_period(WEEK, [row for row in rows if row.day > today - timedelta(days=WEEK)]),
        month=_period(MONTH, rows),
        days=[_day(day, by_day.get(day)) for day in shown],
        times=times_of(service),
    )


def whole_percents(counts: Sequence[int]) -> list[int]:
    """Return the counts in percent of their sum, rounded so that they sum to 100; zeros where there is nothing."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    floors = [n * 100 // total for n in counts]
    by_rest = sorted(range(len(counts)), key=lambda i: (-(counts[i] * 100 % total), i))
    for i in by_rest[: 100 - sum(floors)]:
        floors[i] += 1
    return floors


def _period(days: int, rows: Sequence[ServiceDay]) -> Period:
    ends = [sum(row.whole for row in rows), sum(row.partial for row in rows), sum(row.canceled for row in rows)]
    whole, partial, canceled = (Share(n, p) for n, p in zip(ends, whole_percents(ends), strict=True))
    ordered = sum(row.ordered for row in rows)
    return Period(
        days=days,
        orders=sum(row.orders for row in rows),
        starts=_measure(add_up(row.start_times for row in rows)),
        takes=_measure(add_up(row.thousand_times for row in rows)),
        refill_takes=_measure(add_up(row.refill_times for row in rows)),
        whole=whole,
        partial=partial,
        canceled=canceled,
        delivered_percent=sum(row.delivered for row in rows) * 100 // ordered if ordered else None,
        refills=Refills(
            sum(row.refills for row in rows),
            sum(row.refilled for row in rows),
            sum(row.refills_declined for row in rows),
        ),
    )


def _measure(times: Histogram) -> Measure:
    n = size(times)
    return Measure(_within(times, 5), _within(times, 9), n) if n >= ENOUGH else Measure(None, None, n)


def _day(day: date, row: ServiceDay | None) -> Day:
    times = add_up([row.start_times]) if row else {}
    return Day(day, _within(times, 5) if size(times) >= ENOUGH else None, row.orders if row else 0)


def _within(times: Histogram, tenths: int) -> timedelta | None:
    seconds = within(times, tenths)
    return None if seconds is None else timedelta(seconds=seconds)
