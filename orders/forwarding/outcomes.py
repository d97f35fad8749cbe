"""Recording what a send came to: order, attempt and money in one transaction, fenced by the attempt's token.

An accepted order is recorded here step by step, and by `orders.forwarding.accepted` in one statement where nothing is
unusual; tests/orders/forwarding/test_accepted.py runs both on the same rows and compares every column.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from catalog.models import Provider, ProviderService
from catalog.providers import health
from notices import causes
from notices.alerts import raise_alert
from orders import lifecycle, own_ids, settlement
from orders.forwarding import accepted, breaker, contradictions, refusal_streaks
from orders.models import ChildOrder, EventKind, ForwardAttempt, Order, OwnId, RepeatAttempt
from orders.states import Explanation, Forward, Outcome
from orders.timetable import backoff, next_poll
from orders.verdicts import is_for_now
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

#: After this many tries without a single byte sent, the owner is asked to look at the order.
_POISON_TRIES = 10
#: Why they should, if the order is still waiting.
MANY_TRIES = "not sent after many tries"
_GONE = "gone: the provider refused an order for it"
_RESTING = "resting: the provider takes no orders for it at the moment"
_REST = timedelta(hours=1)


def record(attempt: ForwardAttempt, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """Record what the call came to. Safe to repeat; if the sweep was faster, this is a late answer."""
    # 1. The usual answer, in one statement.
    if isinstance(result, AcceptedOrder) and accepted.record(attempt, result, now=now):
        return
    with transaction.atomic():
        # 2. The fence: only the attempt that was sent, and only while it waits for its answer.
        order = Order.objects.select_for_update().get(pk=attempt.order_id)
        current = ForwardAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.token != attempt.token:
            return
        if current.outcome not in (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT):
            # A panel that recognises a repeated order gives both tries one id: then it was bought once.
            is_called_not_placed = current.outcome == Outcome.NOT_PLACED
            if is_called_not_placed and isinstance(result, AcceptedOrder) and result.order_id != order.upstream_id:
                alert_contradiction(current.pk, result.order_id, now=now)
            return
        if isinstance(result, (Refused, NotSent)) and _is_repeated(current):
            # The repeat may have placed what the first request did not: only the repeat's answer, a search or a person
            # ends this doubt.
            note = {"first_request": str(result)[:500]}
            ForwardAttempt.objects.filter(pk=current.pk).update(evidence={**current.evidence, **note})
            return
        # 3. Order, attempt and money.
        trouble = refusal_streaks.tally(order, result, now=now)
        match result:
            case AcceptedOrder():
                record_accepted(order, current, result, now=now)
            case Refused():
                _record_refused(order, current, result, now, keep=bool(trouble))
            case NotSent():
                _record_not_sent(order, current, result, now)
            case InDoubt() if current.outcome == Outcome.CLAIMED:
                # The permit moves the row before the first byte: a claim that never moved has sent nothing.
                _record_not_sent(order, current, NotSent("fault", str(result)), now)
            case InDoubt() if current.outcome == Outcome.SENDING:
                columns: dict[str, Any] = {"reason": str(result)[:500]}
                if result.candidates:
                    columns["unconfirmed_id"] = result.candidates[0]
                    columns["evidence"] = {**current.evidence, "candidates": list(result.candidates)}
                _end_attempt(current, Outcome.IN_DOUBT, result, now, **columns)
                put_in_doubt(order, now=now, attempt=current)
        if isinstance(result, (AcceptedOrder, Refused)):
            breaker.count_answer(order.provider_id, is_clear=order.forward_state != Forward.IN_DOUBT, now=now)
    # 4. What the answer says about the provider.
    if trouble:
        short_of = order.expected_charge if trouble == health.NO_FUNDS else None
        health.park(order.provider_id, reason=trouble, now=now, short_of=short_of)
    elif isinstance(result, (NotSent, InDoubt)) and result.outage:
        health.note_outage(order.provider_id, now=now)
    elif isinstance(result, (AcceptedOrder, Refused)):
        health.note_answer(order.provider_id, now=now)


def _is_repeated(attempt: ForwardAttempt) -> bool:
    """True if a repeat of the request may have left. The caller has locked the attempt, as each permit does."""
    return RepeatAttempt.objects.filter(attempt=attempt, sent_at__isnull=False).exists()


def record_accepted(order: Order, attempt: ForwardAttempt, result: AcceptedOrder, *, now: datetime) -> None:
    """Record that the attempt placed this id, from an answer or from evidence. The caller has locked both rows."""
    if is_ours_already(attempt.provider_id, result.order_id):
        if attempt.outcome != Outcome.IN_DOUBT:
            _end_attempt(attempt, Outcome.IN_DOUBT, None, now, reason="known_id", unconfirmed_id=result.order_id)
        put_in_doubt(order, now=now, attempt=attempt)
        raise_alert(causes.NUMBER_TAKEN, now=now, provider=attempt.provider_id, order=order.pk, number=result.order_id)
        return
    _end_attempt(attempt, Outcome.PLACED, result, now, upstream_id=result.order_id)
    own_ids.note_placed(attempt, result.order_id, now=now)
    contradictions.note_other_number(attempt, result.order_id, now=now)
    if order.forward_state in (Forward.REFUNDED, Forward.REFUSED):
        # Found after the customer was refunded: the shop's loss, and nothing more happens to the order.
        text = "found at the provider after its refund"
        detail = {"text": text, "upstream_id": result.order_id}
        lifecycle.note(order_id=order.pk, kind=EventKind.REMARK, now=now, detail=detail)
        raise_alert(causes.FOUND_AFTER_REFUND, now=now, order=order.pk, number=result.order_id)
        return
    columns: dict[str, Any] = {
        "upstream_id": result.order_id,
        "placed_at": now,
        "next_at": None,
        "next_poll_at": next_poll(order_id=order.pk, since=now, now=now),
    }
    _move_order(order, Forward.PLACED, now, EventKind.PLACED, {"upstream_id": result.order_id}, attempt, **columns)


def is_ours_already(provider_id: int, upstream_id: str) -> bool:
    """Return True if an order of ours has this id, lists it among its runs, or it was a test order."""
    at = {"provider_id": provider_id, "upstream_id": upstream_id}
    if ForwardAttempt.objects.filter(**at).exists() or ChildOrder.objects.filter(**at).exists():
        return True
    known = OwnId.objects.filter(provider_id=provider_id, upstream_id=upstream_id)
    return known.filter(explained__in=[Explanation.ATTEMPT, Explanation.CHILD, Explanation.TEST]).exists()


def _record_refused(order: Order, attempt: ForwardAttempt, result: Refused, now: datetime, *, keep: bool) -> None:
    """Refund the order, or queue it again: if the moment is to blame, or the provider itself (``keep``)."""
    error_class = result.error_class
    _end_attempt(attempt, Outcome.REFUSED, result, now, reason=f"{error_class}: {result.text}"[:500])
    if order.forward_state == Forward.REFUNDED:
        return
    detail, columns = {"class": error_class.value}, {"last_refusal": error_class.value}
    if error_class is ErrorClass.SERVICE_RESTING:
        _rest_service(order, now)
    if keep or is_for_now(error_class):
        again_at = now + backoff(order.tries, retry_after=result.retry_after)
        _move_order(order, Forward.QUEUED, now, EventKind.DELAYED, detail, attempt, next_at=again_at, **columns)
        return
    new = Forward.REFUSED if order.forward_state == Forward.SENDING else Forward.REFUNDED
    _move_order(order, new, now, EventKind.REFUSED, detail, attempt, next_at=None, finished_at=now, **columns)
    settlement.refund_everything(order, now=now)
    if error_class is ErrorClass.SERVICE_GONE:
        # Off sale until the next sync, which reads the row again because its digest no longer matches.
        gone = ProviderService.objects.filter(provider_id=order.provider_id, external_id=order.external_service_id)
        gone.exclude(quarantine__contains=[_GONE]).update(quarantine=[_GONE], digest="")
    if error_class in (ErrorClass.OTHER, ErrorClass.UNSUPPORTED, ErrorClass.BAD_PARAMS):
        raise_alert(
            causes.UNKNOWN_REFUSAL, now=now, provider=order.provider_id, error_class=error_class, order=order.pk,
            text=result.text,
        )  # fmt: skip


def _rest_service(order: Order, now: datetime) -> None:
    """Sell the service no more until the provider's list is read again, in an hour at the latest."""
    resting = ProviderService.objects.filter(provider_id=order.provider_id, external_id=order.external_service_id)
    resting.exclude(quarantine__contains=[_RESTING]).update(quarantine=[_RESTING], digest="")
    Provider.objects.filter(pk=order.provider_id).update(next_sync_at=Least(F("next_sync_at"), now + _REST))


