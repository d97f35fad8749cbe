"""Facts after a random history equal a plain count of the orders as they stand, whatever changed and when."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from accounts.models import User
from catalog.facts.figures import ENOUGH, MONTH, WEEK
from catalog.facts.histogram import within
from catalog.models import Category, FactsState, Provider, ProviderService, Service, ServiceDay, ServiceFigures
from core.clock import database_now
from orders.facts import upkeep
from orders.models import ChangedDay, Order, Refill
from orders.templatetags.week_in_orders import week_in_orders
from tests.battery.counts import sized

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")
#: Where clocks are set by an hour, by half an hour, at midnight (a day without a 00:00, or with two), and never.
ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Asia/Kolkata")
SEEDS = sized(1, 4, 20)
#: Types of services and whether a time for 1,000 is measured of their orders.
TYPES = {"default": True, "package": False, "subscriptions": False, "custom_comments": False, "poll": True}
#: Where the steps of times begin, counted here anew.
EDGES = [60]
while EDGES[-1] < 90 * 86400:
    EDGES.append(int(EDGES[-1] * 1.15 + 1e-9))


def _dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # dice, no secrets


@dataclass
class Tally:
    """The facts of one service and day, counted without any SQL."""

    ends: Counter[str] = field(default_factory=Counter)
    ordered: int = 0
    delivered: int = 0
    refills: Counter[str] = field(default_factory=Counter)
    starts: Counter[int] = field(default_factory=Counter)
    takes: Counter[int] = field(default_factory=Counter)
    held: int = 0
    refill_took: Counter[int] = field(default_factory=Counter)


def step(span: timedelta | float) -> int:
    seconds = max(0, span.total_seconds() if isinstance(span, timedelta) else span)
    return sum(1 for edge in EDGES if edge <= int(seconds))


def last_turns(zone: ZoneInfo, now: datetime) -> list[datetime]:
    """The hours of the last year in which the clocks of a zone were set."""
    hours = [now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=n) for n in range(366 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, its, after in zip(hours[1:], offsets[1:], offsets, strict=False) if its != after]


def plain_count(zone: ZoneInfo = NEW_YORK) -> dict[tuple[int, date], Tally]:
    tallies: dict[tuple[int, date], Tally] = {}
    for order in Order.objects.prefetch_related("refills"):
        tally = tallies.setdefault((order.service_id, order.created_at.astimezone(zone).date()), Tally())
        if order.forward_state in ("refused", "refunded") or order.progress in ("canceled", "refunded"):
            end = "canceled"
        elif order.progress == "completed" or (order.progress == "expired" and not order.remains):
            end = "whole"
        else:
            end = "partial" if order.progress in ("partial", "expired") else "running"
        tally.ends[end] += 1
        left = order.sent_at or order.finished_at or database_now()
        # Those of this history that wait for another order wait until their end.
        waits = order.waits_for_id is not None or order.last_refusal == "duplicate_link"
        tally.held += left - order.created_at >= timedelta(minutes=15) and not waits
        is_plain = order.runs is None and order.service_type != "subscriptions"
        if is_plain and end != "running":
            tally.ordered += order.total
            tally.delivered += 0 if end == "canceled" else order.delivered
        if is_plain and order.started_at:
            tally.starts[step(order.started_at - order.created_at)] += order.waits_for_id is None
            if order.progress == "completed" and order.total >= 100 and TYPES[order.service_type] and order.finished_at:
                took = (order.finished_at - order.started_at) / timedelta(microseconds=1)
                tally.takes[step(float(int(max(0, took) * 1000) // order.total // 10**6))] += 1
        for refill in order.refills.all():
            tally.refills[refill.state] += 1
            if refill.state == "completed" and refill.finished_at:
                tally.refill_took[step(refill.finished_at - refill.created_at)] += 1
    return tallies


def kept() -> dict[tuple[int, date], Tally]:
    tallies = {}
    for row in ServiceDay.objects.all():
        running = row.orders - row.whole - row.partial - row.canceled
        ends = {"whole": row.whole, "partial": row.partial, "canceled": row.canceled, "running": running}
        times = [Counter({int(s): n for s, n in t.items()}) for t in (row.start_times, row.thousand_times)]
        tallies[row.service_id, row.day] = Tally(
            Counter(ends), row.ordered, row.delivered, Counter(), *times, row.held, _as_counter(row.refill_times)
        )
        closed = {"completed": row.refilled, "declined": row.refills_declined}
        open_now = row.refills - sum(closed.values())
        tallies[row.service_id, row.day].refills = Counter(closed | {"open": open_now})
    return tallies


def _as_counter(times: dict[str, int]) -> Counter[int]:
    return Counter({int(step): n for step, n in times.items()})


def as_kept(tally: Tally) -> Tally:
    """The states of refills in the three groups of the facts; zeros count as nothing in a Counter's comparison."""
    groups = {"completed": "completed", "rejected": "declined", "unanswered": "declined"}
    refills: Counter[str] = Counter()
    for state, n in tally.refills.items():
        refills[groups.get(state, "open")] += n
    tally.refills = refills
    return tally


