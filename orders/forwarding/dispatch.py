"""Sending orders to their provider: claim (commit), send (in no transaction), record (commit).

Whatever goes wrong between the claim and the record leaves a row that says how far it got. Nothing here sends an order
again unless it is certain that no byte of it ever left.
"""

import logging
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Min, QuerySet

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import threads
from orders.forwarding import balance_hint, claiming, lanes, outcomes, permits, trial, unlisted_refusals
from orders.forwarding.leases import give_up_lane
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

log = logging.getLogger(__name__)

#: A run stops claiming after this many seconds: well below the worker's time limits.
RUN_SECONDS = 60.0
#: Threads that send to one provider in one process, whatever FORWARD_LANES is: each needs two database sessions.
LANES_OF_A_PROCESS = 32


def forward_due(*, seconds: float = RUN_SECONDS) -> int:
    """Send what is queued and due at every provider that has a free lane; how many were sent."""
    until = elapsed_clock() + seconds
    now = database_now()
    due = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=now, provider__in=_sending_providers())
    longest_waiting = due.values("provider_id").annotate(since=Min("next_at")).order_by("since", "provider_id")
    providers = [row["provider_id"] for row in longest_waiting]
    sent = 0
    for place, provider_id in enumerate(providers):
        if sent and elapsed_clock() >= until:
            break  # a send to each one that hangs would outlive the worker's limits; the next run begins with the rest
        # A share of what is left for each, so that a slow provider's backlog does not use up the others' time.
        share = (until - elapsed_clock()) / (len(providers) - place)
        with contained(f"forwarding to provider {provider_id}"):
            sent += forward_provider(provider_id, until=elapsed_clock() + share)
    return sent


def forward_provider(provider_id: int, *, until: float) -> int:
    """Send this provider's due orders until none is left or the time is over, through as many lanes as are of use."""
    most = min(settings.FORWARD_LANES, LANES_OF_A_PROCESS)
    return threads.work(
        partial(_through_one_lane, provider_id, until),
        wanted=partial(_count_due, provider_id, most),
        most=most,
        until=until,
    )


def _through_one_lane(provider_id: int, until: float, most: int | None) -> int:
    """Send due orders one after another, ``most`` of them or all there are."""
    sent = 0
    with lanes.take(provider_id) as lane:
        if lane is None:
            return 0  # its holders will get to these rows
        give_up_lane(lane, now=lane.clock.now())
        provider = Provider.objects.get(pk=provider_id)
        if not _has_readable_key(provider):
            return 0
        balance_hint.read_before(provider, now=lane.clock.now())
        while sent == 0 or elapsed_clock() < until:
            attempt = claim_next(lane, now=lane.clock.now())
            if attempt is None:
                break
            send(attempt, lane)
            sent += 1
            if lane.is_lost or sent == most:
                break  # without the lane's session nothing more would get a permit, only lose a try
    return sent


def _count_due(provider_id: int, most: int) -> int:
    due = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=database_now(), provider_id=provider_id)
    return len(due.order_by()[:most].values_list("pk"))


def _has_readable_key(provider: Provider) -> bool:
    """Asked before anything is claimed: otherwise each try would be a claim that nobody can send."""
    try:
        client_for(provider, deadline=settings.FORWARD_DEADLINE_SECONDS)
    except SecretUnreadable:
        health.park(provider.pk, reason="key_unreadable", now=database_now())
        return False
    return True


def claim_next(lane: lanes.Lane, *, now: datetime) -> ForwardAttempt | None:
    """Take the next due order of the lane's provider and begin an attempt, in one short transaction."""
    return claiming.claim(lane, now=now) or trial.claim(lane, now=now)


def send(attempt: ForwardAttempt, lane: lanes.Lane) -> None:
    """One attempt: the call, what was said, what it means."""
    order = attempt.order
    keep = partial(permits.store_exchange, provider_id=order.provider_id, forward_attempt=attempt)
    result: AcceptedOrder | Refused | NotSent | InDoubt
    try:
        # What was said is kept before anybody interprets it, whatever becomes of the interpretation.
        client = client_for(order.provider, deadline=settings.FORWARD_DEADLINE_SECONDS, on_exchange=keep)
        result = client.add(
            {"service": order.external_service_id, **order.fields},
            permit=permits.permit(permits.FORWARD, lane, attempt.token),
        )
    except (Refused, NotSent, InDoubt) as failure:
        result = failure
    except (OperationalError, InterfaceError):
        raise  # nothing can be recorded now; the lease and the lane say later how far it got
    except Exception as bug:
        log.exception("attempt %s broke", attempt.pk)
        result = InDoubt("fault", type(bug).__name__)
    if isinstance(result, Refused) and result.error_class is ErrorClass.OTHER:
        result = unlisted_refusals.judged(attempt, result)
    outcomes.record(attempt, result, now=lane.clock.now())
    if isinstance(result, InDoubt):
        balance_hint.read_after(attempt)


def _sending_providers() -> QuerySet[Provider]:
    return Provider.objects.filter(is_active=True, parked_at=None)
