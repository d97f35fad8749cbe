"""Sends refills: claims, sends and records each, at most once."""

import logging
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from catalog.providers import health
from catalog.providers.connection import client_for, dialect_of
from core.clock import database_now, elapsed_clock
from notices.alerts import raise_alert
from notices.containment import contained
from orders import lifecycle
from orders.forwarding import lanes, permits
from orders.models import FROZEN, EventKind, ProviderExchange, Refill, RefillAttempt
from orders.states import Outcome, RefillState
from orders.timetable import backoff, next_poll
from orders.verdicts import Then, then
from upstream import read_refills
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import Refilled
from upstream.verdicts import not_sent

log = logging.getLogger(__name__)

RUN_SECONDS = 30.0


def send_due(*, seconds: float = RUN_SECONDS) -> int:
    """Send what is queued and due, through each provider's lane; how many were sent."""
    until = elapsed_clock() + seconds
    queued = Refill.objects.filter(state=RefillState.QUEUED, next_at__lte=database_now())
    queued = queued.filter(provider__is_active=True, provider__parked_at=None)
    sent = 0
    for provider_id in sorted(queued.values_list("provider_id", flat=True).distinct()):
        with contained(f"sending refills to provider {provider_id}"), lanes.take(provider_id) as lane:
            while lane is not None and elapsed_clock() < until:
                attempt = _claim(lane, now=database_now())
                if attempt is None:
                    break
                _send(attempt, lane)
                sent += 1
    return sent


def _claim(lane: lanes.Lane, *, now: datetime) -> RefillAttempt | None:
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


def _send(attempt: RefillAttempt, lane: lanes.Lane) -> None:
    order = attempt.refill.order
    assert order.upstream_id is not None  # noqa: S101 - only placed orders are refilled, and those have one
    keep = partial(permits.store_exchange, provider_id=attempt.provider_id, refill_attempt=attempt)
    result: Refilled | Refused | NotSent | InDoubt
    try:
        client = client_for(order.provider, deadline=settings.FORWARD_DEADLINE_SECONDS, on_exchange=keep)
        result = client.refill(order.upstream_id, permit=permits.permit(permits.REFILL, lane, attempt.token))
    except (Refused, NotSent, InDoubt) as failure:
        result = failure
    except (OperationalError, InterfaceError):
        raise
    except Exception as bug:
        log.exception("refill attempt %s broke", attempt.pk)
        result = InDoubt("fault", type(bug).__name__)
    record(attempt, result, now=database_now())


def record(attempt: RefillAttempt, result: Refilled | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """Write down what the call came to, fenced like an order's; also for an answer that came after the sweep."""
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=attempt.refill_id)
        current = RefillAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.outcome not in (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT):
            return
        if refill.is_open:
            _record(refill, current, result, now)
        elif isinstance(result, Refilled):
            end_attempt(
                current, Outcome.PLACED, upstream_id=result.refill_id, answered_at=now
            )  # too late for its customer
    if isinstance(result, Refused) and then(result.error_class) is Then.PARK:
        health.park(attempt.provider_id, reason=result.error_class.value, now=now)


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
            if then(result.error_class) is Then.REFUND:
                decline(refill, result.error_class.value, now)
                if result.error_class is ErrorClass.UNSUPPORTED:
                    health.capability_off(refill.provider_id, "can_refill", now=now)
            else:
                wait = backoff(refill.tries, retry_after=result.retry_after)
                set_refill(refill, RefillState.QUEUED, next_at=now + wait)
        case NotSent():
            released = attempt.outcome == Outcome.CLAIMED and result.reason == "permit"
            end_attempt(
                attempt, Outcome.RELEASED if released else Outcome.NOT_SENT, send_calls=0, reason=str(result)[:500]
            )
            set_refill(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt() if attempt.outcome == Outcome.CLAIMED:
            end_attempt(attempt, Outcome.RELEASED, send_calls=0, reason=str(result)[:500])
            set_refill(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt():
            if attempt.outcome != Outcome.IN_DOUBT:
                heard = (result.candidates or ("",))[0]
                end_attempt(attempt, Outcome.IN_DOUBT, reason=str(result)[:500], send_calls=calls, unconfirmed_id=heard)
                _doubt(refill, now, poll_at=now if heard else None)


def give_up(attempt: RefillAttempt, now: datetime) -> int:
    """Its sender is gone: queued again when nothing can have left, else in doubt; 0 when it was recorded after all.

    An answer that the sender stored and could not record any more is recorded here.
    """
    if attempt.outcome == Outcome.SENDING and (said := _stored_answer(attempt)) is not None:
        record(attempt, said, now=now)
        return 1
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=attempt.refill_id)
        current = RefillAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.outcome == Outcome.CLAIMED:
            end_attempt(current, Outcome.RELEASED, reason="its sender went away")
            set_refill(refill, RefillState.QUEUED, next_at=now + timedelta(seconds=0))
        elif current.outcome == Outcome.SENDING:
            end_attempt(current, Outcome.IN_DOUBT, reason="its sender went away")
            _doubt(refill, now)
        else:
            return 0
    return 1


def _stored_answer(attempt: RefillAttempt) -> Refilled | Refused | NotSent | InDoubt | None:
    """What the provider answered, read from what was stored; None when nothing was, or it came back with a dump."""
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


def _doubt(refill: Refill, now: datetime, *, poll_at: datetime | None = None) -> None:
    """``poll_at`` when an id was heard whose state may close the doubt."""
    set_refill(refill, RefillState.IN_DOUBT, next_at=None, next_poll_at=poll_at)
    note_refill(refill, EventKind.REFILL_DOUBTED, now)
    raise_alert(
        cause=f"provider:{refill.provider_id}:refill_doubt",
        title=_("Refills in doubt at %(provider)s") % {"provider": refill.provider.name},
        body=_("The provider's answer to a refill was lost. It is not asked for again by itself."),
        path=f"/admin/orders/order/{refill.order_id}/change/",
        now=now,
    )
