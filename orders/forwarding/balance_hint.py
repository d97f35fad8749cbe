"""The provider's balance as evidence: how far it fell between a reading before a send and one after it.

Never a proof: other orders, refunds and top-ups move the same figure. So each use asks in the direction that is safe:
a lost order is not called "not placed" when the balance fell by exactly its cost, and a refusal in unknown words is
believed only when the balance stood still.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q, Sum

from catalog.models import Provider
from catalog.providers.account import read_balance
from core.clock import database_now
from core.secrets import SecretUnreadable
from orders.models import ForwardAttempt
from orders.states import Outcome
from upstream.errors import ProviderFailure

#: A balance read longer before the send than this may have moved for many reasons.
FRESH = timedelta(seconds=60)


@dataclass(frozen=True)
class BalanceFall:
    """How far a balance fell from the reading before a send to the one after it, in the provider's currency.

    ``on_others`` is what our other orders cost that were placed since the first reading, ``undecided`` what those would
    cost of which we do not know. The latter forbid to believe that the balance stood still, and never lift a veto.
    """

    total: Decimal
    on_others: Decimal
    undecided: Decimal

    def is_by(self, amount: Decimal, *, within: Decimal) -> bool:
        """Return True if the balance fell by ``amount``, give or take less than ``within``, besides ``on_others``.

        A veto against "not placed" wants the exact cost, so ``within`` is a unit of what the provider shows: anything
        wider would hand orders to the owner for nothing. To believe that nothing was bought, the fall has to be nearer
        to nothing than to the charge, so ``within`` is half of that.
        """
        return abs(self.total - self.on_others - amount) < within


def measure_fall(attempt: ForwardAttempt, *, before: Decimal, before_at: datetime, after: Decimal) -> BalanceFall:
    """Compare two readings around an attempt's send with what our other orders cost that left in between."""
    others = ForwardAttempt.objects.filter(provider_id=attempt.provider_id, sent_at__gte=before_at)
    sums = others.exclude(pk=attempt.pk).aggregate(
        placed=Sum("order__expected_charge", filter=Q(outcome=Outcome.PLACED)),
        undecided=Sum("order__expected_charge", filter=Q(outcome__in=[Outcome.SENDING, Outcome.IN_DOUBT])),
    )
    return BalanceFall(before - after, sums["placed"] or Decimal(0), sums["undecided"] or Decimal(0))


def is_watched() -> bool:
    """Return True if one lane sends, so that nothing of ours can happen between two readings unknown to us."""
    return bool(settings.FORWARD_LANES == 1)


def read_before(provider: Provider, *, now: datetime) -> None:
    """Read the balance before a lane sends, unless the last reading is fresh. A failure costs only the hint."""
    if is_watched() and (provider.balance_at is None or provider.balance_at < now - FRESH):
        _read(provider, now)


def read_after(attempt: ForwardAttempt) -> None:
    """Read the balance after an answer was lost, before the lane sends again, and keep the fall with the attempt."""
    if not is_watched():
        return
    attempt.refresh_from_db()
    provider = Provider.objects.get(pk=attempt.provider_id)
    before, before_at, sent_at = provider.balance, provider.balance_at, attempt.sent_at
    if attempt.outcome != Outcome.IN_DOUBT or before is None or before_at is None or sent_at is None:
        return
    if not before_at <= sent_at <= before_at + FRESH:
        return
    after = _read(provider, database_now())
    if after is None:
        return
    fall = measure_fall(attempt, before=before, before_at=before_at, after=after)
    places = provider.charge_decimals if provider.charge_decimals is not None else 2
    balance: dict[str, Any] = {
        "before": str(before),
        "before_at": before_at.isoformat(),
        "spent_on_others": str(fall.on_others),
        "after": str(after),
        "fell_by_cost": fall.is_by(attempt.order.expected_charge, within=Decimal(1).scaleb(-places)),
    }
    evidence = {**attempt.evidence, "balance": balance}
    ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence)


def _read(provider: Provider, now: datetime) -> Decimal | None:
    try:
        return read_balance(provider, now=now).amount
    except (ProviderFailure, SecretUnreadable):
        return None
