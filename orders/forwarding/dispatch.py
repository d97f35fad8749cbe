"""Sending orders to their provider: claim (commit), send (in no transaction), record (commit).

Whatever goes wrong between the claim and the record leaves a row that says how far it got. Nothing here sends an order
again unless it is certain that no byte of it ever left.
"""

from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import Min

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import threads
from orders.forwarding import balance_hint, claiming, lanes, outcomes, permits, repeats, second_witness, trial
from orders.forwarding.leases import give_up_lane
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from upstream.errors import InDoubt, Refused

#: A run stops claiming after this many seconds: well below the worker's time limits.
RUN_SECONDS = 60.0
#: Threads that send to one provider in one process, whatever FORWARD_LANES is: each needs two database sessions.
LANES_OF_A_PROCESS = 32
#: A lane that sends one order after another looks this often whether a repeat is due.
REPEATS_SECONDS = 1.0


def forward_due(*, seconds: float = RUN_SECONDS) -> int:
    """Send due orders at every provider that has a free lane; return how many were sent."""
    until = elapsed_clock() + seconds
    sendable = Provider.objects.filter(is_active=True, parked_at=None)
    due = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=database_now(), provider__in=sendable)
    longest_waiting = due.values("provider_id").annotate(since=Min("next_at")).order_by("since", "provider_id")
    providers = [row["provider_id"] for row in longest_waiting]
    sent = 0
    for done, provider_id in enumerate(providers):
        if sent and elapsed_clock() >= until:
            break  # a send to each one that hangs would outlive the worker's limits; the next run begins with the rest
        # A share of what is left for each, so that a slow provider's backlog does not use up the others' time.
        share = (until - elapsed_clock()) / (len(providers) - done)
        with contained(f"forwarding to provider {provider_id}"):
            sent += forward_provider(provider_id, until=elapsed_clock() + share)
    return sent


def forward_provider(provider_id: int, *, until: float) -> int:
    """Send this provider's due orders until none is left or the time is over; return how many were sent.

    As many lanes are used as there are due orders, up to FORWARD_LANES.
    """
    most = min(settings.FORWARD_LANES, LANES_OF_A_PROCESS)

    def count_due() -> int:
        due = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=database_now(), provider_id=provider_id)
        return len(due.order_by()[:most].values_list("pk"))

    return threads.work(partial(_send_through_one_lane, provider_id, until), wanted=count_due, most=most, until=until)


def _send_through_one_lane(provider_id: int, until: float, most: int | None) -> int:
    """Send due orders one after another, ``most`` of them or all there are; return how many were sent."""
    sent = 0
    with lanes.take(provider_id) as lane:
        if lane is None:
            return 0  # its holders will get to these rows
        give_up_lane(lane, now=lane.clock.now())
        provider = Provider.objects.get(pk=provider_id)
        try:
            # Before anything is claimed: otherwise each try would be a claim that nobody can send.
            client_for(provider, deadline=settings.FORWARD_DEADLINE_SECONDS)
        except SecretUnreadable:
            health.park(provider_id, reason="key_unreadable", now=database_now())
            return 0
        balance_hint.read_before(provider, now=lane.clock.now())
        look_again_at = elapsed_clock()
        while sent == 0 or elapsed_clock() < until:
            if provider.request_id_proof and elapsed_clock() >= look_again_at:
                # A lane that is always busy would keep the repeats waiting until it is too late for them.
                repeats.send_next(lane)
                look_again_at = elapsed_clock() + REPEATS_SECONDS
            attempt = claim_next(lane, now=lane.clock.now())
            if attempt is None:
                break
            send(attempt, lane)
            sent += 1
            if lane.is_lost or sent == most:
                break  # without the lane's session nothing more would get a permit, only lose a try
    return sent


def claim_next(lane: lanes.Lane, *, now: datetime) -> ForwardAttempt | None:
    """Claim the next due order of the lane's provider, or a trial, and commit; None if there is none."""
    return claiming.claim(lane, now=now) or trial.claim(lane, now=now)


def send(attempt: ForwardAttempt, lane: lanes.Lane) -> None:
    """Send a claimed order and record what came of it."""
    order = attempt.order
    fields, key = repeats.request_of(order, attempt)
    result = permits.call_once(
        attempt,
        order.provider,
        lane,
        lambda client, permit: client.add(fields, permit=permit, request_id=key),
        digest=lambda client: permits.digest_of(client.add_body(fields, request_id=key)) if key else "",
    )
    if isinstance(result, Refused):
        result = second_witness.weigh(attempt, result)
    outcomes.record(attempt, result, now=lane.clock.now())
    if isinstance(result, InDoubt):
        balance_hint.read_after(attempt)
