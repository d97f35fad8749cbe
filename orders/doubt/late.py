"""Answers that were stored and never recorded: their worker died between the two."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from catalog.models import Provider
from catalog.providers.connection import dialect_of
from notices.containment import contained
from orders.forwarding import outcomes
from orders.forwarding.permits import stored_exchange
from orders.models import ForwardAttempt, ProviderExchange
from orders.states import Outcome
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.exchange import Exchange
from upstream.messages import AcceptedOrder
from upstream.read_add import read_add
from upstream.verdicts import not_sent


def read_late_answers(provider: Provider, *, now: datetime) -> int:
    """Record what stored answers say of attempts in doubt; how many were looked at.

    What they say of one that was called not placed meanwhile can no longer be made true, but its owner is told.
    """
    rows = list(unread().filter(provider=provider).select_related("forward_attempt").order_by("id"))
    for row in rows:
        assert row.forward_attempt is not None  # noqa: S101 - the query asked for attempts
        _record(row.forward_attempt, row, provider, now)
    return len(rows)


def unread() -> QuerySet[ProviderExchange]:
    """Stored answers about orders that nobody has looked at."""
    doubted = (Outcome.IN_DOUBT, Outcome.NOT_PLACED)
    waiting = ForwardAttempt.objects.filter(outcome__in=doubted, answered_at=None)
    # What came back with a dump may have been dealt with in the time that was lost.
    waiting = waiting.exclude(evidence__has_key="restored")
    stored = ProviderExchange.objects.filter(forward_attempt__in=waiting, action="add")
    return stored.exclude(forward_attempt__evidence__has_key="late")


def _record(attempt: ForwardAttempt, row: ProviderExchange, provider: Provider, now: datetime) -> None:
    result = _judge(stored_exchange(row.transcript), provider)
    late: dict[str, Any] = {"exchange": row.pk, "at": now.isoformat()}
    heard = attempt.unconfirmed_id
    if isinstance(result, InDoubt) and result.candidates:
        late["candidates"] = list(result.candidates)
        heard = heard or result.candidates[0]
    # In doubt with words that nobody knows, it stays so, and the owner is asked what they mean.
    if not isinstance(result, InDoubt) or result.error_class is ErrorClass.OTHER:
        with contained(f"recording the stored answer of attempt {attempt.pk}"):
            outcomes.record(attempt, result, now=now)
    # Only now is it called read: were the database to go away in between, nobody would look at it again.
    with transaction.atomic():
        # Read anew: a person may have decided meanwhile, and left the reason there.
        evidence = {**ForwardAttempt.objects.select_for_update().get(pk=attempt.pk).evidence, "late": late}
        ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence, unconfirmed_id=heard)


def _judge(exchange: Exchange, provider: Provider) -> AcceptedOrder | Refused | NotSent | InDoubt:
    try:
        if exchange.send_calls == 0:
            raise not_sent(exchange)
        # Whether the id is ours already is checked where it is recorded, under the order's lock.
        return read_add(exchange, dialect_of(provider))
    except (Refused, NotSent, InDoubt) as failure:
        if isinstance(failure, Refused) and failure.error_class is ErrorClass.OTHER:
            # Words that nobody knows are believed only after a look at the account, for which it is too late.
            return InDoubt("unlisted_text", failure.text, exchange, error_class=ErrorClass.OTHER)
        return failure
