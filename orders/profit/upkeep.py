"""Keeps counted money up to date: each hour once it is over, each day with its last hour, and changed costs anew.

The ledger is only added to, so what is counted once stays right. Only costs change later: an answer that comes after
the end of an order may name another charge. `orders.changes` marks such orders.
"""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Min

from billing.models import Code, Transfer
from orders.facts.days import bounds_of, day_of
from orders.models import ChangedCost, CustomerMoneyDay, MoneyDay, MoneyHour, MoneyState
from orders.profit.counting import keep_day, keep_hours
from orders.states import sql_list

#: An hour is counted so long after its end: a transfer is seen once its transaction is over.
WAIT = timedelta(minutes=10)
HOUR = timedelta(hours=1)
#: Days counted by one call: one of 10,000 orders takes about a fifth of a second.
DAYS = 2
_MARKS = 1000

# The day of an order is that of the last transfer that took from its hold.
_ENDS = f"""
    SELECT m.order_id, max(t.created_at)
    FROM (SELECT DISTINCT order_id FROM orders_changedcost ORDER BY order_id DESC LIMIT %s) m
    LEFT JOIN billing_transfer t
        ON t.reference = 'order:' || m.order_id AND t.code IN ({sql_list((Code.SETTLE, Code.REFUND))})
    GROUP BY m.order_id
"""  # noqa: S608 - codes


def keep_up(*, now: datetime, days: int = DAYS, wait: bool = False) -> int:
    """Count what is over, at most ``days`` days of it and as many with a changed cost; return how many were counted.

    Only one process counts at a time: another one does nothing, or with ``wait`` waits for its turn.
    """
    if not _is_due(now):
        return 0
    with transaction.atomic():
        state = MoneyState.objects.select_for_update(skip_locked=not wait).filter(pk=1).first()
        if state is None:
            return 0
        # 1. Everything, at first and after a change of the time zone.
        if state.time_zone != settings.TIME_ZONE or state.counted_until is None:
            _forget_all()
            state.time_zone, state.counted_until = settings.TIME_ZONE, _beginning(now)
        # 2. What is over since the last time, day by day.
        counted = 0
        while counted < days and (until := _over(state.counted_until, now)) > state.counted_until:
            _count(state.counted_until, until)
            state.counted_until = until
            counted += 1
        # 3. Costs that changed after they were counted.
        counted += _count_changed(state.counted_until, days)
        state.save()
    return counted


def rebuild(*, now: datetime) -> None:
    """Forget everything that is counted, so that :func:`keep_up` counts it anew from the first transfer."""
    MoneyState.objects.get_or_create(pk=1, defaults={"time_zone": settings.TIME_ZONE})
    with transaction.atomic():
        MoneyState.objects.select_for_update().get(pk=1)
        _forget_all()
        MoneyState.objects.filter(pk=1).update(time_zone=settings.TIME_ZONE, counted_until=_beginning(now))


def _is_due(now: datetime) -> bool:
    """Return True unless everything that is over is counted. One query, since every sweep asks."""
    state = MoneyState.objects.annotate(is_behind=Exists(ChangedCost.objects.all())).filter(pk=1).first()
    if state is None:
        MoneyState.objects.get_or_create(pk=1, defaults={"time_zone": ""})
        return True
    until = state.counted_until
    return state.is_behind or state.time_zone != settings.TIME_ZONE or until is None or _over(until, now) > until


def _over(since: datetime, now: datetime) -> datetime:
    """Return the end of the last hour, on the day of ``since``, that is over for long enough; at least ``since``."""
    begins, ends = bounds_of(day_of(since))
    if now - WAIT >= ends:
        return ends
    return max(since, begins + (now - WAIT - begins) // HOUR * HOUR)


def _beginning(now: datetime) -> datetime:
    """Return when the day of the first transfer begins, or of ``now`` without any."""
    first = Transfer.objects.aggregate(first=Min("created_at"))["first"]
    return bounds_of(day_of(first or now))[0]


def _forget_all() -> None:
    for rows in (MoneyHour, MoneyDay, CustomerMoneyDay, ChangedCost):
        rows.objects.all().delete()


def _count(begins: datetime, ends: datetime) -> None:
    """Count the hours of a stretch of one day, and what services and customers moved on that day up to its end."""
    keep_hours(begins, ends)
    keep_day(day_of(begins), ends)


def _count_changed(counted_until: datetime, most: int) -> int:
    """Count again at most ``most`` days with marked orders; return how many were."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDS, [_MARKS])
        marked = cursor.fetchall()
    on_day: dict[date | None, list[int]] = {}
    for order, ended_at in marked:
        on_day.setdefault(None if ended_at is None or ended_at >= counted_until else day_of(ended_at), []).append(order)
    # Those whose hour is not counted yet need nothing.
    done = set(on_day.pop(None, []))
    chosen = sorted((day for day in on_day if day is not None), reverse=True)[:most]
    for day in chosen:
        done |= set(on_day[day])
    # A change that is not committed yet keeps its mark, which nobody can delete before.
    ChangedCost.objects.filter(order_id__in=done).delete()
    for day in chosen:
        begins, ends = bounds_of(day)
        _count(begins, min(ends, counted_until))
    return len(chosen)