def _record_not_sent(order: Order, attempt: ForwardAttempt, result: NotSent, now: datetime) -> None:
    """Queue the order again: no byte of it left."""
    is_released = attempt.outcome == Outcome.CLAIMED and result.reason in ("permit", "fault")
    outcome = Outcome.RELEASED if is_released else Outcome.NOT_SENT
    _end_attempt(attempt, outcome, result, now, send_calls=0, reason=str(result)[:500])
    if order.forward_state == Forward.REFUNDED:
        return
    columns: dict[str, Any] = {"next_at": now + backoff(order.tries)}
    if order.tries >= _POISON_TRIES:
        columns["needs_review"] = MANY_TRIES
    _move_order(order, Forward.QUEUED, now, EventKind.REQUEUED, {"reason": result.reason}, attempt, **columns)


def put_in_doubt(order: Order, *, now: datetime, attempt: ForwardAttempt) -> None:
    """Keep the money held and never send again without proof. The caller has locked the order."""
    if order.forward_state != Forward.SENDING:
        return
    _move_order(order, Forward.IN_DOUBT, now, EventKind.DOUBTED, {}, attempt, next_at=None)
    breaker.count_answer(order.provider_id, is_clear=False, now=now)
    raise_alert(causes.IN_DOUBT, now=now, provider=order.provider_id, name=order.provider.name)


