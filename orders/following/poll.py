"""Following orders: ask providers about the ones that are due, 100 ids a call, and apply the answers."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Min
from django.urls import reverse

from catalog.models import Provider
from catalog.providers import health
from core.clock import database_now, elapsed_clock
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from orders import threads
from orders.following import child_answers, order_answers
from orders.following.answers import count_miss, next_poll_of
from orders.following.batches import Batch, ask_in_batches, error_class_of, note_failure, smaller_size
from orders.models import ChildOrder, Order
from orders.timetable import asked_for
from upstream.client import ProviderClient
from upstream.errors import OF_THE_ACCOUNT, ErrorClass, ProviderFailure
from upstream.messages import ItemError, OrderStatus, StatusItem

log = logging.getLogger(__name__)

RUN_SECONDS = 60.0
#: Threads that ask one provider in one process, whatever POLL_LANES is.
CALLS_OF_A_PROCESS = 32
#: When to close the alert "knows none of our orders" again, by provider: not with each of many answers.
_close_again_at: dict[int, float] = {}
_CLOSE_SECONDS = 30.0

# The claim moves next_poll_at before the call: a worker that dies leaves its orders due again later, not lost, and two
# workers never ask about the same order at the same time. Orders and child orders stand in one line, the oldest due
# first, so that none starves.
# due_orders, due_children: the longest due of each kind, without those that another worker is claiming.
# chosen: the longest due of both together, as many as one call takes.
# orders, children: claims them.
_CLAIM = """
    WITH due_orders AS (
        SELECT id, next_poll_at FROM orders_order
        WHERE provider_id = %(provider)s AND next_poll_at <= %(now)s
        ORDER BY next_poll_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), due_children AS (
        SELECT id, next_poll_at FROM orders_childorder
        WHERE provider_id = %(provider)s AND next_poll_at <= %(now)s
        ORDER BY next_poll_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), chosen AS (
        SELECT false AS is_child, id, next_poll_at FROM due_orders
        UNION ALL SELECT true, id, next_poll_at FROM due_children
        ORDER BY next_poll_at, id LIMIT %(most)s
    ), orders AS (
        UPDATE orders_order SET next_poll_at = %(again)s, asked_at = %(now)s
        WHERE id IN (SELECT id FROM chosen WHERE NOT is_child) RETURNING id, upstream_id
    ), children AS (
        UPDATE orders_childorder SET next_poll_at = %(again)s, asked_at = %(now)s
        WHERE id IN (SELECT id FROM chosen WHERE is_child) RETURNING id, upstream_id
    )
    SELECT false, id, upstream_id FROM orders UNION ALL SELECT true, id, upstream_id FROM children
"""


def follow_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask about every order that is due, at every provider; return how many orders were asked about."""
    until, now = elapsed_clock() + seconds, database_now()
    # Inactive providers too: nothing new is sold or sent there, but what was bought has to be settled.
    longest_due: dict[int, datetime] = {}
    for rows in (Order.objects, ChildOrder.objects):
        for row in rows.filter(next_poll_at__lte=now).values("provider_id").annotate(since=Min("next_poll_at")):
            longest_due[row["provider_id"]] = min(longest_due.get(row["provider_id"], now), row["since"])
    providers = sorted(longest_due, key=lambda pk: (longest_due[pk], pk))
    asked = 0
    for index, provider_id in enumerate(providers):
        share = (until - elapsed_clock()) / (len(providers) - index)
        with contained(f"following orders at provider {provider_id}"):
            asked += follow_provider(Provider.objects.get(pk=provider_id), until=elapsed_clock() + share)
    return asked


