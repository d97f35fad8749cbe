"""What is counted equals the ledger to the last digit, after a random history of orders, refunds and chargebacks."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.core.management import call_command

from billing.models import Code, Transfer
from core.money import divide
from orders.facts import upkeep as facts
from orders.facts.days import bounds_of, day_of
from orders.models import ChangedCost, CustomerMoneyDay, MoneyDay, MoneyHour, Order
from orders.profit import upkeep
from orders.profit.counting import live_sums
from orders.profit.reading import Books, Figures
from orders.states import Progress
from storefront.cockpit.reports import profit, services
from storefront.cockpit.reports.period import Period
from tests.battery.counts import sized
from tests.orders.profit.history import cost_of, ends_between, plain, random_history
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db

SEEDS = sized(2, 8, 40)
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
#: How each group of a report is read from an order.
KEYS: dict[str, Callable[[Order], str]] = {
    "provider": lambda o: o.provider.name, "service": lambda o: f"{o.service_id} {o.service.name}",
    "category": lambda o: o.service.category.name, "customer": lambda o: o.customer.email,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_counted_equals_the_ledger(seed: int, settings: Any) -> None:
    dice = Random(seed)  # noqa: S311  # dice, no secrets
    settings.TIME_ZONE = ZONES[seed % len(ZONES)]
    cast, first, now = random_history(dice)

    # Counted by the sweep, a few days at a time.
    while upkeep.keep_up(now=now):
        pass
    books = Books.at(now)
    assert not books.is_behind
    for _n in range(12):
        day = day_of(first) + timedelta(days=dice.randrange(0, 8))
        begins = bounds_of(day)[0]
        ends = begins + timedelta(seconds=dice.randrange(0, 3 * 86_400))
        assert books.between(begins, ends) == plain(begins, min(ends, now))
    by_day = books.by_day(day_of(first), day_of(now))
    assert by_day == {day: plain(*bounds_of(day)) for day in by_day}
    assert sum(books.by_hour(day_of(now)), Figures()) == by_day[day_of(now)]

    # Services and customers add up to the shop.
    whole = plain(bounds_of(day_of(first))[0], now)
    for rows, by in ((MoneyDay.objects.all(), "service"), (CustomerMoneyDay.objects.all(), "customer")):
        live_rows = [row[-6:] for row in live_sums(by, books.counted_until, now)]
        kept = list(rows.values_list("orders", "ended", "earned", "refunded", "late_refunds", "cost"))
        sums = [sum(column) for column in zip(*kept, *live_rows, strict=True)]
        assert sums[0] == whole.orders
        assert sums[2:] == [whole.earned, whole.refunded, whole.late_refunds, whole.cost]

    # A charge named later changes the day on which its order ended; a count of everything finds the same.
    late = Order.objects.filter(progress=Progress.COMPLETED, provider_charge=None).first()
    if late is not None:
        of = next(o for o in cast if o.who.pk == late.customer_id and o.service.pk == late.service_id)
        Order.objects.filter(pk=late.pk).update(provider_charge=Decimal("1.234567"))
        of.hears(late, ProviderOrderState.COMPLETED, 0)
        assert ChangedCost.objects.filter(order_id=late.pk).exists()
        while upkeep.keep_up(now=now):
            pass
        assert not ChangedCost.objects.exists()
        assert Books.at(now).between(bounds_of(day_of(first))[0], now) == plain(bounds_of(day_of(first))[0], now)
    before = list(MoneyHour.objects.order_by("hour").values())
    call_command("rebuild_money")
    kept_hours = MoneyHour.objects.filter(hour__lt=Books.at(now).counted_until).order_by("hour").values()
    assert list(kept_hours)[: len(before)] == before


@pytest.mark.parametrize("seed", range(SEEDS))
def test_reports_equal_the_ledger(seed: int, settings: Any) -> None:
    dice = Random(seed + 1000)  # noqa: S311  # dice, no secrets
    settings.TIME_ZONE = ZONES[seed % len(ZONES)]
    _cast, first, now = random_history(dice)
    while upkeep.keep_up(now=now) or facts.keep_up(now=now):
        pass
    books = Books.at(now)
    for _n in range(4):
        begins, ends = sorted(day_of(first) + timedelta(days=dice.randrange(0, 8)) for _end in range(2))
        period = Period("own", begins, ends, ("", ""))
        whole = plain(period.begins, min(period.ends, now))
        table, days = profit.by_day(books, period)
        assert sum(days.values(), Figures()) == whole
        assert table.total is not None
        assert table.total.values[1:4] == (whole.revenue, whole.cost, whole.profit)
        for by, key_of in KEYS.items():
            expected: dict[str, list[Any]] = {}
            for order in Order.objects.select_related("provider", "service__category", "customer"):
                moved = Transfer.objects.filter(
                    reference=order.reference, created_at__gte=period.begins, created_at__lt=min(period.ends, now)
                )
                sums = {code: sum((t.amount for t in moved if t.code == code), Decimal(0)) for code in Code}
                ended = ends_between(order, period.begins, min(period.ends, now))
                if not moved:
                    continue
                line = expected.setdefault(key_of(order), [0, Decimal(0), Decimal(0)])
                line[0] += ended
                line[1] += sums[Code.SETTLE] - sums[Code.LATE_REFUND]
                line[2] += cost_of(order) if ended else 0
            table = profit.by_group(by, books, period, whole)
            assert {line.name: list(line.values[:3]) for line in table.lines} == expected, by
            # The lines, and what belongs to none of them, are the shop's profit.
            assert sum((line.values[3] for line in (*table.lines, *table.apart)), Decimal(0)) == whole.profit
        # What was refunded for each service, also for those that nobody ordered in the period.
        refunds: dict[str, Decimal] = {}
        for order in Order.objects.select_related("service"):
            refunded = Transfer.objects.filter(
                reference=order.reference, code__in=[Code.REFUND, Code.LATE_REFUND],
                created_at__gte=period.begins, created_at__lt=min(period.ends, now),
            )  # fmt: skip
            for transfer in refunded:
                key = KEYS["service"](order)
                refunds[key] = refunds.get(key, Decimal(0)) + transfer.amount
        table = services.ends(books, period, None)
        assert {line.name: line.values[-1] for line in table.lines if line.values[-1]} == refunds
        assert table.total is not None
        assert table.total.values[-1] == whole.refunded + whole.late_refunds


def test_figures_in_cents_add_up() -> None:
    exact = Figures(
        earned=Decimal("14.79100"), late_refunds=Decimal("1"), cost=Decimal("6.90900"), fees=Decimal("0.00600")
    )
    shown = exact.in_cents()
    assert (shown.revenue, shown.cost, shown.apart) == (Decimal("13.79"), Decimal("6.91"), Decimal("0.01"))
    assert shown.profit == Decimal("6.87")
    assert shown.margin == divide(Decimal(687), Decimal("13.79"))
