"""Refills: asked for by a customer, sent at most once, followed until the provider's last word. No money moves."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from catalog import health
from catalog.connection import client_for, dialect_of
from catalog.models import Provider
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from orders import lanes, lifecycle, sending, turns
from orders.doorbell import FORWARD, ring_on_commit
from orders.hearing import MISSES_TO_REVIEW
from orders.models import FROZEN, EventKind, Order, ProviderExchange, Refill, RefillAttempt
from orders.states import Outcome, RefillState
from orders.timetable import asked_for, backoff, next_poll
from orders.verdicts import Then, then
from upstream import read_refills
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused, Unavailable
from upstream.messages import Refilled, RefillItem, RefillStatus
from upstream.states import RefillState as Heard
from upstream.verdicts import not_sent

log = logging.getLogger(__name__)

RUN_SECONDS = 30.0

_DONE = {Heard.COMPLETED: RefillState.COMPLETED, Heard.PARTIAL: RefillState.COMPLETED}
#: Requested ones, and those in doubt of which an id was heard.
_FOLLOWED = (RefillState.REQUESTED, RefillState.IN_DOUBT)
_DECLINED = (Heard.REJECTED, Heard.CANCELED, Heard.FAILED, Heard.REFUNDED)


class NotRefillable(Refusal):
    """The order cannot be refilled now."""

    code = "not_refillable"


def request_refill(*, order: Order, actor: str, now: datetime) -> Refill:
    """Ask for a refill of a completed order. Raises NotRefillable, also while another one is open."""
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        fresh = Order.objects.select_related("service__source__provider").prefetch_related("refills").get(pk=order.pk)
        if not fresh.can_be_refilled:
            raise NotRefillable(_("This order cannot be refilled at the moment."))
        refill = Refill.objects.create(order=fresh, provider_id=fresh.provider_id, next_at=now, created_at=now)
        lifecycle.note(order_id=fresh.pk, kind=EventKind.REFILL_ASKED, now=now, actor=actor)
        ring_on_commit(FORWARD)
        return refill


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
        return RefillAttempt.objects.create(refill=refill, n=last + 1, **sending.claim_columns(lane, now))


def _send(attempt: RefillAttempt, lane: lanes.Lane) -> None:
    order = attempt.refill.order
    assert order.upstream_id is not None  # noqa: S101 - only placed orders are refilled, and those have one
    keep = partial(sending.store_exchange, provider_id=attempt.provider_id, refill_attempt=attempt)
    result: Refilled | Refused | NotSent | InDoubt
    try:
        client = client_for(order.provider, deadline=settings.FORWARD_DEADLINE_SECONDS, on_exchange=keep)
        result = client.refill(order.upstream_id, permit=sending.permit(sending.REFILL, lane, attempt.token))
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
            _end(current, Outcome.PLACED, upstream_id=result.refill_id, answered_at=now)  # too late for its customer
    if isinstance(result, Refused) and then(result.error_class) is Then.PARK:
        health.park(attempt.provider_id, reason=result.error_class.value, now=now)


def _record(
    refill: Refill, attempt: RefillAttempt, result: Refilled | Refused | NotSent | InDoubt, now: datetime
) -> None:
    calls = result.exchange.send_calls if result.exchange else None
    match result:
        case Refilled():
            _end(attempt, Outcome.PLACED, upstream_id=result.refill_id, send_calls=calls, answered_at=now)
            poll = next_poll(order_id=refill.pk, since=now, now=now)
            _set(refill, RefillState.REQUESTED, upstream_id=result.refill_id, next_poll_at=poll, poll_misses=0)
            _note(refill, EventKind.REFILL_REQUESTED, now, upstream_id=result.refill_id)
        case Refused():
            _end(attempt, Outcome.REFUSED, reason=str(result)[:500], send_calls=calls, answered_at=now)
            if then(result.error_class) is Then.REFUND:
                _decline(refill, result.error_class.value, now)
                if result.error_class is ErrorClass.UNSUPPORTED:
                    health.capability_off(refill.provider_id, "can_refill", now=now)
            else:
                wait = backoff(refill.tries, retry_after=result.retry_after)
                _set(refill, RefillState.QUEUED, next_at=now + wait)
        case NotSent():
            released = attempt.outcome == Outcome.CLAIMED and result.reason == "permit"
            _end(attempt, Outcome.RELEASED if released else Outcome.NOT_SENT, send_calls=0, reason=str(result)[:500])
            _set(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt() if attempt.outcome == Outcome.CLAIMED:
            _end(attempt, Outcome.RELEASED, send_calls=0, reason=str(result)[:500])
            _set(refill, RefillState.QUEUED, next_at=now + backoff(refill.tries))
        case InDoubt():
            if attempt.outcome != Outcome.IN_DOUBT:
                heard = (result.candidates or ("",))[0]
                _end(attempt, Outcome.IN_DOUBT, reason=str(result)[:500], send_calls=calls, heard_id=heard)
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
            _end(current, Outcome.RELEASED, reason="its sender went away")
            _set(refill, RefillState.QUEUED, next_at=now + timedelta(seconds=0))
        elif current.outcome == Outcome.SENDING:
            _end(current, Outcome.IN_DOUBT, reason="its sender went away")
            _doubt(refill, now)
        else:
            return 0
    return 1


def _stored_answer(attempt: RefillAttempt) -> Refilled | Refused | NotSent | InDoubt | None:
    """What the provider answered, read from what was stored; None when nothing was, or it came back with a dump."""
    stored = ProviderExchange.objects.filter(~FROZEN, refill_attempt=attempt, action="refill").first()
    if stored is None:
        return None
    exchange = sending.stored_exchange(stored.said)
    order = attempt.refill.order
    try:
        if exchange.send_calls == 0:
            raise not_sent(exchange)
        return read_refills.read_refill(exchange, str(order.upstream_id), dialect_of(order.provider))
    except (Refused, NotSent, InDoubt) as failure:
        return failure


def _end(attempt: RefillAttempt, outcome: Outcome, **columns: object) -> None:
    RefillAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, **columns)


def _set(refill: Refill, state: RefillState, **columns: object) -> None:
    Refill.objects.filter(pk=refill.pk).update(state=state, **columns)


def _note(refill: Refill, kind: EventKind, now: datetime, **detail: object) -> None:
    lifecycle.note(order_id=refill.order_id, kind=kind, now=now, detail={"refill": refill.pk, **detail})


def _decline(refill: Refill, refusal: str, now: datetime, raw: str = "") -> None:
    _set(refill, RefillState.REJECTED, refusal=refusal[:40], raw_state=raw[:100], finished_at=now, next_poll_at=None)
    _note(refill, EventKind.REFILL_DECLINED, now, refusal=refusal)


def _doubt(refill: Refill, now: datetime, *, poll_at: datetime | None = None) -> None:
    """``poll_at`` when an id was heard whose state may close the doubt."""
    _set(refill, RefillState.IN_DOUBT, next_at=None, next_poll_at=poll_at)
    _note(refill, EventKind.REFILL_DOUBTED, now)
    raise_alert(
        cause=f"provider:{refill.provider_id}:refill_doubt",
        title=_("Refills in doubt at %(provider)s") % {"provider": refill.provider.name},
        body=_("The provider's answer to a refill was lost. It is not asked for again by itself."),
        path=f"/admin/orders/order/{refill.order_id}/change/",
        now=now,
    )


def follow_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask about the requested refills that are due; how many."""
    until = elapsed_clock() + seconds
    due = _to_poll(database_now())
    providers = Provider.objects.filter(pk__in=due.values_list("provider_id", flat=True).distinct()).order_by("pk")
    asked = 0
    for provider in providers:
        with contained(f"following refills at provider {provider.pk}"):
            asked += _follow(provider, until)
    return asked