def follow_provider(provider: Provider, *, until: float) -> int:
    """Ask in batches, at the provider's pace, until nothing is due or the time is over; several calls at once."""

    def make_calls(most: int | None) -> int:
        fresh = Provider.objects.get(pk=provider.pk)

        def smaller(failure: ProviderFailure, size: int) -> int:
            """As for every call, and remember how many ids the provider takes."""
            smaller = smaller_size(failure, size)
            if smaller and error_class_of(failure) is ErrorClass.BATCH_TOO_LARGE:
                fresh.batch_size = smaller
                Provider.objects.filter(pk=fresh.pk).update(batch_size=smaller)
            return smaller

        return ask_in_batches(
            fresh,
            claim=lambda now: claim_batch(fresh, now=now),
            call=ask_for_statuses,
            record=record_answers,
            record_failure=record_failure,
            smaller=smaller,
            # One call fits in whatever is left of the time: a share that is too short must not mean never.
            until=max(until, elapsed_clock() + 60.0 / settings.POLL_CALLS_PER_MINUTE),
            most=most,
        )

    def calls_due() -> int:
        """How many calls it takes to ask about everything that is due, as far as that matters."""
        most, now = settings.POLL_LANES * provider.batch_size, database_now()
        due = sum(
            len(rows.filter(provider=provider, next_poll_at__lte=now).order_by()[:most].values_list("pk"))
            for rows in (Order.objects, ChildOrder.objects)
        )
        return -(-due // provider.batch_size)

    most_at_once = min(settings.POLL_LANES, CALLS_OF_A_PROCESS)
    return threads.work(make_calls, wanted=calls_due, most=most_at_once, until=until)


def claim_batch(provider: Provider, *, now: datetime) -> Batch:
    """Claim what has been due longest, and commit: one statement."""
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"provider": provider.pk, "now": now, "again": again, "most": provider.batch_size})
        rows = cursor.fetchall()
    return Batch(
        provider,
        {upstream_id: pk for is_child, pk, upstream_id in rows if not is_child},
        now,
        {upstream_id: pk for is_child, pk, upstream_id in rows if is_child},
    )


def ask_for_statuses(client: ProviderClient, ids: list[str]) -> Mapping[str, StatusItem]:
    """Ask about one or more orders in one call. Raises Unavailable."""
    return {ids[0]: client.status(ids[0])} if len(ids) == 1 else client.statuses(ids)


def record_answers(batch: Batch, answers: Mapping[str, StatusItem], now: datetime) -> None:
    """Apply the answers of one call, to orders and child orders."""
    provider = batch.provider
    health.note_answer(provider.pk, now=now)
    # 1. A provider that knows none of our orders was likely given another account's key.
    if any(isinstance(item, OrderStatus) for item in answers.values()):
        if elapsed_clock() >= _close_again_at.get(provider.pk, 0.0):
            close_alert(causes.KNOWS_NO_ORDER, now=now, provider=provider.pk)
            _close_again_at[provider.pk] = elapsed_clock() + _CLOSE_SECONDS
    elif len(answers) > 1 and all(
        isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER for item in answers.values()
    ):
        raise_alert(causes.KNOWS_NO_ORDER, now=now, provider=provider.pk, name=provider.name, count=len(answers))
        _close_again_at.pop(provider.pk, None)
    # 2. What each answer changes.
    _apply(order_answers.apply_answers, "order", batch, batch.ids, answers, now)
    _apply(child_answers.apply_answers, "childorder", batch, batch.children, answers, now)


def _apply(
    apply_answers: Callable[..., None],
    model: str,
    batch: Batch,
    rows: Mapping[str, int],
    answers: Mapping[str, StatusItem],
    now: datetime,
) -> None:
    """Apply all at once; if that breaks, one by one, so that the row it breaks on stops no other."""
    by_row = {rows[i]: item for i, item in answers.items() if i in rows}
    if not by_row:
        return
    try:
        apply_answers(by_row, provider=batch.provider, asked_at=batch.asked_at, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of %s answers could not be applied as a whole", len(by_row))
        for pk, item in by_row.items():
            with contained(
                f"applying an answer to {model} {pk}", path=reverse(f"admin:orders_{model}_change", args=[pk])
            ):
                apply_answers({pk: item}, provider=batch.provider, asked_at=batch.asked_at, now=now)


def record_failure(batch: Batch, failure: ProviderFailure, now: datetime) -> None:
    """Record a call that failed whole: keep every state, ask later, and note what it says about the provider."""
    note_failure(batch.provider.pk, failure, now=now)
    earliest = now + timedelta(seconds=asked_for(failure.retry_after))
    # What is wrong with the provider or the account has an alert of its own, and needs none for each order.
    needs_review = not failure.outage and error_class_of(failure) not in OF_THE_ACCOUNT
    for ids, model in ((batch.ids, Order), (batch.children, ChildOrder)):
        for row in model.objects.filter(pk__in=ids.values()):
            is_for_review = count_miss(row) and needs_review
            again = next_poll_of(row, now)
            rows = model.objects.filter(pk=row.pk)
            rows.update(next_poll_at=max(again, earliest) if again else None, poll_misses=row.poll_misses)
            if is_for_review:
                rows.filter(needs_review="").update(needs_review=row.needs_review)
