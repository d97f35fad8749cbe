"""What pages ask about the shop's money: any stretch of time, counted hours from their rows and the rest live."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self

from django.db import connection

from core.money import EXACT, divide, nearest_cent
from orders.facts.days import bounds_of, day_of
from orders.models import MoneyState
from orders.profit.counting import HOUR_COLUMNS, hours_between
from orders.profit.upkeep import HOUR

ZERO = Decimal(0)
#: What is not counted yet is counted for a page, unless it is more than this: then the page says so.
LIVE = timedelta(hours=26)

_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in HOUR_COLUMNS[1:])
_BETWEEN = f"SELECT {_SUMS} FROM orders_moneyhour WHERE hour >= %s AND hour < %s"  # noqa: S608 - names of columns
_BY_DAY = f"""
    SELECT (hour AT TIME ZONE %s)::date, {_SUMS} FROM orders_moneyhour WHERE hour >= %s AND hour < %s GROUP BY 1
"""  # noqa: S608 - names of columns
_BY_HOUR = f"SELECT {', '.join(HOUR_COLUMNS)} FROM orders_moneyhour WHERE hour >= %s AND hour < %s"  # noqa: S608


@dataclass(frozen=True)
class Figures:
    """Sums of a stretch of time. ``refunded`` is what went back before an order ended, ``late_refunds`` later on."""

    orders: int = 0
    customers: int = 0
    earned: Decimal = ZERO
    refunded: Decimal = ZERO
    late_refunds: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    bonuses: Decimal = ZERO
    losses: Decimal = ZERO
    topups: Decimal = ZERO

    def __add__(self, more: "Figures") -> "Figures":
        return Figures(*(getattr(self, f.name) + getattr(more, f.name) for f in fields(self)))

    @property
    def revenue(self) -> Decimal:
        return EXACT.subtract(self.earned, self.late_refunds)

    @property
    def apart(self) -> Decimal:
        """What belongs to no order: fees, bonuses and losses."""
        return self.fees + self.bonuses + self.losses

    @property
    def profit(self) -> Decimal:
        return EXACT.subtract(self.revenue, self.cost + self.apart)

    @property
    def margin(self) -> Decimal | None:
        """Profit in percent of revenue; None without revenue."""
        return divide(self.profit * 100, self.revenue) if self.revenue > 0 else None

    def in_cents(self) -> "Figures":
        """The same with each term to the nearest cent; revenue, profit and margin follow, so what is shown adds up."""
        return replace(
            self,
            earned=nearest_cent(self.revenue),
            refunded=nearest_cent(self.refunded),
            late_refunds=ZERO,
            cost=nearest_cent(self.cost),
            fees=nearest_cent(self.apart),
            bonuses=ZERO,
            losses=ZERO,
            topups=nearest_cent(self.topups),
        )


NOTHING = Figures()


@dataclass(frozen=True)
class Books:
    """What is counted at one moment: ``counted_until`` is where the rows end, and ``live`` what came after them.

    ``is_behind`` while so much is not counted that pages leave it out.
    """

    now: datetime
    counted_until: datetime
    is_behind: bool
    live: tuple[tuple[datetime, Figures], ...]

    @classmethod
    def at(cls, now: datetime) -> Self:
        """Read how far money is counted, and count what came after it."""
        state = MoneyState.objects.filter(pk=1).first()
        until = (state and state.counted_until) or bounds_of(day_of(now))[0]
        is_behind = now - until > LIVE
        live = () if is_behind else tuple(row for begins, ends in _days(until, now) for row in _hours(begins, ends))
        return cls(now, until, is_behind, live)

    def between(self, begins: datetime, ends: datetime) -> Figures:
        """Sum up a stretch that begins with a day, to the second; ``ends`` may be in the middle of an hour."""
        ends = min(ends, self.now)
        whole = begins + max(timedelta(0), ends - begins) // HOUR * HOUR
        rows_end = min(whole, self.counted_until)
        with connection.cursor() as cursor:
            cursor.execute(_BETWEEN, [begins, rows_end])
            total = Figures(*cursor.fetchone())
        total = sum((f for hour, f in self.live if begins <= hour < whole), total)
        if whole >= ends:
            return total
        if whole >= self.counted_until and ends == self.now:
            return sum((f for hour, f in self.live if whole <= hour < ends), total)
        return sum((f for _hour, f in _hours(whole, ends)), total)

    def by_day(self, first: date, last: date) -> dict[date, Figures]:
        """Sum up each day from the first to the last; every day is there."""
        sums = {first + timedelta(days=n): NOTHING for n in range((last - first).days + 1)}
        begins, ends = bounds_of(first)[0], bounds_of(last)[1]
        with connection.cursor() as cursor:
            zone = str(begins.tzinfo)
            cursor.execute(_BY_DAY, [zone, begins, ends])
            rows = cursor.fetchall()
        for day, *row in rows:
            sums[day] = sums.get(day, NOTHING) + Figures(*row)
        for hour, figures in self.live:
            if (day := day_of(hour)) in sums:
                sums[day] += figures
        return sums

    def by_hour(self, day: date) -> list[Figures]:
        """Return what each hour of a day moved, as far as it is over or running."""
        begins, ends = bounds_of(day)
        with connection.cursor() as cursor:
            cursor.execute(_BY_HOUR, [begins, ends])
            found = {hour: Figures(*row) for hour, *row in cursor.fetchall()}
        found |= {hour: figures for hour, figures in self.live if begins <= hour < ends}
        hours, hour = [], begins
        while hour < min(ends, self.now):
            hours.append(found.get(hour, NOTHING))
            hour += HOUR
        return hours


def _hours(begins: datetime, ends: datetime) -> Iterator[tuple[datetime, Figures]]:
    for hour, *row in hours_between(begins, ends):
        yield hour, Figures(*row)


def _days(begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch at midnight."""
    while begins < ends:
        midnight = bounds_of(day_of(begins))[1]
        yield begins, min(midnight, ends)
        begins = midnight
