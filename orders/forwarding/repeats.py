"""Repeating the request of an order in doubt, at a provider whose test order proved that it knows a repeated request.

A repeat is the same bytes with the same key, so that the provider answers with the order that it has, or places the one
that never reached it. It belongs to the attempt that it repeats: the attempt stays in doubt, and what the answer means
is judged by `orders.doubt`. A refusal of a repeat refuses nothing.
"""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max

from catalog.models import Provider
from catalog.providers import health, repeatable
from catalog.providers.connection import dialect_of
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import own_ids
from orders.forwarding import breaker, contradictions, lanes, permits, repeat_rules, trial
from orders.forwarding.outcomes import is_ours_already
from orders.models import ForwardAttempt, Order, ProviderExchange, RepeatAttempt
from orders.states import Outcome
from orders.verdicts import is_for_now
from upstream.client import ProviderClient
from upstream.errors import InDoubt, NotSent, Refused
from upstream.exchange import Exchange
from upstream.messages import AcceptedOrder
from upstream.read_add import read_add
from upstream.verdicts import not_sent


def request_of(order: Order, attempt: ForwardAttempt) -> tuple[dict[str, Any], str]:
    """Return the fields of the attempt's request, and its key: "" where the provider's dialect names no field for one.

    The key is the attempt's token: no other attempt has it, not even one in a database that was put back from a dump.
    """
    key = str(attempt.token) if repeatable.field_of(order.provider) else ""
    return {"service": order.external_service_id, **order.fields}, key


def send_due(*, seconds: float) -> int:
    """Send the repeats that are due, one after another, through each provider's lane; return how many were sent."""
    until, sent = elapsed_clock() + seconds, 0
    for provider_id in repeat_rules.due_providers():
        with contained(f"repeating requests at provider {provider_id}"), lanes.take(provider_id) as lane:
            while lane is not None and elapsed_clock() < until and send_next(lane):
                sent += 1
    return sent


def send_next(lane: lanes.Lane) -> bool:
    """Send the next repeat of the lane's provider; False if none is due."""
    repeat = claim_next(lane)
    if repeat is None:
        return False
    send(repeat, lane)
    return True


def claim_next(lane: lanes.Lane) -> RepeatAttempt | None:
    """Claim the next repeat of the lane's provider and commit; None if none is due, or the proof does not hold."""
    provider = Provider.objects.get(pk=lane.provider_id)
    try:
        is_proven = repeatable.is_proven(provider)
    except SecretUnreadable:
        return None
    if not is_proven:
        repeatable.forget_other_proof(provider.pk)
        return None
    if breaker.is_tripped(provider.pk) and not trial.answers(provider, database_now()):
        return None
    with transaction.atomic():
        attempt_id = repeat_rules.lock_next(provider)
        if attempt_id is None:
            return None
        last = RepeatAttempt.objects.filter(attempt=attempt_id).aggregate(last=Max("n"))["last"] or 0
        columns = permits.claim_columns(lane, database_now())
        repeat = RepeatAttempt.objects.create(attempt_id=attempt_id, n=last + 1, **columns)
    # The settings under which the proof holds are those with which the request is made.
    repeat.attempt.order.provider = provider
    return repeat


def send(repeat: RepeatAttempt, lane: lanes.Lane) -> None:
    """Send a claimed repeat and record what came of it."""
    order = repeat.attempt.order
    fields, key = request_of(order, repeat.attempt)

    def repeat_it(client: ProviderClient) -> AcceptedOrder:
        digest = permits.digest_of(client.add_body(fields, request_id=key))
        if digest != repeat.attempt.request_digest:
            raise NotSent("permit", "it would be another request")
        return client.add(fields, permit=repeat_rules.permit(repeat, lane, digest), request_id=key)

    keep = partial(_store, repeat_id=repeat.pk, provider_id=order.provider_id)
    record(repeat, permits.carry_out(order.provider, repeat_it, keep=keep), now=database_now())


