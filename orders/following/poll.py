"""Following orders: ask the provider about the ones that are due, 100 ids a call, and apply what it says."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Min
from django.urls import reverse

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import SteadyClock, database_now, elapsed_clock
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from orders import threads
from orders.following import child_answers, order_answers, rate_limit
from orders.models import ChildOrder, Order
from orders.timetable import asked_for, next_poll
from upstream.errors import OF_THE_ACCOUNT, ErrorClass, Unavailable
from upstream.messages import ItemError, OrderStatus, StatusItem

log = logging.getLogger(__name__)

RUN_SECONDS = 60.0
#: Threads that ask one provider in one process, whatever POLL_LANES is.
CALLS_OF_A_PROCESS = 32

# The claim moves next_poll_at before the call: a worker that dies leaves its orders due again later, not lost, and two
# workers never ask about the same order at the same time. Orders and child orders stand in one line, the oldest due
# first, so that none starves.
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


class Apply(Protocol):
    """What applies answers, by our ids."""

    def __call__(
        self, heard: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime
    ) -> None: ...


@dataclass(frozen=True)
class Batch:
    """What is claimed for one call: provider's id -> our id of an order, or of a child. ``asked_at`` dates it."""

    provider: Provider
    ids: Mapping[str, int]
    asked_at: datetime
    children: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> list[str]:
        """Every id to ask for; one that is both an order and a child is asked for once."""
        return list({**self.ids, **self.children})


def follow_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask about every order that is due, at every provider; how many orders were asked about."""
    until = elapsed_clock() + seconds
    providers = _longest_waiting(database_now())
    asked = 0
    for place, provider_id in enumerate(providers):
        share = (until - elapsed_clock()) / (len(providers) - place)
        with contained(f"following orders at provider {provider_id}"):
            asked += follow_provider(Provider.objects.get(pk=provider_id), until=elapsed_clock() + share)
    return asked


def _longest_waiting(now: datetime) -> list[int]:
    """Providers with something due, the longest due first.

    Inactive ones too: nothing new is sold or sent there, but what was bought has to be settled.
    """
    since: dict[int, datetime] = {}
    for rows in (Order.objects, ChildOrder.objects):
        due = rows.filter(next_poll_at__lte=now).values("provider_id").annotate(since=Min("next_poll_at"))
        for row in due:
            since[row["provider_id"]] = min(since.get(row["provider_id"], now), row["since"])
    return sorted(since, key=lambda pk: (since[pk], pk))


def follow_provider(provider: Provider, *, until: float) -> int:
    """Ask in batches, at the provider's pace, until nothing is due or the time is over; several calls at once."""
    return threads.work(
        partial(_follow, provider.pk, until),
        wanted=partial(_count_calls, provider),
        most=min(settings.POLL_LANES, CALLS_OF_A_PROCESS),
        until=until,
    )


def _follow(provider_id: int, until: float, most: int | None) -> int:
    """One thread's share: ``most`` calls, or as many as there are to make."""
    provider = Provider.objects.get(pk=provider_id)
    waiting: list[Batch] = []
    asked = calls = 0
    # One call fits in whatever is left of the time: a share that is too short must not mean never.
    until = max(until, elapsed_clock() + 60.0 / settings.POLL_CALLS_PER_MINUTE)
    with rate_limit.at(provider_id) as turn:
        while turn.take(until, anyway=bool(waiting)):
            batch = waiting.pop() if waiting else claim_batch(provider, now=turn.clock.now())
            if not batch.asked:
                break
            if len(batch.asked) > provider.batch_size:
                first, *rest = parts_of(batch, provider.batch_size)
                waiting += rest
                batch = first
            waiting += ask(batch, clock=turn.clock)
            asked += len(batch.asked)
            calls += 1
            if most is not None and calls >= most and not waiting:
                break
    return asked


