"""Sending refills as orders are sent: claim, send, record, each at most once.

They are few and nothing competes for them, so claim and record are plain queries where orders have one statement each.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from catalog.providers import health
from catalog.providers.account import confirm_shut_out
from catalog.providers.connection import dialect_of
from core.clock import database_now, elapsed_clock
from notices import causes
from notices.alerts import raise_alert
from notices.containment import contained
from orders import lifecycle
from orders.forwarding import lanes, permits
from orders.models import FROZEN, EventKind, ProviderExchange, Refill, RefillAttempt
from orders.states import Outcome, RefillState
from orders.timetable import backoff, next_poll
from orders.verdicts import is_for_now
from upstream import read_refills
from upstream.errors import SHUT_OUT, ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import Refilled
from upstream.verdicts import not_sent

RUN_SECONDS = 30.0


def send_due(*, seconds: float = RUN_SECONDS) -> int:
    """Send the refills that are due, through each provider's lane; return how many were sent."""
    until = elapsed_clock() + seconds
    queued = Refill.objects.filter(state=RefillState.QUEUED, next_at__lte=database_now())
    queued = queued.filter(provider__is_active=True, provider__parked_at=None)
    sent = 0
    for provider_id in sorted(queued.values_list("provider_id", flat=True).distinct()):
        with contained(f"sending refills to provider {provider_id}"), lanes.take(provider_id) as lane:
            while lane is not None and elapsed_clock() < until:
                attempt = claim_next(lane, now=database_now())
                if attempt is None:
                    break
                send(attempt, lane)
                sent += 1
    return sent


def claim_next(lane: lanes.Lane, *, now: datetime) -> RefillAttempt | None:
    """Claim the next due refill of the lane's provider and commit; None if there is none."""
    with transaction.atomic():
        queued = Refill.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            ~FROZEN,
            provider_id=lane.provider_id,
            provider__is_active=True,
            provider__parked_at=None,
            state=RefillState.QUEUED,
            next_at__lte=now,
        )
        refill = queued.order_by("next_at", "id").first()
        if refill is None:
            return None
        last = refill.attempts.aggregate(last=Max("n"))["last"] or 0
        Refill.objects.filter(pk=refill.pk).update(state=RefillState.CLAIMED, next_at=None, tries=refill.tries + 1)
        return RefillAttempt.objects.create(refill=refill, n=last + 1, **permits.claim_columns(lane, now))


def send(attempt: RefillAttempt, lane: lanes.Lane) -> None:
    """Send a claimed refill and record what came of it."""
    order = attempt.refill.order
    upstream_id = order.upstream_id
    assert upstream_id is not None  # noqa: S101 - only placed orders are refilled, and those have one
    result = permits.call_once(
        attempt, order.provider, lane, lambda client, permit: client.refill(upstream_id, permit=permit)
    )
    record(attempt, result, now=database_now())
    if isinstance(result, Refused) and result.error_class in SHUT_OUT:
        confirm_shut_out(order.provider, now=database_now())


def record(attempt: RefillAttempt, result: Refilled | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """Record what the call came to, fenced like an order's; also an answer that came after the sweep."""
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=attempt.refill_id)
        current = RefillAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.outcome not in (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT):
            return
        if refill.is_open:
            _record(refill, current, result, now)
        elif isinstance(result, Refilled):
            # Too late for its customer.
            end_attempt(current, Outcome.PLACED, upstream_id=result.refill_id, answered_at=now)


