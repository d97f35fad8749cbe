"""The public page of how the shop is doing: each platform now and over 30 days, and what happened.

It is made of what orders did. A platform is slow when half of the orders of the last hour need over three times the
usual time to start, and paused when the shop holds orders back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

import msgspec
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import ShopRequest
from catalog.facts.figures import ENOUGH, MONTH, WEEK
from catalog.facts.histogram import size, within
from catalog.shop.platforms import BY_SLUG, OTHER, letters_of
from core.clock import database_now
from core.page_meta import page_meta
from core.revalidation import revalidated_for_visitors
from orders.facts.days import day_of
from orders.facts.platforms import (
    HeldOrders,
    PlatformDay,
    added_starts,
    days_of_platforms,
    held_orders,
    starts_in_last_hour,
    waiting_by_platform,
)
from orders.freezing import is_frozen
from orders.models import Order

#: How many times the usual time is slow, and of how many orders of a day one held back makes it a day of pauses.
SLOW, HELD = 3, 20
EVENTS = 10
#: Seconds for which the figures are kept.
CACHE_SECONDS = 120


class State(StrEnum):
    """How a platform is, now or on a day; ``NONE``: too few orders to say."""

    USUAL = "usual"
    SLOW = "slow"
    PAUSED = "paused"
    NONE = "none"


@dataclass(frozen=True)
class DayState:
    day: date
    state: State
    starts: timedelta | None


@dataclass(frozen=True)
class PlatformState:
    """``starts`` and ``usual`` are medians of the time to start, None where too few orders say.

    ``waiting`` orders are held back, the oldest since ``since``. ``days`` are the last 30, today last.
    """

    slug: str
    state: State
    orders: int
    starts: timedelta | None
    usual: timedelta | None
    waiting: int
    since: datetime | None
    days: list[DayState]

    @property
    def name(self) -> str:
        return _name(self.slug)

    @property
    def letters(self) -> str:
        return letters_of(self.slug)

    @property
    def is_few(self) -> bool:
        """True if the orders that wait are so few that they may be one customer's."""
        return self.waiting < ENOUGH

    @property
    def counts(self) -> dict[str, int]:
        """How many days were as usual, slow and paused."""
        return {state.value: sum(day.state is state for day in self.days) for state in State}

    @property
    def bars(self) -> list[tuple[int, int, int, str]]:
        """A bar for each day that had orders: its left edge, top, height and class, in a drawing of 1,000 by 20."""
        kinds = {State.USUAL: (13, 7, "d-ok"), State.SLOW: (6, 14, "d-slow"), State.PAUSED: (0, 20, "d-stop")}
        step = 1000 // len(self.days)
        return [(n * step + 5, *kinds[day.state]) for n, day in enumerate(self.days) if day.state in kinds]


@dataclass(frozen=True)
class Event:
    """Days in a row on which a platform was slow or paused; ``held`` says what became of the orders held back."""

    slug: str
    state: State
    first: date
    last: date
    starts: timedelta | None
    usual: timedelta | None
    held: HeldOrders | None

    @property
    def name(self) -> str:
        return _name(self.slug)


@dataclass(frozen=True)
class Status:
    """``orders`` were placed in 24 hours; ``whole`` is the percent of a week's orders that were delivered whole."""

    at: datetime
    platforms: list[PlatformState]
    events: list[Event]
    is_sending: bool
    orders: int
    whole: int | None

    @property
    def slow(self) -> list[str]:
        return [platform.name for platform in self.platforms if platform.state is State.SLOW]

    @property
    def paused(self) -> list[str]:
        return [platform.name for platform in self.platforms if platform.state is State.PAUSED]


