"""Keeps doubt from growing: too many unclear answers shut a provider's gate, one clear answer opens it again.

An order is only claimed where its own cost, should it be lost too, would still fit below the cap; an order that is
dearer than the cap goes when nothing is in doubt.

Shut, orders wait in the queue and can be refunded. Once doubts had time to settle, one order goes through as a trial:
its clear answer opens the gate, and its number gives the resolver of doubts an id to compare with.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, Q, Sum
from django.utils.translation import gettext as _

from catalog.models import Provider
from core.money import multiply
from notices.alerts import close_alert, raise_alert
from notices.models import Severity
from orders.models import BreakerState, ForwardAttempt, Order
from orders.states import Forward, Outcome

#: The share of the balance at the provider that may be in doubt at a time.
_SHARE_OF_BALANCE = Decimal("0.05")

#: Where the customer was refunded after the owner's patience, the attempt stays in doubt for good.
UNDECIDED = Q(outcome=Outcome.IN_DOUBT) & ~Q(order__forward_state=Forward.REFUNDED)

#: Whether the cost of order ``o`` fits below the cap of its provider ``p``, as :func:`cap_of` reckons it.
FITS_SQL = f"""(
    SELECT %(fixed_cap)s = 0 OR coalesce(sum(d.expected_cost), 0) = 0
        OR sum(d.expected_cost) + o.expected_cost <= least(
            %(fixed_cap)s, CASE WHEN p.balance > 0 THEN p.balance * p.exchange_rate * {_SHARE_OF_BALANCE} END
        )
    FROM orders_forwardattempt d JOIN orders_order r ON r.id = d.order_id
    WHERE d.provider_id = p.id AND d.outcome = '{Outcome.IN_DOUBT.value}'
        AND r.forward_state <> '{Forward.REFUNDED.value}'
)"""  # noqa: S608 - only constants of ours are put in


@dataclass(frozen=True)
class Exposure:
    """What is in doubt at a provider.

    ``cost`` is in the shop's currency and counts doubts in review too, until they are refunded.
    """

    doubts: int
    cost: Decimal
    first_sent: datetime | None
    last_sent: datetime | None
    last_trial_sent: datetime | None


def exposure(provider_id: int, *, since: datetime | None) -> Exposure:
    """``doubts`` are those not yet in review, sent after ``since``, and ``first_sent`` is theirs.

    ``cost``, ``last_sent`` and ``last_trial_sent`` know no such limit.
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
    """How much may be in doubt, in the shop's currency: the smaller of 5 % of the balance there and BREAKER_COST."""
    fixed = fixed_cap()
    if provider.balance is None or provider.balance <= 0:
        return fixed
    return min(fixed, multiply(multiply(provider.balance, provider.exchange_rate), _SHARE_OF_BALANCE))


def fixed_cap() -> Decimal:
    """BREAKER_COST, in the shop's currency."""
    return Decimal(str(settings.BREAKER_COST))


class Pass(StrEnum):
    """What the gate says to one more order."""

    FREE = "free"
    TRIAL = "trial"
    STOP = "stop"


def is_shut(provider_id: int) -> bool:
    """Whether the provider's gate is shut: one cheap query."""
    return BreakerState.objects.filter(provider_id=provider_id, tripped_at__isnull=False).exists()


def shut_when_nothing_fits(provider: Provider, *, now: datetime) -> bool:
    """Shut the gate when every order that waits would take the doubtful cost over the cap; whether it is shut now.

    To be asked where nothing could be claimed: the trial then ends the wait.
    """
    if not _nothing_fits(provider, exposure(provider.pk, since=None)):
        return False
    with transaction.atomic():
        BreakerState.objects.get_or_create(provider_id=provider.pk)
        gate = BreakerState.objects.select_for_update().select_related("provider").get(pk=provider.pk)
        if gate.tripped_at is None:
            _shut(gate, "cost", now)
            gate.save()
    return True


def look(provider: Provider, *, now: datetime) -> Pass:
    """What :func:`ask` would say, without a lock and without moving anything."""
    gate = BreakerState.objects.filter(provider=provider, tripped_at__isnull=False).first()
    if gate is None or not (reason := _reason(provider, gate)):
        return Pass.FREE
    return Pass.TRIAL if _is_trial_due(gate, reason, now) else Pass.STOP


