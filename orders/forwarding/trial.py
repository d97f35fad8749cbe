"""The one order that goes through a shut gate: first one balance, then the order, then all wait for its answer."""

import logging
from datetime import datetime

from django.db import transaction

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.account import read_balance
from core.clock import database_now
from core.secrets import SecretUnreadable
from orders.forwarding import breaker, claiming
from orders.forwarding.lanes import Lane
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from upstream.errors import ProviderFailure

log = logging.getLogger(__name__)


def claim(lane: Lane, *, now: datetime) -> ForwardAttempt | None:
    """The trial that is due at a provider whose gate is shut, if one is.

    Only a provider's first lane tries, so that one balance is asked for and not one for each lane.
    """
    if lane.number != 1 or not _is_anything_due(lane.provider_id, now):
        return None
    provider = Provider.objects.get(pk=lane.provider_id)
    if not breaker.is_shut(provider.pk) and not breaker.shut_when_nothing_fits(provider, now=now):
        return None
    expected = breaker.look(provider, now=now)
    if expected is breaker.Pass.STOP or (expected is breaker.Pass.TRIAL and not _answers(provider, now)):
        return None
    now = database_now()
    with transaction.atomic():
        pass_ = breaker.ask(provider, now=now)
        if pass_ is breaker.Pass.TRIAL:
            # The gate's row stays locked until this is committed: two trials at once would be one too many.
            return claiming.claim(lane, now=now, is_trial=True)
    return claiming.claim(lane, now=now)


def _is_anything_due(provider_id: int, now: datetime) -> bool:
    """Mostly not: whoever claimed nothing came a moment after somebody else."""
    return Order.objects.filter(provider_id=provider_id, forward_state=Forward.QUEUED, next_at__lte=now).exists()


def _answers(provider: Provider, now: datetime) -> bool:
    """Whether the provider is there at all: an order would be a costly way to find out that it is not."""
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