def _end_attempt(
    attempt: ForwardAttempt,
    outcome: Outcome,
    result: AcceptedOrder | Refused | NotSent | InDoubt | None,
    now: datetime,
    **columns: Any,
) -> None:
    exchange = result.exchange if result is not None else None
    if exchange is not None:
        columns.setdefault("send_calls", exchange.send_calls)
        if exchange.answered_at is not None:
            columns.setdefault("answered_at", now)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, **columns)
    attempt.outcome = outcome


def _move_order(
    order: Order,
    new: Forward,
    now: datetime,
    kind: EventKind,
    detail: dict[str, Any],
    attempt: ForwardAttempt,
    **columns: Any,
) -> None:
    """Move the order, with one event for the send and one for its result."""
    old = Forward(order.forward_state)
    if attempt.sent_at is not None and old is Forward.SENDING:
        lifecycle.note(order_id=order.pk, kind=EventKind.SENT, now=attempt.sent_at, detail={"try": attempt.n})
    lifecycle.move(order_id=order.pk, old=old, new=new, now=now, kind=kind, detail=detail, **columns)
    order.forward_state = new


def alert_contradiction(attempt_id: int, upstream_id: str, *, now: datetime) -> None:
    """Alert the owner: an order that was called "not placed" has an id there, so it was bought, perhaps twice."""
    attempt = ForwardAttempt.objects.select_related("order").get(pk=attempt_id)
    raise_alert(causes.CONTRADICTION, now=now, order=attempt.order_id, number=upstream_id)
