"""The trial: one order that passes an open breaker, after one balance was read; all others wait for its answer."""

import logging
from datetime import datetime

from django.db import transaction

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.account import read_balance
from core.clock import database_now
from core.secrets import SecretUnreadable
from orders.forwarding import breaker, claiming
from orders.forwarding.breaker import Admission
from orders.forwarding.lanes import Lane
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from upstream.errors import ProviderFailure

log = logging.getLogger(__name__)


def claim(lane: Lane, *, now: datetime) -> ForwardAttempt | None:
    """Claim the trial that is due at a provider whose breaker is open; None if none is.

    Only a provider's first lane tries, so that one balance is read and not one for each lane.
    """
    due = Order.objects.filter(provider_id=lane.provider_id, forward_state=Forward.QUEUED, next_at__lte=now)
    if lane.number != 1 or not due.exists():
        return None
    provider = Provider.objects.get(pk=lane.provider_id)
    if not breaker.is_tripped(provider.pk) and not breaker.trip_when_nothing_fits(provider, now=now):
        return None
    expected = breaker.expected_admission(provider, now=now)
    if expected is Admission.STOP or (expected is Admission.TRIAL and not answers(provider, now)):
        return None
    now = database_now()
    with transaction.atomic():
        if breaker.admit(provider, now=now) is Admission.TRIAL:
            # The breaker's row stays locked until this is committed: two trials at once would be one too many.
            return claiming.claim(lane, now=now, is_trial=True)
    return claiming.claim(lane, now=now)


def answers(provider: Provider, now: datetime) -> bool:
    """Return True if the provider answers at all: an order would be a costly way to find out that it does not."""
    try:
        read_balance(provider, now=now)
    except ProviderFailure as failure:
        log.warning("balance before a trial: %s", failure.reason)
        if failure.outage:
            health.note_outage(provider.pk, now=now, detail=str(failure))
        return not failure.outage
    except SecretUnreadable:
        return False
    return True
