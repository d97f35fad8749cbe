"""Keeps the facts of services up to date: counts marked days anew, a few at a time, and then the figures.

Old days are marked by triggers of orders and refills. The last day or two change with every order, so no trigger marks
them: they are marked here every few minutes.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists

from catalog.facts.figures import publish_times, services_with_figures, write_figures
from catalog.models import FactsState, ServiceDay
from orders.facts.days import bounds_of, count_day, day_of
from orders.facts.week import add_up_week
from orders.models import ChangedDay, Order

#: How often the newest days are counted.
EVERY = timedelta(minutes=10)
#: Changes of orders younger than a day are marked by no trigger (migration 0020). An hour more, for transactions that
#: began before the last count and ended after it.
NEWEST = timedelta(hours=25)
#: Days counted by one call: a day of 100,000 orders takes about half a second.
DAYS = 2


def keep_up(*, now: datetime, days: int = DAYS, wait: bool = False) -> int:
    """Count at most ``days`` of the days that are due, the newest first; return how many were.

    Only one process counts at a time: another one does nothing, or with ``wait`` waits for its turn.
    """
    if not _is_due(now):
        return 0
    with transaction.atomic():
        state = FactsState.objects.select_for_update(skip_locked=not wait).filter(pk=1).first()
        if state is None:
            return 0
        # 1. What is due: everything at first and after a change of the time zone, else the newest days now and then.
        if state.time_zone != settings.TIME_ZONE:
            _mark_all(now)
            state.time_zone, state.counted_at = settings.TIME_ZONE, now
        elif state.counted_at is None or now - state.counted_at >= EVERY:
            _mark((state.counted_at or now) - NEWEST, now)
            state.counted_at = now
        # 2. Days. A change that is not committed yet keeps its mark, which nobody can delete before.
        counted, services = 0, set[int]()
        while counted < days and (mark := ChangedDay.objects.order_by("-placed_at").first()) is not None:
            day = day_of(mark.placed_at)
            begins, ends = bounds_of(day)
            ChangedDay.objects.filter(placed_at__gte=begins, placed_at__lt=ends).delete()
            services |= count_day(day)
            counted += 1
        # 3. Figures: of these services, and of all of them on a new day, since they look back from it.
        today = day_of(now)
        if state.day != today:
            services |= set(services_with_figures())
            state.day = today
        write_figures(sorted(services), today=today)
        add_up_week(today=today)
        # 4. The API's times, once a day; for the first time when all days are counted.
        if state.published_on != today and (state.published_on or not ChangedDay.objects.exists()):
            publish_times()
            state.published_on = today
        state.save()
    return counted


def _is_due(now: datetime) -> bool:
    """Return True unless everything is counted and published. One query, since every sweep asks."""
    state = FactsState.objects.annotate(is_behind=Exists(ChangedDay.objects.all())).filter(pk=1).first()
    if state is None:
        FactsState.objects.get_or_create(pk=1, defaults={"time_zone": ""})
        return True
    today = day_of(now)
    is_old = state.counted_at is None or now - state.counted_at >= EVERY or state.time_zone != settings.TIME_ZONE
    return is_old or state.is_behind or state.day != today or state.published_on != today


def rebuild(*, now: datetime) -> int:
    """Mark every day on which an order was placed, and delete what else is there; return how many marks that made."""
    FactsState.objects.get_or_create(pk=1, defaults={"time_zone": settings.TIME_ZONE})
    with transaction.atomic():
        FactsState.objects.select_for_update().get(pk=1)
        FactsState.objects.filter(pk=1).update(time_zone=settings.TIME_ZONE, counted_at=now, day=None)
        _mark_all(now)
    return ChangedDay.objects.count()


def _mark_all(now: datetime) -> None:
    first = Order.objects.order_by("created_at").values_list("created_at", flat=True).first() or now
    ServiceDay.objects.filter(day__lt=day_of(first)).delete()
    ServiceDay.objects.filter(day__gt=day_of(now)).delete()
    _mark(first, now)


def _mark(since: datetime, now: datetime) -> None:
    """Mark each day from one moment to another. Every twelve hours, because a day may have only 23."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_changedday (placed_at) SELECT generate_series(%(since)s, %(now)s, interval '12 hours')"
            " UNION ALL SELECT %(now)s",
            {"since": since, "now": now},
        )
