"""The balance as a hint: one that fell by exactly the cost of a lost order forbids to call it "not placed".

Never more than that: other orders, refunds and top-ups move the same figure. It only means something while one lane
sends, so that nothing of ours can happen between the two readings without our knowing.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum

from catalog.models import Provider
from catalog.providers.account import read_balance
from core.clock import database_now
from core.secrets import SecretUnreadable
from orders.models import ForwardAttempt
from orders.states import Outcome
from upstream.errors import ProviderFailure

_FRESH = timedelta(seconds=60)


def is_watched() -> bool:
    return bool(settings.FORWARD_LANES == 1)


def read_before(provider: Provider, *, now: datetime) -> None:
    """Before a lane sends: read the balance unless the last reading is fresh. A failure costs nothing but the hint."""
    if is_watched() and (provider.balance_at is None or provider.balance_at < now - _FRESH):
        _read(provider, now)


def read_after(attempt: ForwardAttempt) -> None:
    """After an answer was lost, before the lane sends again: read the balance and keep both with the attempt."""
    if not is_watched():
        return
    attempt.refresh_from_db()
    provider = Provider.objects.get(pk=attempt.provider_id)
    before, before_at, sent_at = provider.balance, provider.balance_at, attempt.sent_at
    if attempt.outcome != Outcome.IN_DOUBT or before is None or before_at is None or sent_at is None:
        return
    if not before_at <= sent_at <= before_at + _FRESH:
        return
    after = _read(provider, database_now())
    if after is None:
        return
    spent = _spent_since(attempt, before_at)
    fall = before - spent - after
    balance: dict[str, Any] = {
        "before": str(before),
        "before_at": before_at.isoformat(),
        "spent_on_others": str(spent),
        "after": str(after),
        "fell_by_cost": abs(fall - attempt.order.expected_charge) < _unit(provider),
    }
    evidence = {**attempt.evidence, "balance": balance}
    ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence)


def _spent_since(attempt: ForwardAttempt, since: datetime) -> Decimal:
    others = ForwardAttempt.objects.filter(provider_id=attempt.provider_id, sent_at__gte=since, outcome=Outcome.PLACED)
    spent: Decimal | None = others.exclude(pk=attempt.pk).aggregate(spent=Sum("order__expected_charge"))["spent"]
    return spent or Decimal(0)


def _unit(provider: Provider) -> Decimal:
    places = provider.charge_decimals if provider.charge_decimals is not None else 2
    return Decimal(1).scaleb(-places)


def _read(provider: Provider, now: datetime) -> Decimal | None:
    try:
        return read_balance(provider, now=now).amount
    except (ProviderFailure, SecretUnreadable):
        return None