def _record(
    refill: Refill, attempt: RefillAttempt, result: Refilled | Refused | NotSent | InDoubt, now: datetime
) -> None:
    calls = result.exchange.send_calls if result.exchange else None
    match result:
        case Refilled():
            end_attempt(attempt, Outcome.PLACED, upstream_id=result.refill_id, send_calls=calls, answered_at=now)
            poll = next_poll(order_id=refill.pk, since=now, now=now)
            set_refill(refill, RefillState.REQUESTED, upstream_id=result.refill_id, next_poll_at=poll, poll_misses=0)
            note_refill(refill, EventKind.REFILL_REQUESTED, now, upstream_id=result.refill_id)
        case Refused():
            end_attempt(attempt, Outcome.REFUSED, reason=str(result)[:500], send_calls=calls, answered_at=now)
            if not is_for_now(result.error_class):
                decline(refill, result.error_class.value, now)
                if result.error_class is ErrorClass.UNSUPPORTED:
                    health.capability_off(refill.provider_id, "can_refill", now=now)
            else:
                wait = backoff(refill.tries, retry_after=result.retry_after)
                set_refill(refill, RefillState.QUEUED, next_at=now + wait)
        case NotSent():
            is_released = attempt.outcome == Outcome.CLAIMED and result.reason == "permit"
            outcome = Outcome.RELEASED if is_released else Outcome.NOT_SENT
            end_attempt(attempt, outcome, send_calls=0, reason=str(result)[:500])
            set_refill(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt() if attempt.outcome == Outcome.CLAIMED:
            end_attempt(attempt, Outcome.RELEASED, send_calls=0, reason=str(result)[:500])
            set_refill(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt() if attempt.outcome == Outcome.SENDING:
            refill_id = (result.candidates or ("",))[0]
            end_attempt(attempt, Outcome.IN_DOUBT, reason=str(result)[:500], send_calls=calls, unconfirmed_id=refill_id)
            _put_in_doubt(refill, now, poll_at=now if refill_id else None)


def give_up_refill(attempt: RefillAttempt, now: datetime) -> int:
    """Queue the refill again if nothing can have left, else put it in doubt; return 0 if it was recorded after all.

    An answer that the sender stored and could not record any more is recorded here.
    """
    if attempt.outcome == Outcome.SENDING and (answer := _stored_answer(attempt)) is not None:
        record(attempt, answer, now=now)
        return 1
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=attempt.refill_id)
        current = RefillAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.outcome == Outcome.CLAIMED:
            end_attempt(current, Outcome.RELEASED, reason="its sender went away")
            set_refill(refill, RefillState.QUEUED, next_at=now)
        elif current.outcome == Outcome.SENDING:
            end_attempt(current, Outcome.IN_DOUBT, reason="its sender went away")
            _put_in_doubt(refill, now)
        else:
            return 0
    return 1


def _stored_answer(attempt: RefillAttempt) -> Refilled | Refused | NotSent | InDoubt | None:
    """Read the provider's answer from what was stored; None if nothing was, or if it came back with a dump."""
    stored = ProviderExchange.objects.filter(~FROZEN, refill_attempt=attempt, action="refill").first()
    if stored is None:
        return None
    exchange = permits.stored_exchange(stored.transcript)
    order = attempt.refill.order
    try:
        if exchange.send_calls == 0:
            raise not_sent(exchange)
        return read_refills.read_refill(exchange, str(order.upstream_id), dialect_of(order.provider))
    except (Refused, NotSent, InDoubt) as failure:
        return failure


def end_attempt(attempt: RefillAttempt, outcome: Outcome, **columns: object) -> None:
    RefillAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, **columns)


def set_refill(refill: Refill, state: RefillState, **columns: object) -> None:
    Refill.objects.filter(pk=refill.pk).update(state=state, **columns)


def note_refill(refill: Refill, kind: EventKind, now: datetime, **detail: object) -> None:
    lifecycle.note(order_id=refill.order_id, kind=kind, now=now, detail={"refill": refill.pk, **detail})


def decline(refill: Refill, refusal: str, now: datetime, raw: str = "") -> None:
    set_refill(
        refill, RefillState.REJECTED, refusal=refusal[:40], raw_state=raw[:100], finished_at=now, next_poll_at=None
    )
    note_refill(refill, EventKind.REFILL_DECLINED, now, refusal=refusal)


def _put_in_doubt(refill: Refill, now: datetime, *, poll_at: datetime | None = None) -> None:
    """Never send it again; with ``poll_at``, an id is known whose state may close the doubt."""
    set_refill(refill, RefillState.IN_DOUBT, next_at=None, next_poll_at=poll_at)
    note_refill(refill, EventKind.REFILL_DOUBTED, now)
    raise_alert(
        causes.REFILL_IN_DOUBT, now=now, provider=refill.provider_id, name=refill.provider.name, order=refill.order_id
    )
