"""The breaker: too many unclear answers stop sending to a provider, one clear answer lets it go on.

An order is only claimed where its own cost, should it be lost too, would still fit below the cap; an order that is
dearer than the cap goes when nothing is in doubt.

While the breaker is open, orders wait in the queue and can be refunded. Once doubts had time to settle, one order goes
through as a trial: a clear answer closes the breaker, and its id gives the resolver of doubts one to compare with.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, Q, Sum

from catalog.models import Provider
from core.money import multiply
from notices import causes
from notices.alerts import close_alert, raise_alert
from orders.models import BreakerState, ForwardAttempt, Order, RepeatAttempt
from orders.states import Forward, Outcome

#: The share of the balance at the provider that may be in doubt at a time.
_SHARE_OF_BALANCE = Decimal("0.05")

#: Doubts that may still be decided. One whose order was refunded for its age stays in doubt for good.
UNDECIDED = Q(outcome=Outcome.IN_DOUBT) & ~Q(order__forward_state=Forward.REFUNDED)

#: True if the cost of order ``o`` and of all that is in doubt fit below the cap of its provider ``p``; see cap_of().
FITS_SQL = f"""(
    SELECT %(fixed_cap)s = 0 OR coalesce(sum(d.expected_cost), 0) = 0
        OR sum(d.expected_cost) + o.expected_cost <= least(
            %(fixed_cap)s, CASE WHEN p.balance > 0 THEN p.balance * p.exchange_rate * {_SHARE_OF_BALANCE} END
        )
    FROM orders_forwardattempt d JOIN orders_order r ON r.id = d.order_id
    WHERE d.provider_id = p.id AND d.outcome = '{Outcome.IN_DOUBT}'
        AND r.forward_state <> '{Forward.REFUNDED}'
)"""  # noqa: S608 - only constants of ours are put in


@dataclass(frozen=True)
class Exposure:
    """What is in doubt at a provider.

    ``cost`` is in the shop's currency and counts doubts in review too, until their orders are refunded.
    """

    doubts: int
    cost: Decimal
    first_sent: datetime | None
    last_sent: datetime | None
    last_trial_sent: datetime | None


def exposure(provider_id: int, *, since: datetime | None) -> Exposure:
    """Sum up what is in doubt at a provider.

    ``doubts`` are those not yet in review, sent after ``since``, and ``first_sent`` is theirs; ``cost``, ``last_sent``
    and ``last_trial_sent`` are about all doubts.
    """
    fresh = Q(order__forward_state=Forward.IN_DOUBT) & (Q(sent_at__gt=since) if since else Q())
    found = ForwardAttempt.objects.filter(UNDECIDED, provider_id=provider_id).aggregate(
        doubts=Count("id", filter=fresh),
        cost=Sum("expected_cost"),
        first=Min("sent_at", filter=fresh),
        last=Max("sent_at"),
        last_trial=Max("sent_at", filter=Q(is_trial=True)),
    )
    return Exposure(found["doubts"], found["cost"] or Decimal(0), found["first"], found["last"], found["last_trial"])


def cap_of(provider: Provider) -> Decimal:
    """Return how much may be in doubt, in the shop's currency: 5 % of the balance there, or BREAKER_COST if less."""
    fixed = fixed_cap()
    if provider.balance is None or provider.balance <= 0:
        return fixed
    return min(fixed, multiply(multiply(provider.balance, provider.exchange_rate), _SHARE_OF_BALANCE))


def fixed_cap() -> Decimal:
    """Return BREAKER_COST, in the shop's currency."""
    return Decimal(str(settings.BREAKER_COST))


class Admission(StrEnum):
    """Whether the breaker lets one more order through."""

    FREE = "free"
    TRIAL = "trial"
    STOP = "stop"


def is_tripped(provider_id: int) -> bool:
    """Return True if the provider's breaker is open, so that only a trial is sent: one cheap query."""
    return BreakerState.objects.filter(provider_id=provider_id, tripped_at__isnull=False).exists()


def trip_when_nothing_fits(provider: Provider, *, now: datetime) -> bool:
    """Open the breaker if every order that waits would take the doubtful cost over the cap; return True if it is open.

    To be asked where nothing could be claimed: the trial then ends the wait.
    """
    if not _nothing_fits(provider, exposure(provider.pk, since=None)):
        return False
    with transaction.atomic():
        BreakerState.objects.get_or_create(provider_id=provider.pk)
        row = BreakerState.objects.select_for_update().select_related("provider").get(pk=provider.pk)
        if row.tripped_at is None:
            _trip(row, "cost", now)
            row.save()
    return True