def _count_calls(provider: Provider) -> int:
    """How many calls it takes to ask about everything that is due, as far as that matters."""
    most, now = settings.POLL_LANES * provider.batch_size, database_now()
    due = sum(
        len(rows.filter(provider=provider, next_poll_at__lte=now).order_by()[:most].values_list("pk"))
        for rows in (Order.objects, ChildOrder.objects)
    )
    return -(-due // provider.batch_size)


def claim_batch(provider: Provider, *, now: datetime) -> Batch:
    """What has been due longest, claimed and committed: one statement."""
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


def ask(batch: Batch, *, clock: SteadyClock | None = None) -> list[Batch]:
    """One call about a batch; what is to be asked again in smaller ones.

    A call that fails whole says nothing about any order, and changes none.
    """
    clock = clock or SteadyClock()
    client = client_for(batch.provider, deadline=settings.READ_DEADLINE_SECONDS)
    asked = batch.asked
    try:
        answers: Mapping[str, StatusItem] = (
            {asked[0]: client.status(asked[0])} if len(asked) == 1 else client.statuses(asked)
        )
    except Unavailable as failure:
        if len(asked) > 1 and (_may_be_one_id(failure) or _knows_one_only(failure)):
            return _smaller(batch, failure)
        failed(batch, failure, now=clock.now())
        return []
    now = clock.now()
    health.note_answer(batch.provider.pk, now=now)
    _look_for_strangers(batch.provider, answers, now)
    for apply, ids in ((order_answers.apply, batch.ids), (child_answers.apply, batch.children)):
        _apply(apply, {ids[i]: item for i, item in answers.items() if i in ids}, batch, now)
    return []


#: Until when this process takes it as known that no alert about strangers is open, by provider: answers come often.
_is_quiet: dict[int, float] = {}
_QUIET_SECONDS = 30.0


def _look_for_strangers(provider: Provider, answers: Mapping[str, StatusItem], now: datetime) -> None:
    """A provider that knows none of our orders has likely been given another account's key."""
    if any(isinstance(item, OrderStatus) for item in answers.values()):
        if elapsed_clock() >= _is_quiet.get(provider.pk, 0.0):
            close_alert(causes.KNOWS_NO_ORDER, now=now, provider=provider.pk)
            _is_quiet[provider.pk] = elapsed_clock() + _QUIET_SECONDS
    elif len(answers) > 1 and all(
        isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER for item in answers.values()
    ):
        raise_alert(causes.KNOWS_NO_ORDER, now=now, provider=provider.pk, name=provider.name, count=len(answers))
        _is_quiet.pop(provider.pk, None)


def _apply(apply: Apply, heard: Mapping[int, StatusItem], batch: Batch, now: datetime) -> None:
    """All at once; if that breaks, one by one, so that the order it breaks on keeps no other from its settlement."""
    if not heard:
        return
    try:
        apply(heard, provider=batch.provider, asked_at=batch.asked_at, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a batch of %s answers could not be applied as a whole", len(heard))
        of = "order" if apply is order_answers.apply else "childorder"
        for pk, item in heard.items():
            with contained(f"applying an answer to {of} {pk}", path=reverse(f"admin:orders_{of}_change", args=[pk])):
                apply({pk: item}, provider=batch.provider, asked_at=batch.asked_at, now=now)


def _may_be_one_id(failure: Unavailable) -> bool:
    """Whether one id may have spoiled the call: it was answered whole, in words, and not about the account."""
    return failure.error_class is not None and not failure.outage and failure.error_class not in OF_THE_ACCOUNT


def _knows_one_only(failure: Unavailable) -> bool:
    """Whether the panel does not know the question about several orders, or answers it without naming them."""
    return failure.error_class is ErrorClass.UNSUPPORTED or failure.reason == "rows_without_ids"


def _smaller(batch: Batch, failure: Unavailable) -> list[Batch]:
    """Some panels fail a whole call for one id they do not know; others take fewer ids than most, or one."""
    half = 1 if _knows_one_only(failure) else (len(batch.asked) + 1) // 2
    if failure.error_class is ErrorClass.BATCH_TOO_LARGE:
        batch.provider.batch_size = half
        Provider.objects.filter(pk=batch.provider.pk).update(batch_size=half)
    return parts_of(batch, half)


def parts_of(batch: Batch, most: int) -> list[Batch]:
    """The batch in parts of at most ``most`` ids."""
    return [_part(batch, batch.asked[i : i + most]) for i in range(0, len(batch.asked), most)]


def _part(batch: Batch, ids: Sequence[str]) -> Batch:
    orders, children = ({i: of[i] for i in ids if i in of} for of in (batch.ids, batch.children))
    return Batch(batch.provider, orders, batch.asked_at, children)


def failed(batch: Batch, failure: Unavailable, *, now: datetime) -> None:
    """The whole call told nothing: keep every state, ask later, and note what it says about the provider."""
    if failure.error_class in (ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED):
        health.park(batch.provider.pk, reason=failure.error_class.value, now=now)
    elif failure.error_class is ErrorClass.RATE_LIMITED:
        rate_limit.slow_down(batch.provider.pk, wait=asked_for(failure.retry_after), now=now)
    elif failure.outage:
        health.note_outage(batch.provider.pk, now=now)
    wait = now + timedelta(seconds=asked_for(failure.retry_after))
    # What is wrong with the provider or the account is told by itself, and not once more by each order.
    counts = not failure.outage and failure.error_class not in OF_THE_ACCOUNT
    for order in Order.objects.filter(pk__in=batch.ids.values()):
        _ask_later(order, order.placed_at or now, wait, now, counts=counts)
    for child in ChildOrder.objects.filter(pk__in=batch.children.values()):
        _ask_later(child, child.created_at, wait, now, counts=counts)


def _ask_later(row: Order | ChildOrder, since: datetime, wait: datetime, now: datetime, *, counts: bool) -> None:
    misses = row.poll_misses + 1
    again = next_poll(order_id=row.pk, since=since, now=now, misses=misses, finished_at=row.finished_at)
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.update(next_poll_at=max(again, wait) if again else None, poll_misses=misses)
    if counts and misses >= order_answers.MISSES_TO_REVIEW:
        is_known = isinstance(row, Order) and row.reviewed.startswith(order_answers.MISSED)
        if not is_known:
            rows.filter(needs_review="").update(needs_review=order_answers.in_vain())
