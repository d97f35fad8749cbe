"""Finding what is due in the rows: the safety net when no doorbell came, and all there is without a broker."""

from dataclasses import dataclass
from datetime import datetime

from core.existence import any_exists
from orders import cancellations, freezing, refills, timeouts
from orders.checkout import link_keys, waiting
from orders.doorbell import FOLLOW, FORWARD, JOBS, ring
from orders.following import poll
from orders.forwarding import dispatch, leases, refill_sends, repeat_rules, repeats, request_tests
from orders.jobs import running
from orders.models import ChildOrder, Order, Refill
from orders.states import Forward, RefillState


@dataclass(frozen=True)
class Swept:
    """What one pass did."""

    given_up: int = 0
    forwarded: int = 0
    followed: int = 0
    refills: int = 0
    repeated: int = 0
    cancellations: int = 0
    waited: int = 0
    jobs: int = 0


def ring_for_due(*, now: datetime) -> int:
    """Give up dead attempts and long waits, then ring for what is due; return how many attempts were given up."""
    given_up = leases.expire(now=now)
    is_frozen = freezing.check(now=now)
    timeouts.give_up(now=now)
    link_keys.fill_in(batches=1)
    waiting.release_waiting(now=now)
    sendable = {"provider__is_active": True, "provider__parked_at": None}
    to_send = (
        Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=now, **sendable),
        Refill.objects.filter(state=RefillState.QUEUED, next_at__lte=now, **sendable),
        request_tests.due(now),
    )
    if not is_frozen and (any_exists(*to_send) or repeat_rules.due_providers()):
        ring(FORWARD)
    to_ask = (rows.filter(next_poll_at__lte=now) for rows in (Order.objects, ChildOrder.objects, Refill.objects))
    if any_exists(*to_ask, cancellations.due(now)):
        ring(FOLLOW)
    if any_exists(running.due(now)):
        ring(JOBS)
    return given_up


def do_due(*, now: datetime, seconds: float) -> Swept:
    """Give up dead attempts and do the due work here and now, with about ``seconds`` for each kind; return counts."""
    freezing.check(now=now)  # Before anything is claimed: a restored shop does not send even one order first.
    link_keys.fill_in(batches=1)
    waiting.release_waiting(now=now)
    return Swept(
        given_up=leases.expire(now=now),
        jobs=running.run_due(seconds=seconds),
        forwarded=dispatch.forward_due(seconds=seconds),
        refills=refill_sends.send_due(seconds=seconds) + refills.follow_due(seconds=seconds),
        repeated=repeats.send_due(seconds=seconds) + request_tests.send_due(seconds=seconds),
        cancellations=cancellations.ask_due(seconds=seconds),
        followed=poll.follow_due(seconds=seconds),
        waited=timeouts.give_up(now=now),
    )