def expected_admission(provider: Provider, *, now: datetime) -> Admission:
    """Return what :func:`admit` would return, without a lock and without moving anything."""
    row = BreakerState.objects.filter(provider=provider, tripped_at__isnull=False).first()
    if row is None or not (reason := _reason(provider, row)):
        return Admission.FREE
    return Admission.TRIAL if _is_trial_due(row, reason, now) else Admission.STOP


def admit(provider: Provider, *, now: datetime) -> Admission:
    """Return whether one more order may be claimed, freely or as the one trial. Part of the claim's transaction."""
    if not is_tripped(provider.pk):
        return Admission.FREE
    row = BreakerState.objects.select_for_update().get(pk=provider.pk)
    if row.tripped_at is None:
        return Admission.FREE
    reason = _reason(provider, row)
    if not reason:
        _reset(row, now)
        return Admission.FREE
    return Admission.TRIAL if _is_trial_due(row, reason, now) else Admission.STOP


def count_answer(provider_id: int, *, is_clear: bool, now: datetime) -> None:
    """Count an answer to an order, and open or close the breaker by it.

    Part of the transaction that records the answer, so that a doubt and the breaker's opening are one.
    """
    rows = BreakerState.objects.filter(provider_id=provider_id)
    if not is_clear:
        BreakerState.objects.get_or_create(provider_id=provider_id)
        row = rows.select_for_update().select_related("provider").get()
        row.streak += 1
        reason = _reason(row.provider, row)
        if reason and row.tripped_at is None:
            _trip(row, reason, now)
        row.save()
    elif rows.filter(Q(streak__gt=0) | Q(tripped_at__isnull=False)).exists():
        row = rows.select_for_update().get()
        row.streak = 0
        if row.tripped_at is None:
            row.save(update_fields=["streak"])
            return
        row.reset_at = now
        if _reason(row.provider, row):
            row.save()  # too much is still in doubt: the next order goes as a trial of its own
        else:
            _reset(row, now)


def _reason(provider: Provider, row: BreakerState) -> str:
    """Return why the breaker is, or should be, open; "" when it may be closed."""
    seen = exposure(provider.pk, since=row.reset_at)
    if _nothing_fits(provider, seen):
        return "cost"
    if seen.doubts >= settings.BREAKER_DOUBTS:
        return "doubts"
    return "streak" if row.streak >= settings.BREAKER_STREAK else ""


def _nothing_fits(provider: Provider, seen: Exposure) -> bool:
    """Return True if the cap is reached, or would be passed by the cheapest order that waits."""
    if not seen.cost:
        return False
    waiting = Order.objects.filter(provider=provider, forward_state=Forward.QUEUED)
    cheapest = waiting.aggregate(cost=Min("expected_cost"))["cost"] or Decimal(0)
    cap = cap_of(provider)
    if cap <= 0:
        return False  # BREAKER_COST=0: no cap
    return seen.cost >= cap or seen.cost + cheapest > cap


def _is_trial_due(row: BreakerState, reason: str, now: datetime) -> bool:
    """Return True if a trial may go now: one order at a time, and what is in doubt had time to settle.

    Above the cost cap a trial that is itself still in doubt is the last one: one order passes the cap, not many.
    """
    attempts = ForwardAttempt.objects.filter(provider_id=row.provider_id)
    under_way = [Outcome.CLAIMED, Outcome.SENDING]
    repeats = RepeatAttempt.objects.filter(provider_id=row.provider_id)
    if attempts.filter(outcome__in=under_way).exists() or repeats.filter(outcome__in=under_way).exists():
        return False
    seen = exposure(row.provider_id, since=row.reset_at)
    is_over = reason == "cost" and seen.cost >= cap_of(row.provider)
    if is_over and seen.last_trial_sent is not None:
        return False
    since = seen.last_sent
    if reason == "doubts":
        # Too many doubts are a rate: so many in the time that one needs to settle. The first one's verdict takes it
        # below that again, and its bracket lacks nothing but the trial's id, so only it and each trial have to settle.
        since = max((sent for sent in (seen.first_sent, seen.last_trial_sent) if sent), default=None)
    return since is None or now >= since + timedelta(seconds=settings.BREAKER_TRIAL_SECONDS)


def _reset(row: BreakerState, now: datetime) -> None:
    row.tripped_at, row.tripped_because, row.reset_at, row.streak = None, "", now, 0
    row.save()
    close_alert(causes.BREAKER_TRIPPED, now=now, provider=row.provider_id)


def _trip(row: BreakerState, reason: str, now: datetime) -> None:
    """The caller saves the row."""
    row.tripped_at, row.tripped_because = now, reason
    raise_alert(causes.BREAKER_TRIPPED, now=now, provider=row.provider_id, name=row.provider.name)
