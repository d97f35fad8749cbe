"""What the page of a service says: sums of days, medians with their tail, shares that sum to 100, and whose word."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from catalog.facts.histogram import step_of
from catalog.facts.reading import average_time, english, times_of
from catalog.facts.service_facts import facts_of, whole_percents
from catalog.models import ProviderService, Service, ServiceDay, ServiceFigures
from core.clock import database_now
from tests.pages.cast import stock

MINUTE = 60


@pytest.fixture
def service(db: None) -> Service:
    return stock()[0]


def day(service: Service, ago: int, starts: dict[int, int], **counts: Any) -> None:
    """A day of so many orders by the seconds they took to start; all others are zero."""
    nothing = dict.fromkeys(
        ("whole", "partial", "canceled", "ordered", "delivered", "refills", "refilled", "refills_declined"), 0
    )
    values = {"orders": sum(starts.values()), "thousand_times": {}, "refill_times": {}, **nothing, **counts}
    times = {str(step_of(seconds)): n for seconds, n in starts.items()}
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    ServiceDay.objects.create(service=service, day=today - timedelta(days=ago), start_times=times, **values)


def test_days_are_added_up_over_a_week_and_over_a_month(service: Service, django_assert_max_num_queries: Any) -> None:
    day(service, 0, {4 * MINUTE: 15}, whole=10, partial=1, ordered=1100, delivered=1050)
    day(service, 6, {4 * MINUTE: 15, 300 * MINUTE: 4}, whole=10, canceled=2, refills=3, refilled=1, refills_declined=1)
    day(service, 7, {60 * MINUTE: 100}, whole=100, refill_times={str(step_of(3600)): 20})
    day(service, 30, {1: 1000})
    found = Service.objects.select_related("source").get(pk=service.pk)
    with django_assert_max_num_queries(3):
        facts = facts_of(found)
    week, month = facts.week, facts.month
    assert (week.orders, week.starts.n, week.ended, week.running) == (34, 34, 23, 11)
    assert week.starts.half is not None
    assert week.starts.nine_in_ten is not None
    assert timedelta(minutes=3) < week.starts.half < timedelta(minutes=5)
    assert timedelta(minutes=250) < week.starts.nine_in_ten < timedelta(minutes=350)
    assert [s.percent for s in (week.whole, week.partial, week.canceled)] == [87, 4, 9]
    assert (week.delivered_percent, week.refills.asked, week.refills.running) == (95, 3, 1)
    assert week.refill_takes.half is None
    assert (month.orders, month.refill_takes.n) == (134, 20)
    assert month.refill_takes.half is not None
    assert timedelta(minutes=50) < month.refill_takes.half < timedelta(minutes=70)
    assert [(d.orders, d.starts is None) for d in facts.days[6:8]] == [(100, False), (19, True)]


def test_under_twenty_orders_there_is_no_figure(service: Service) -> None:
    day(service, 1, {MINUTE: 19}, whole=19)
    facts = facts_of(service)
    assert (facts.week.starts.half, facts.week.starts.n, facts.week.has_shares) == (None, 19, False)


@pytest.mark.parametrize("counts", [(189, 12, 5), (1, 1, 1), (0, 0, 7), (2, 2, 3), (999, 1, 0)])
def test_shares_sum_to_a_hundred(counts: tuple[int, ...]) -> None:
    percents = whole_percents(counts)
    assert sum(percents) == 100
    assert all(abs(p - 100 * n / sum(counts)) < 1 for p, n in zip(percents, counts, strict=True))


@pytest.mark.parametrize(
    ("own", "suppliers", "word", "said_by", "of_api"),
    [
        ("about a day", "432", "about a day", "owner", "about a day"),
        ("", "7 hours 12 minutes", "7 hours 12 minutes", "supplier", "7 hours 12 minutes"),
        ("", "432", "7 h 12 min", "supplier", "7 hours 12 minutes"),
        ("", "0", "", "", ""),
        ("", "", "", "", ""),
    ],
)
def test_what_was_not_measured_is_the_owners_word_or_else_the_suppliers(
    service: Service, own: str, suppliers: str, word: str, said_by: str, of_api: str
) -> None:
    Service.objects.filter(pk=service.pk).update(own_time=own)
    ProviderService.objects.filter(pk=service.source_id).update(average_time=suppliers)
    service = Service.objects.select_related("source").get(pk=service.pk)
    times = times_of(service)
    assert (times.word, times.said_by, times.reported) == (word, said_by, word)
    with override("es"):
        assert average_time(service) == of_api
    ServiceFigures.objects.create(service=service, takes=2280, takes_orders=20, average_time=2280)
    service = Service.objects.select_related("source", "figures").get(pk=service.pk)
    assert (times_of(service).reported, average_time(service)) == ("", "38 minutes")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "1 minute"), (61, "2 minutes"), (25_920, "7 hours 12 minutes"), (3600, "1 hour"), (90_000, "1 day 1 hour")],
)
def test_the_api_says_times_in_words(seconds: int, words: str) -> None:
    assert english(timedelta(seconds=seconds)) == words