def ask(provider: Provider, *, now: datetime) -> Pass:
    """Whether one more order may be claimed, freely or as the one trial. Part of the claim's transaction."""
    gate = BreakerState.objects.filter(provider=provider, tripped_at__isnull=False).first()
    if gate is None:
        return Pass.FREE
    gate = BreakerState.objects.select_for_update().get(pk=gate.pk)
    if gate.tripped_at is None:
        return Pass.FREE
    reason = _reason(provider, gate)
    if not reason:
        _open(gate, now)
        return Pass.FREE
    return Pass.TRIAL if _is_trial_due(gate, reason, now) else Pass.STOP


def note(provider_id: int, *, is_clear: bool, now: datetime) -> None:
    """Count an answer. Part of the transaction that records it, so that a doubt and its shutting are one."""
    if is_clear:
        gate = BreakerState.objects.filter(provider_id=provider_id).filter(
            Q(streak__gt=0) | Q(tripped_at__isnull=False)
        )
        if gate.exists():
            _clear(BreakerState.objects.select_for_update().get(pk=provider_id), now)
        return
    BreakerState.objects.get_or_create(provider_id=provider_id)
    gate_row = BreakerState.objects.select_for_update().select_related("provider").get(pk=provider_id)
    gate_row.streak += 1
    reason = _reason(gate_row.provider, gate_row)
    if reason and gate_row.tripped_at is None:
        _shut(gate_row, reason, now)
    gate_row.save()


def _reason(provider: Provider, gate: BreakerState) -> str:
    """Why the gate is, or should be, shut; empty when it may be open."""
    seen = exposure(provider.pk, since=gate.reset_at)
    if _nothing_fits(provider, seen):
        return "cost"
    if seen.doubts >= settings.BREAKER_DOUBTS:
        return "doubts"
    return "streak" if gate.streak >= settings.BREAKER_STREAK else ""


def _nothing_fits(provider: Provider, seen: Exposure) -> bool:
    """Whether the cap is reached, or would be passed by the cheapest order that waits."""
    if not seen.cost:
        return False
    waiting = Order.objects.filter(provider=provider, forward_state=Forward.QUEUED)
    cheapest = waiting.aggregate(cost=Min("expected_cost"))["cost"] or Decimal(0)
    cap = cap_of(provider)
    if cap <= 0:
        return False  # BREAKER_COST=0: no cap
    return seen.cost >= cap or seen.cost + cheapest > cap


def _is_trial_due(gate: BreakerState, reason: str, now: datetime) -> bool:
    """One order at a time, no sooner than what is in doubt had time to settle.

    Above the cost cap a trial that is itself still in doubt is the last one: one order passes the cap, not many.
    """
    attempts = ForwardAttempt.objects.filter(provider_id=gate.provider_id)
    if attempts.filter(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]).exists():
        return False
    seen = exposure(gate.provider_id, since=gate.reset_at)
    is_over = reason == "cost" and seen.cost >= cap_of(gate.provider)
    if is_over and seen.last_trial_sent is not None:
        return False
    since = _settles_from(seen, reason)
    return since is None or now >= since + timedelta(seconds=settings.BREAKER_TRIAL_SECONDS)


def _settles_from(seen: Exposure, reason: str) -> datetime | None:
    """The send that a trial has to let settle: the last one in doubt, or of too many doubts the first and each trial.

    Too many doubts are a rate, so many in the time that one needs to settle, and the first one's end takes it below
    that again: its bracket lacks nothing but the trial's id. Waiting for the last would make the first wait twice.
    """
    if reason != "doubts":
        return seen.last_sent
    return max((sent for sent in (seen.first_sent, seen.last_trial_sent) if sent), default=None)


def _clear(gate: BreakerState, now: datetime) -> None:
    gate.streak = 0
    if gate.tripped_at is None:
        gate.save(update_fields=["streak"])
        return
    gate.reset_at = now
    if _reason(gate.provider, gate):
        gate.save()  # too much is still in doubt: the next one goes as a trial of its own
        return
    _open(gate, now)


def _open(gate: BreakerState, now: datetime) -> None:
    gate.tripped_at, gate.tripped_because, gate.reset_at, gate.streak = None, "", now, 0
    gate.save()
    close_alert(cause=f"provider:{gate.provider_id}:breaker", now=now)


def _shut(gate: BreakerState, reason: str, now: datetime) -> None:
    gate.tripped_at, gate.tripped_because = now, reason
    raise_alert(
        cause=f"provider:{gate.provider_id}:breaker",
        severity=Severity.MONEY,
        title=_("Sending to %(provider)s is held back: too much is in doubt") % {"provider": gate.provider.name},
        body=_("Orders wait. One is tried when the doubts had time to settle; a clear answer lets the others follow."),
        path="/admin/orders/order/?forward_state__exact=in_doubt",
        now=now,
    )