@require_safe
@revalidated_for_visitors
def status(request: ShopRequest) -> HttpResponse:
    """How the shop is doing, for everybody."""
    if kept := cache.get("status"):
        shown = msgspec.json.decode(kept, type=Status)
    else:
        shown = read_status(now=database_now())
        cache.set("status", msgspec.json.encode(shown).decode(), CACHE_SECONDS)
    said = _("How each platform is doing now and over 30 days, measured from the orders of this shop.")
    meta = page_meta(title=_("Status"), description=said, path=request.path)
    return render(request, "orders/status.html", {"page": "status", "shown": shown, "meta": meta})


def read_status(*, now: datetime) -> Status:
    """Return how the shop is doing; platforms without an order in 30 days are left out."""
    today = day_of(now)
    found = days_of_platforms(since=today - timedelta(days=MONTH), today=today)
    hour, waiting = starts_in_last_hour(now=now), waiting_by_platform()
    shown = [today - timedelta(days=ago) for ago in reversed(range(MONTH))]
    platforms = []
    for slug in sorted(found, key=lambda slug: (slug == OTHER, -sum(day.orders for day in found[slug].values()))):
        platforms.append(_platform(slug, found[slug], shown, hour.get(slug), waiting.get(slug)))
    events = sorted((event for platform in platforms for event in _events(platform)), key=attrgetter("last", "first"))
    week = [day for days in found.values() for at, day in days.items() if at > today - timedelta(days=WEEK)]
    ended = sum(day.ended for day in week)
    return Status(
        at=now,
        platforms=platforms,
        events=[_with_orders(event) for event in reversed(events[-EVENTS:])],
        is_sending=not is_frozen(),
        orders=Order.objects.filter(created_at__gt=now - timedelta(days=1)).count(),
        whole=sum(day.whole for day in week) * 100 // ended if ended >= ENOUGH else None,
    )


def _platform(
    slug: str,
    days: Mapping[date, PlatformDay],
    shown: list[date],
    hour: tuple[int, timedelta] | None,
    waiting: tuple[int, datetime] | None,
) -> PlatformState:
    today = shown[-1]
    usual = _median(added_starts(day for at, day in days.items() if at != today))
    states = [_day(at, days.get(at), usual) for at in shown]
    starts = hour[1] if hour and hour[0] >= ENOUGH else None
    held, since = waiting or (0, None)
    if held * HELD >= max(1, days[today].orders if today in days else 0):
        state = State.PAUSED
    elif starts is not None and usual is not None and starts > SLOW * usual:
        state = State.SLOW
    else:
        state = State.USUAL
    # Today's bar says at least what is true now.
    if state is State.PAUSED or (state is State.SLOW and states[-1].state is not State.PAUSED):
        states[-1] = DayState(today, state, states[-1].starts)
    return PlatformState(slug, state, sum(day.orders for day in days.values()), starts, usual, held, since, states)


def _day(at: date, day: PlatformDay | None, usual: timedelta | None) -> DayState:
    if day is None:
        return DayState(at, State.NONE, None)
    starts = _median(day.starts)
    if day.held * HELD >= day.orders and day.held:
        return DayState(at, State.PAUSED, starts)
    is_slow = starts is not None and usual is not None and starts > SLOW * usual
    return DayState(at, State.SLOW if is_slow else State.USUAL, starts)


def _median(starts: Mapping[int, int]) -> timedelta | None:
    seconds = within(starts, 5) if size(starts) >= ENOUGH else None
    return None if seconds is None else timedelta(seconds=seconds)


def _events(platform: PlatformState) -> Iterator[Event]:
    """The days that were not as usual, those in a row as one."""
    for state, run in groupby(platform.days, key=attrgetter("state")):
        days = list(run)
        if state in (State.SLOW, State.PAUSED):
            slowest = max((day.starts for day in days if day.starts), default=None)
            yield Event(platform.slug, state, days[0].day, days[-1].day, slowest, platform.usual, None)


def _with_orders(event: Event) -> Event:
    if event.state is not State.PAUSED:
        return event
    return replace(event, held=held_orders(event.slug, event.first, event.last))


def _name(slug: str) -> str:
    return BY_SLUG[slug].name if slug in BY_SLUG else _("Other")