def _follow(provider: Provider, until: float) -> int:
    asked = 0
    with turns.at(provider.pk) as turn:
        while _to_poll(database_now()).filter(provider=provider).exists() and turn.take(until, anyway=True):
            batch = _claim_polls(provider, now=database_now())
            if not batch:
                break
            asked += len(batch)
            _ask(provider, batch, turn, until)
    return asked


def _to_poll(now: datetime) -> QuerySet[Refill]:
    return Refill.objects.filter(state__in=_FOLLOWED, next_poll_at__lte=now)


def _claim_polls(provider: Provider, *, now: datetime) -> dict[str, int]:
    """Refill id at the provider -> ours. The claim moves next_poll_at before the call."""
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with transaction.atomic():
        due = _to_poll(now).filter(provider=provider).select_for_update(skip_locked=True)
        rows = list(due.order_by("next_poll_at", "id")[: provider.batch_size])
        Refill.objects.filter(pk__in=[r.pk for r in rows]).update(next_poll_at=again, asked_at=now)
    return {i: r.pk for r in rows if (i := r.upstream_id or _heard_id(r))}


def _heard_id(refill: Refill) -> str:
    """The id heard in a spoiled answer to the attempt in doubt; none when another refill has it."""
    last = refill.attempts.filter(outcome=Outcome.IN_DOUBT).exclude(heard_id="").order_by("-n").first()
    if last is None or Refill.objects.filter(provider=refill.provider_id, upstream_id=last.heard_id).exists():
        return ""
    return last.heard_id


