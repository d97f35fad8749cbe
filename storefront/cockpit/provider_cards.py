"""One card for each provider: its balance and how long that lasts, whether it is sent to, how it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Sum

from catalog.models import AnswerCount, Provider
from catalog.providers.health import parked_reason_text
from core.money import divide
from orders.facts.days import day_of
from orders.models import BreakerState, MoneyDay, Order
from orders.pages.stuck import Running, waiting
from orders.states import Forward

WEEK, DAY = timedelta(days=7), timedelta(days=1)
#: A balance that lasts no longer than this runs low.
LOW_DAYS = 3


@dataclass(frozen=True)
class Card:
    """``a_day`` and ``balance`` are in the provider's currency; None where nothing is known yet.

    ``days_left`` is how long the balance lasts at the cost of the last seven days.
    """

    provider: Provider
    a_day: Decimal | None
    days_left: int | None
    calls: int
    failures: int
    running: int
    late: int
    doubts: int
    held: int
    is_tripped: bool

    @property
    def is_low(self) -> bool:
        balance = self.provider.balance
        is_below = balance is not None and 0 < self.provider.low_balance >= balance
        return is_below or (self.days_left is not None and self.days_left < LOW_DAYS)

    @property
    def paused_because(self) -> str:
        return parked_reason_text(self.provider.parked_reason) if self.provider.parked_at else ""

    @property
    def answered_percent(self) -> str:
        """The share of calls of the last day that were answered; empty without any."""
        if not self.calls:
            return ""
        share = divide(Decimal(self.calls - self.failures) * 100, self.calls)
        return f"{share.quantize(Decimal('0.1'))}%"


def cards(running: Mapping[int, Running], *, now: datetime) -> list[Card]:
    """Return a card for each provider that is on, had costs in the last days or has open orders, in five queries.

    ``running`` are the open orders of each. Those that are switched off come last.
    """
    # 1. What each costs a day, of days that are over.
    last = day_of(now) - DAY
    spent = dict(
        MoneyDay.objects.filter(day__gt=last - WEEK, day__lte=last)
        .values_list("provider_id")
        .annotate(cost=Sum("cost"))
    )
    # 2. How it answered in the last day.
    answers = {
        pk: (calls, failures)
        for pk, calls, failures in AnswerCount.objects.filter(hour__gte=now - DAY)
        .values_list("provider_id")
        .annotate(calls=Sum("calls"), failures=Sum("failures"))
    }
    # 3. Its orders that were not accepted yet.
    unsent = {
        pk: (doubts, held)
        for pk, doubts, held in Order.objects.filter(
            forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW, Forward.QUEUED]
        )
        .values_list("provider_id")
        .annotate(
            doubts=Count("pk", filter=Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])),
            held=Count("pk", filter=waiting(now)),
        )
    }
    tripped = set(BreakerState.objects.filter(tripped_at__isnull=False).values_list("provider_id", flat=True))
    # 4. The cards.
    found = []
    has_to_show = Q(is_active=True) | Q(pk__in=[*running, *(pk for pk, cost in spent.items() if cost)])
    for provider in Provider.objects.filter(has_to_show).order_by("-is_active", "name"):
        cost = spent.get(provider.pk)
        a_day = divide(divide(cost, 7), provider.exchange_rate) if cost else None
        left = None
        if a_day and provider.balance is not None:
            left = int(divide(max(Decimal(0), provider.balance), a_day))
        at_it = running.get(provider.pk)
        counts = (at_it.count, at_it.late) if at_it else (0, 0)
        found.append(
            Card(
                provider, a_day, left, *answers.get(provider.pk, (0, 0)), *counts, *unsent.get(provider.pk, (0, 0)),
                provider.pk in tripped,
            )
        )  # fmt: skip
    return found
