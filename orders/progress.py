"""Following orders: ask the provider about the ones that are due, 100 ids a call, and apply what it says."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Min

from catalog import health
from catalog.connection import client_for
from catalog.models import Provider
from core.clock import database_now, elapsed_clock
from notices.containment import contained
from orders import hearing
from orders.models import Order
from orders.pace import Pace
from orders.timetable import next_poll
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import StatusItem

log = logging.getLogger(__name__)

RUN_SECONDS = 60.0

# The claim moves next_poll_at before the call: a worker that dies leaves its orders due again later, not lost, and two
# workers never ask about the same order at the same time. The oldest due go first, so none starves.
_CLAIM = """
    UPDATE orders_order SET next_poll_at = %(again)s, asked_at = %(now)s
    WHERE id IN (
        SELECT id FROM orders_order
        WHERE provider_id = %(provider)s AND next_poll_at <= %(now)s
        ORDER BY next_poll_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
    RETURNING id, upstream_id
"""


@dataclass(frozen=True)
class Batch:
    """Orders claimed for one call: provider's id -> our id. ``asked_at`` dates the question."""

    provider: Provider
    ids: Mapping[str, int]
    asked_at: datetime


def follow_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask about every order that is due, at every provider; how many orders were asked about."""
    until = elapsed_clock() + seconds
    now = database_now()
    # An inactive provider is followed too: nothing new is sold or sent there, but what was bought has to be settled.
    due = Order.objects.filter(next_poll_at__lte=now)
    longest_waiting = due.values("provider_id").annotate(since=Min("next_poll_at")).order_by("since", "provider_id")
    providers = [row["provider_id"] for row in longest_waiting]
    asked = 0
    for place, provider_id in enumerate(providers):
        share = (until - elapsed_clock()) / (len(providers) - place)
        with contained(f"following orders at provider {provider_id}"):
            asked += follow_provider(Provider.objects.get(pk=provider_id), until=elapsed_clock() + share)
    return asked


def follow_provider(provider: Provider, *, until: float) -> int:
    """Ask in batches, at the provider's pace, until nothing is due or the time is over."""
    asked = 0
    pace = Pace(settings.POLL_CALLS_PER_MINUTE)
    waiting: list[Batch] = []
    # Looked at before the pause: nobody should wait for a turn in which there is nothing to ask.
    while (waiting or _is_anything_due(provider)) and (asked == 0 or pace.wait(until)):
        batch = waiting.pop() if waiting else claim_batch(provider, now=database_now())
        if not batch.ids:
            break
        if len(batch.ids) > provider.batch_size:
            waiting += parts_of(batch, provider.batch_size)
            continue
        waiting += ask(batch)
        asked += len(batch.ids)
    return asked


def _is_anything_due(provider: Provider) -> bool:
    return Order.objects.filter(provider=provider, next_poll_at__lte=database_now()).exists()


def claim_batch(provider: Provider, *, now: datetime) -> Batch:
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"provider": provider.pk, "now": now, "again": again, "most": provider.batch_size})
        return Batch(provider, {upstream_id: pk for pk, upstream_id in cursor.fetchall()}, now)


def ask(batch: Batch) -> list[Batch]:
    """One call about a batch; what is to be asked again in smaller ones.

    A call that fails whole says nothing about any order, and changes none.
    """
    client = client_for(batch.provider, deadline=settings.READ_DEADLINE_SECONDS)
    asked = list(batch.ids)
    try:
        answers: Mapping[str, StatusItem] = (
            {asked[0]: client.status(asked[0])} if len(asked) == 1 else client.statuses(asked)
        )
    except Unavailable as failure:
        if len(asked) > 1 and _may_be_one_id(failure):
            return _smaller(batch, failure)
        failed(batch, failure, now=database_now())
        return []
    now = database_now()
    health.note_answer(batch.provider.pk, now=now)
    _apply({batch.ids[i]: item for i, item in answers.items()}, batch, now)
    return []


def _apply(heard: Mapping[int, StatusItem], batch: Batch, now: datetime) -> None:
    """All at once; if that breaks, one by one, so that the order it breaks on keeps no other from its settlement."""
    try:
        hearing.apply(heard, provider=batch.provider, asked_at=batch.asked_at, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of %s answers could not be applied as a whole", len(heard))
        for order_id, item in heard.items():
            with contained(f"applying an answer to order {order_id}", path=f"/admin/orders/order/{order_id}/change/"):
                hearing.apply({order_id: item}, provider=batch.provider, asked_at=batch.asked_at, now=now)


#: Faults of the call, the moment or the account: asking for fewer ids would not help.
_NOT_OF_AN_ID = (
    ErrorClass.RATE_LIMITED,
    ErrorClass.INVALID_KEY,
    ErrorClass.ACCOUNT_BLOCKED,
    ErrorClass.MAINTENANCE,
    ErrorClass.UNSUPPORTED,
)


def _may_be_one_id(failure: Unavailable) -> bool:
    """Whether one id may have spoiled the call: it was answered whole, in words, and not about the account."""
    return failure.error_class is not None and not failure.outage and failure.error_class not in _NOT_OF_AN_ID


def _smaller(batch: Batch, failure: Unavailable) -> list[Batch]:
    """Some panels fail a whole call for one id they do not know; others take fewer ids than most."""
    half = (len(batch.ids) + 1) // 2
    if failure.error_class is ErrorClass.BATCH_TOO_LARGE:
        batch.provider.batch_size = half
        Provider.objects.filter(pk=batch.provider.pk).update(batch_size=half)
    return parts_of(batch, half)


def parts_of(batch: Batch, most: int) -> list[Batch]:
    """The batch in parts of at most ``most`` ids."""
    ids = list(batch.ids.items())
    return [Batch(batch.provider, dict(ids[i : i + most]), batch.asked_at) for i in range(0, len(ids), most)]


def failed(batch: Batch, failure: Unavailable, *, now: datetime) -> None:
    """The whole call told nothing: keep every state, ask later, and note what it says about the provider."""
    if failure.error_class in (ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED):
        health.park(batch.provider.pk, reason=failure.error_class.value, now=now)
    elif failure.outage:
        health.note_outage(batch.provider.pk, now=now)
    for order in Order.objects.filter(pk__in=batch.ids.values()):
        misses = order.poll_misses + 1
        since = order.placed_at or now
        again = next_poll(order_id=order.pk, since=since, now=now, misses=misses, finished_at=order.finished_at)
        wait = now + timedelta(seconds=min(failure.retry_after or 0.0, 3600.0))
        Order.objects.filter(pk=order.pk).update(next_poll_at=max(again, wait) if again else None, poll_misses=misses)
