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
    """Record the stored answers about attempts in doubt; return how many were read.

    One about an attempt that was called not placed meanwhile can no longer be recorded; the owner is alerted.
    """
    rows = list(unread().filter(provider=provider).select_related("forward_attempt").order_by("id"))
    for row in rows:
        attempt = row.forward_attempt
        assert attempt is not None  # noqa: S101 - the query asked for attempts
        result = _judge(stored_exchange(row.transcript), provider)
        late: dict[str, Any] = {"exchange": row.pk, "at": now.isoformat()}
        unconfirmed_id = attempt.unconfirmed_id
        if isinstance(result, InDoubt) and result.candidates:
            late["candidates"] = list(result.candidates)
            unconfirmed_id = unconfirmed_id or result.candidates[0]
        # In doubt because of an unknown text, it stays so, and the owner is asked what the text means.
        if not isinstance(result, InDoubt) or result.error_class is ErrorClass.OTHER:
            with contained(f"recording the stored answer of attempt {attempt.pk}"):
                outcomes.record(attempt, result, now=now)
        # It counts as read only now: if the database went away in between, nobody would read it again.
        with transaction.atomic():
            # Evidence is read again: a person may have decided meanwhile, and left the reason there.
            evidence = {**ForwardAttempt.objects.select_for_update().get(pk=attempt.pk).evidence, "late": late}
            ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence, unconfirmed_id=unconfirmed_id)
    return len(rows)


def unread() -> QuerySet[ProviderExchange]:
    """Return the stored answers about orders in doubt that nobody has read."""
    doubted = (Outcome.IN_DOUBT, Outcome.NOT_PLACED)
    waiting = ForwardAttempt.objects.filter(outcome__in=doubted, answered_at=None)
    # What came back with a dump may have been dealt with in the time that was lost.
    waiting = waiting.exclude(evidence__has_key="restored")
    stored = ProviderExchange.objects.filter(forward_attempt__in=waiting, action="add")
    return stored.exclude(forward_attempt__evidence__has_key="late")


def _judge(exchange: Exchange, provider: Provider) -> AcceptedOrder | Refused | NotSent | InDoubt:
    """Return what the stored answer proves, or InDoubt."""
    try:
        if exchange.send_calls == 0:
            raise not_sent(exchange)
        # Whether the id is ours already is checked when it is recorded, under the order's lock.
        return read_add(exchange, dialect_of(provider))
    except (Refused, NotSent, InDoubt) as failure:
        if isinstance(failure, Refused) and failure.error_class is ErrorClass.OTHER:
            # An unknown text is believed only after a look at the account, for which it is too late.
            return InDoubt("unlisted_text", failure.text, exchange, error_class=ErrorClass.OTHER)
        return failure