class History:
    """Orders of the last weeks and of the hours in which clocks were set, placed and changed at random."""

    def __init__(self, rng: Random, now: datetime, zone: ZoneInfo = NEW_YORK) -> None:
        self.rng, self.now = rng, now
        self.turns = last_turns(zone, now)
        self.customer = User.objects.create_user("alice@example.com", "correct horse battery")
        self.provider = Provider.objects.create(name="Gulf", url="https://gulf.example/api", currency="USD")
        category = Category.objects.create(name="Instagram")
        self.services = []
        for n, kind in enumerate(TYPES):
            source = ProviderService.objects.create(
                provider=self.provider, external_id=str(n), name=kind, type=kind, rate=1, min=1, max=10_000
            )
            self.services.append(
                Service.objects.create(source=source, category=category, name=kind, min=1, max=10_000, price=2)
            )
        self.placed = 0

    def place(self, *, is_new: bool = False, **more: Any) -> Order:
        """Only a shop that was counted never yet holds old orders: ``is_new`` ones are placed today or yesterday."""
        self.placed += 1
        service = self.rng.choice(self.services)
        total = self.rng.choice([1, 99, 100, 250, 1000, 5000])
        is_sent = self.rng.random() < 0.8
        ages = [timedelta(minutes=30), timedelta(hours=23), timedelta(days=9), timedelta(days=45)]
        created = self.now - self.rng.choice(ages[:2] if is_new else ages) * self.rng.random()
        if self.turns and not is_new and self.rng.random() < 0.5:
            created = self.rng.choice(self.turns) + timedelta(hours=self.rng.uniform(-26, 26))
        values: dict[str, Any] = {
            "customer": self.customer,
            "service": service,
            "provider": self.provider,
            "external_service_id": service.source.external_id,
            "service_name": service.name,
            "service_type": service.source.type,
            "unit": "per_1000",
            "quantity": total,
            "total": total,
            "runs": 1 if service.source.type == "default" and self.rng.random() < 0.2 else None,
            "fields": {},
            "price": Decimal(2),
            "charge": Decimal(2),
            "expected_cost": Decimal(1),
            "expected_charge": Decimal(1),
            "provider_currency": "USD",
            "created_at": created,
            "forward_state": "placed" if is_sent else "queued",
            "upstream_id": str(self.placed) if is_sent else None,
            "link_key": str(self.placed),
            "waits_for": Order.objects.last() if self.rng.random() < 0.2 else None,
        }
        return Order.objects.create(**values | more)

    def later(self, than: datetime) -> datetime:
        return than + timedelta(seconds=int(10 ** self.rng.uniform(0, 5.5)))

    def change(self) -> None:
        """One thing that happens to one order: by an operation of ours, an answer, or a person."""
        ids = list(Order.objects.order_by("id").values_list("id", flat=True))
        order = Order.objects.get(pk=self.rng.choice(ids))
        rows = Order.objects.filter(pk=order.pk)
        if order.forward_state == "queued":
            rows.update(forward_state="refunded", finished_at=self.now)
        elif self.rng.random() < 0.25 and order.progress == "completed":
            refill = order.refills.first()
            if refill is None:
                Refill.objects.create(order=order, provider=self.provider, created_at=self.now)
            else:
                state = self.rng.choice(["requested", "completed", "rejected", "unanswered"])
                Refill.objects.filter(pk=refill.pk).update(state=state, finished_at=self.later(refill.created_at))
        elif order.started_at is None:
            rows.update(started_at=self.later(order.created_at), progress="in_progress", remains=order.total)
        else:
            ends = ["completed", "partial", "canceled", "refunded", "in_progress"]
            end = self.rng.choice([*ends, "expired"] if order.service_type == "subscriptions" else ends)
            remains = self.rng.choice([None, 0, 1, order.total // 2, order.total + 7])
            rows.update(progress=end, remains=remains, finished_at=order.finished_at or self.later(order.started_at))


@pytest.fixture
def in_new_york(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"


def due(now: datetime) -> None:
    """Count what is due, as sweeps some minutes later would."""
    FactsState.objects.update(counted_at=now)
    for _sweep in range(200):
        if not upkeep.keep_up(now=now + upkeep.EVERY, days=10):
            return
        FactsState.objects.update(counted_at=now + upkeep.EVERY)
    raise AssertionError("days are marked again and again")


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", ZONES)
def test_facts_equal_a_plain_count_of_a_random_history(seed: int, name: str, settings: Any) -> None:
    settings.TIME_ZONE, zone, now = name, ZoneInfo(name), database_now()
    history = History(_dice(seed), now, zone)
    for turn in range(4):
        for _n in range(8 if turn else 40):
            history.place(is_new=turn > 0)
        for _n in range(12):
            history.change()
        due(now)
        assert kept() == {key: as_kept(tally) for key, tally in plain_count(zone).items()}
    rows = list(ServiceDay.objects.order_by("service", "day").values())
    call_command("rebuild_facts")
    for row in (again := list(ServiceDay.objects.order_by("service", "day").values())) + rows:
        del row["id"]
    assert again == rows


def test_figures_are_medians_of_the_last_days_and_close_to_the_exact_ones(in_new_york: None) -> None:
    rng, now = _dice(7), database_now()
    history = History(rng, now)
    fast, slow = history.services[0], history.services[4]
    waits: dict[int, list[float]] = {}
    for service, days, n in ((fast, 6, 60), (fast, 25, 30), (slow, 25, ENOUGH)):
        for _n in range(n):
            # Minutes later, not earlier: just after midnight those would fall on the day before the week.
            created = now - timedelta(days=days) + timedelta(minutes=rng.randrange(60))
            wait = 10 ** rng.uniform(2, 4)
            if days < WEEK or service is slow:
                waits.setdefault(service.pk, []).append(wait)
            history.place(
                service=service, service_type=service.source.type, runs=None, waits_for=None, created_at=created,
                started_at=created + timedelta(seconds=wait), forward_state="placed", upstream_id=str(rng.random()),
            )  # fmt: skip
    due(now)
    for service, days in ((fast, WEEK), (slow, MONTH)):
        figures, exact = ServiceFigures.objects.get(service=service), sorted(waits[service.pk])
        assert (figures.starts_orders, figures.starts_days) == (len(exact), days)
        assert figures.starts_in == pytest.approx(exact[(len(exact) - 1) // 2], rel=0.15)
    # Those of the week alone, of all services, are what the home page says.
    week = week_in_orders()
    assert week is not None
    assert (week.started, week.half) == (60, timedelta(seconds=ServiceFigures.objects.get(service=fast).starts_in or 0))
    # One order less is too few to say.
    Order.objects.filter(pk=Order.objects.filter(service=slow).first().pk).update(started_at=None)  # type: ignore[union-attr]
    due(now)
    figures = ServiceFigures.objects.get(service=slow)
    assert (figures.starts_in, figures.starts_orders) == (None, ENOUGH - 1)


def test_a_slow_order_among_quick_ones_does_not_move_the_median() -> None:
    """A hundred at one minute on Monday and one at ten hours on Tuesday make one minute, not five hours."""
    monday, tuesday = {step(60): 100}, {step(36_000): 1}
    assert 60 <= (within({**monday, **tuesday}, 5) or 0) < 69


def test_only_a_late_change_leaves_a_mark(in_new_york: None) -> None:
    now = database_now()
    history = History(_dice(1), now)
    young = history.place(created_at=now - timedelta(hours=2), forward_state="placed", upstream_id="a")
    old = history.place(created_at=now - timedelta(days=2), forward_state="placed", upstream_id="b")
    due(now)
    Order.objects.filter(pk=young.pk).update(progress="completed", finished_at=now)
    Order.objects.filter(pk=old.pk).update(asked_at=now, poll_misses=1)
    assert not ChangedDay.objects.exists()
    Order.objects.filter(pk=old.pk).update(progress="partial", finished_at=now)
    assert [mark.placed_at for mark in ChangedDay.objects.all()] == [old.created_at]


def test_another_time_zone_counts_every_day_anew(settings: Any) -> None:
    now = database_now()
    history = History(_dice(2), now)
    late_evening = (now - timedelta(days=9)).astimezone(ZoneInfo("UTC")).replace(hour=23)
    history.place(created_at=late_evening)
    due(now)
    assert ServiceDay.objects.get().day == late_evening.date()
    settings.TIME_ZONE = "Asia/Tokyo"
    due(now)
    assert ServiceDay.objects.get().day == late_evening.date() + timedelta(days=1)