def _confirm(refill: Refill, now: datetime) -> None:
    """A known state under the id that was heard closes the doubt: the refill was taken."""
    attempt = refill.attempts.select_for_update().get(outcome=Outcome.IN_DOUBT)
    refill.upstream_id = _heard_id(refill)
    _end(attempt, Outcome.PLACED, upstream_id=refill.upstream_id)
    _set(refill, RefillState.REQUESTED, upstream_id=refill.upstream_id)
    _note(refill, EventKind.REFILL_REQUESTED, now, upstream_id=refill.upstream_id)


def _ask(provider: Provider, batch: Mapping[str, int], turn: turns.Turns, until: float) -> None:
    """In one call, or in one for each where the provider knows no other way; what gets no turn is due again later."""
    client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
    ids = list(batch)
    if len(ids) > 1:
        try:
            _hear_all(batch, client.refill_statuses(ids))
            return
        except Unavailable as failure:
            if failure.outage or failure.error_class in (ErrorClass.RATE_LIMITED, ErrorClass.INVALID_KEY):
                _failed(provider, batch, failure)
                return
    # Only the single form is in the documented contract: for a lone refill, and for panels without the other one.
    for upstream_id in ids:
        if len(ids) > 1 and not turn.take(until, anyway=True):
            return
        try:
            _hear_all({upstream_id: batch[upstream_id]}, {upstream_id: client.refill_status(upstream_id)})
        except Unavailable as failure:
            _failed(provider, {upstream_id: batch[upstream_id]}, failure)


def _failed(provider: Provider, batch: Mapping[str, int], failure: Unavailable) -> None:
    log.warning("refill status of %s refills: %s", len(batch), failure.reason)
    if failure.error_class is ErrorClass.RATE_LIMITED:
        turns.slow_down(provider.pk, wait=asked_for(failure.retry_after), now=database_now())
    _hear_all(batch, {})


def _hear_all(batch: Mapping[str, int], heard: Mapping[str, RefillItem]) -> None:
    now = database_now()
    for upstream_id, pk in batch.items():
        hear(pk, heard.get(upstream_id), now=now)


def hear(refill_id: int, item: RefillItem | None, *, now: datetime) -> None:
    """Apply one answer. Anything but a known word keeps the refill as it is."""
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=refill_id)
        if refill.state not in _FOLLOWED:
            return
        if refill.state == RefillState.IN_DOUBT and isinstance(item, RefillStatus) and _heard_id(refill):
            _confirm(refill, now)
        if isinstance(item, RefillStatus) and item.state in _DONE:
            _set(refill, _DONE[item.state], raw_state=item.raw_state[:100], finished_at=now, next_poll_at=None)
            _note(refill, EventKind.REFILL_DONE, now)
        elif isinstance(item, RefillStatus) and item.state in _DECLINED:
            _decline(refill, item.state.value, now, item.raw_state)
        else:
            misses = 0 if isinstance(item, RefillStatus) else refill.poll_misses + 1
            again = next_poll(order_id=refill.pk, since=refill.created_at, now=now, misses=misses)
            raw = getattr(item, "raw_state", refill.raw_state)[:100]
            Refill.objects.filter(pk=refill.pk).update(next_poll_at=again, poll_misses=misses, raw_state=raw)
            if refill.state == RefillState.REQUESTED and misses == MISSES_TO_REVIEW:
                _tell_untold(refill, now)
        if isinstance(item, RefillStatus) and refill.poll_misses >= MISSES_TO_REVIEW:
            _close_untold(refill.provider_id, now)


def _tell_untold(refill: Refill, now: datetime) -> None:
    """One that was passed on has no doubt that could end: without this nobody would learn that it stays open."""
    raise_alert(
        cause=_untold(refill.provider_id),
        title=_("%(provider)s tells nothing of refills") % {"provider": refill.provider.name},
        body=_("Order %(order)s: its refill was passed on, and %(count)d questions in a row had no usable answer.")
        % {"order": refill.order, "count": MISSES_TO_REVIEW},
        path=f"/admin/orders/order/{refill.order_id}/change/",
        now=now,
    )


def _close_untold(provider_id: int, now: datetime) -> None:
    silent = Refill.objects.filter(provider=provider_id, state=RefillState.REQUESTED, poll_misses__gte=MISSES_TO_REVIEW)
    if not silent.exists():
        close_alert(cause=_untold(provider_id), now=now)


def _untold(provider_id: int) -> str:
    return f"provider:{provider_id}:refill_untold"
