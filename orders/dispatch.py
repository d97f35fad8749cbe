"""Sending orders to their provider: claim (commit), send (in no transaction), record (commit).

Whatever goes wrong between the claim and the record leaves a row that says how far it got. Nothing here sends an order
again unless it is certain that no byte of it ever left.
"""

import logging
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import MD5

from catalog import health
from catalog.connection import client_for
from catalog.models import Provider
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import breaker, lanes, lifecycle, outcomes, sending, unlisted
from orders.doubt import balances
from orders.leases import give_up_lane
from orders.models import FROZEN, ForwardAttempt, Order
from orders.states import Forward
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import Placed

log = logging.getLogger(__name__)

#: A run stops claiming after this many seconds: well below the worker's time limits.
RUN_SECONDS = 60.0


def forward_due(*, seconds: float = RUN_SECONDS) -> int:
    """Send what is queued and due at every provider that has a free lane; how many were sent."""
    until = elapsed_clock() + seconds
    now = database_now()
    due = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=now, provider__in=_sending_providers())
    longest_waiting = due.values("provider_id").annotate(since=Min("next_at")).order_by("since", "provider_id")
    providers = [row["provider_id"] for row in longest_waiting]
    sent = 0
    for place, provider_id in enumerate(providers):
        # A share of what is left for each, so that a slow provider's backlog does not use up the others' time.
        share = (until - elapsed_clock()) / (len(providers) - place)
        with contained(f"forwarding to provider {provider_id}"):
            sent += forward_provider(provider_id, until=elapsed_clock() + share)
    return sent


def forward_provider(provider_id: int, *, until: float) -> int:
    """Send this provider's due orders one after another through one lane, until none is left or the time is over."""
    sent = 0
    if not _has_readable_key(provider_id):
        return 0
    with lanes.take(provider_id) as lane:
        if lane is None:
            return 0  # its holder will get to these rows
        give_up_lane(lane, now=database_now())
        balances.read_before(provider_id, now=database_now())
        while sent == 0 or elapsed_clock() < until:
            attempt = claim_next(lane, now=database_now())
            if attempt is None:
                break
            send(attempt, lane)
            sent += 1
            if lane.session.closed or lane.session.broken:
                break  # without its session nothing more would get a permit, only lose a try
    return sent


def _has_readable_key(provider_id: int) -> bool:
    """Asked before anything is claimed: otherwise each try would be a claim that nobody can send."""
    provider = Provider.objects.get(pk=provider_id)
    try:
        client_for(provider, deadline=settings.FORWARD_DEADLINE_SECONDS)
    except SecretUnreadable:
        health.park(provider_id, reason="key_unreadable", now=database_now())
        return False
    return True


def claim_next(lane: lanes.Lane, *, now: datetime) -> ForwardAttempt | None:
    """Take the next due order of the lane's provider and begin an attempt, in one short transaction."""
    with transaction.atomic():
        provider = Provider.objects.get(pk=lane.provider_id)
        pass_ = breaker.ask(provider, now=now)
        if pass_ is breaker.Pass.STOP:
            return None
        order = (
            Order.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(provider_id=lane.provider_id, provider__in=_sending_providers())
            .filter(~FROZEN, forward_state=Forward.QUEUED, next_at__lte=now)
            .exclude(_waits_behind_another())
            .order_by("next_at", "id")
            .first()
        )
        if order is None:
            return None
        last = order.attempts.aggregate(last=Max("n"))["last"] or 0
        lifecycle.move(
            order_id=order.pk, old=Forward.QUEUED, new=Forward.CLAIMED, now=now, tries=order.tries + 1, next_at=None
        )
        return ForwardAttempt.objects.create(
            order=order,
            n=last + 1,
            expected_cost=order.expected_cost,
            is_trial=pass_ is breaker.Pass.TRIAL,
            **sending.claim_columns(lane, now),
        )


def send(attempt: ForwardAttempt, lane: lanes.Lane) -> None:
    """One attempt: the call, what was said, what it means."""
    order = attempt.order
    keep = partial(sending.store_exchange, provider_id=order.provider_id, forward_attempt=attempt)
    result: Placed | Refused | NotSent | InDoubt
    try:
        # What was said is kept before anybody interprets it, whatever becomes of the interpretation.
        client = client_for(order.provider, deadline=settings.FORWARD_DEADLINE_SECONDS, on_exchange=keep)
        result = client.add(
            {"service": order.external_service_id, **order.fields},
            permit=sending.permit(sending.FORWARD, lane, attempt.token),
        )
    except (Refused, NotSent, InDoubt) as failure:
        result = failure
    except (OperationalError, InterfaceError):
        raise  # nothing can be recorded now; the lease and the lane say later how far it got
    except Exception as bug:
        log.exception("attempt %s broke", attempt.pk)
        result = InDoubt("fault", type(bug).__name__)
    if isinstance(result, Refused) and result.error_class is ErrorClass.OTHER:
        result = unlisted.judged(attempt, result)
    outcomes.record(attempt, result, now=database_now())
    if isinstance(result, InDoubt):
        balances.read_after(attempt)


def _waits_behind_another() -> Q:
    """Refused because of an active order for its link, and not the first such in the queue: one at a time is tried."""
    ahead = Order.objects.annotate(digest=MD5("link")).filter(
        provider=OuterRef("provider"),
        digest=MD5(OuterRef("link")),
        id__lt=OuterRef("id"),
        forward_state=Forward.QUEUED,
        last_refusal=ErrorClass.DUPLICATE_LINK.value,
    )
    return Q(last_refusal=ErrorClass.DUPLICATE_LINK.value) & Q(Exists(ahead))


def _sending_providers() -> QuerySet[Provider]:
    return Provider.objects.filter(is_active=True, parked_at=None)