def record(repeat: RepeatAttempt, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """Record what a repeat came to. The order does not move here, whatever the answer says."""
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=repeat.attempt.order_id)
        attempt = ForwardAttempt.objects.select_for_update().get(pk=repeat.attempt_id)
        current = RepeatAttempt.objects.select_for_update().get(pk=repeat.pk)
        if current.outcome not in (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT):
            return
        calls = result.exchange.send_calls if result.exchange else None
        match result:
            case AcceptedOrder():
                _end(current, Outcome.PLACED, upstream_id=result.order_id, send_calls=calls, answered_at=now)
                _note_named(attempt, current, result.order_id, now)
                breaker.count_answer(order.provider_id, is_clear=True, now=now)
            case Refused():
                evidence: dict[str, Any] = {} if is_for_now(result.error_class) else {"final": True}
                reason = str(result)[:500]
                _end(current, Outcome.REFUSED, reason=reason, send_calls=calls, answered_at=now, evidence=evidence)
            case NotSent():
                is_released = current.outcome == Outcome.CLAIMED and result.reason in ("permit", "fault")
                _end(
                    current,
                    Outcome.RELEASED if is_released else Outcome.NOT_SENT,
                    send_calls=0,
                    reason=str(result)[:500],
                )
            case InDoubt() if current.outcome == Outcome.CLAIMED:
                _end(current, Outcome.RELEASED, send_calls=0, reason=str(result)[:500])
            case InDoubt() if current.outcome == Outcome.SENDING:
                evidence = {"candidates": list(result.candidates)} if result.candidates else {}
                _end(current, Outcome.IN_DOUBT, reason=str(result)[:500], send_calls=calls, evidence=evidence)
                breaker.count_answer(order.provider_id, is_clear=False, now=now)
    if isinstance(result, (NotSent, InDoubt)) and result.outage:
        health.note_outage(order.provider_id, now=now)
    elif isinstance(result, (AcceptedOrder, Refused)):
        health.note_answer(order.provider_id, now=now)


def give_up_repeat(repeat: RepeatAttempt, now: datetime) -> int:
    """End a repeat whose sender is gone; return 0 if it was recorded after all. A stored answer is recorded."""
    if repeat.outcome == Outcome.SENDING and repeat.exchange is not None:
        record(repeat, stored_answer(repeat.exchange, repeat.attempt.order.provider), now=now)
        return 1
    with transaction.atomic():
        current = RepeatAttempt.objects.select_for_update().get(pk=repeat.pk)
        ends = {Outcome.CLAIMED: Outcome.RELEASED, Outcome.SENDING: Outcome.IN_DOUBT}
        outcome = ends.get(Outcome(current.outcome))
        if outcome is None:
            return 0
        _end(current, outcome, reason="its sender went away")
    return 1


def _note_named(attempt: ForwardAttempt, repeat: RepeatAttempt, number: str, now: datetime) -> None:
    """Keep the number that a repeat's answer names for the search, or say at once what it contradicts."""
    if attempt.outcome == Outcome.PLACED and attempt.upstream_id == number:
        return
    if is_ours_already(attempt.provider_id, number):
        contradictions.note(repeat, contradictions.taken(number), now=now)
        return
    own_ids.note_seen(attempt.provider_id, number, None, now=now)
    if attempt.outcome == Outcome.PLACED:
        contradictions.note(repeat, contradictions.two_numbers(str(attempt.upstream_id), number), now=now)
    elif attempt.outcome != Outcome.IN_DOUBT:
        contradictions.note(repeat, contradictions.not_placed_after_all(number), now=now)


def stored_answer(row: ProviderExchange, provider: Provider) -> AcceptedOrder | Refused | NotSent | InDoubt:
    """Return what a stored exchange of an `add` proves, for a sender that went away before it recorded that."""
    exchange = permits.stored_exchange(row.transcript)
    try:
        if exchange.send_calls == 0:
            raise not_sent(exchange)
        return read_add(exchange, dialect_of(provider))
    except (Refused, NotSent, InDoubt) as failure:
        return failure


def _store(exchange: Exchange, *, repeat_id: int, provider_id: int) -> None:
    """Store and commit the exchange, and which repeat it belongs to, before anybody interprets it."""
    with transaction.atomic():
        stored = permits.store_exchange(exchange, provider_id=provider_id)
        RepeatAttempt.objects.filter(pk=repeat_id).update(exchange=stored)


def _end(repeat: RepeatAttempt, outcome: Outcome, **columns: Any) -> None:
    RepeatAttempt.objects.filter(pk=repeat.pk).update(outcome=outcome, **columns)
