"""One call about many rows: claimed, asked about at the provider's pace, and in smaller parts where it fails whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.account import confirm_shut_out
from catalog.providers.connection import client_for
from orders.following import rate_limit
from orders.timetable import asked_for
from upstream.client import ProviderClient
from upstream.errors import OF_THE_ACCOUNT, SHUT_OUT, ErrorClass, ProviderFailure


@dataclass(frozen=True)
class Batch:
    """What is claimed for one call: provider's id -> our id of a row, or of a child order. ``asked_at`` dates it."""

    provider: Provider
    ids: Mapping[str, int]
    asked_at: datetime
    children: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> list[str]:
        """Every id to ask for; one that is both an order and a child is asked for once."""
        return list({**self.ids, **self.children})

    def parts(self, size: int) -> list["Batch"]:
        """Return the batch in parts of at most ``size`` ids."""
        found = []
        for start in range(0, len(self.asked), size):
            some = self.asked[start : start + size]
            ids, children = ({i: rows[i] for i in some if i in rows} for rows in (self.ids, self.children))
            found.append(Batch(self.provider, ids, self.asked_at, children))
        return found


def ask_in_batches[Answers](
    provider: Provider,
    *,
    claim: Callable[[datetime], Batch],
    call: Callable[[ProviderClient, list[str]], Answers],
    record: Callable[[Batch, Answers, datetime], None],
    record_failure: Callable[[Batch, ProviderFailure, datetime], None],
    until: float,
    smaller: Callable[[ProviderFailure, int], int] | None = None,
    due: Callable[[datetime], QuerySet[Any]] | None = None,
    most: int | None = None,
) -> int:
    """Claim and ask until nothing is due, the time is over, or ``most`` calls are made.

    Returns how many ids were asked about. ``call`` asks about some ids, ``record`` takes the answers, and
    ``record_failure`` a call that failed whole. ``smaller`` is the rule for asking again about fewer ids, or
    `smaller_size`. ``due`` finds the rows, where they are not the orders and child orders that a turn looks for.
    """
    client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
    waiting: list[Batch] = []
    asked = calls = 0
    with rate_limit.turns_at(provider.pk) as turns:
        while most is None or calls < most or waiting:
            has_work = bool(waiting)
            if due is not None and not has_work:
                has_work = due(turns.clock.now()).filter(provider=provider).exists()
                if not has_work:
                    break
            if not turns.take(until, anyway=has_work):
                break
            batch = waiting.pop() if waiting else claim(turns.clock.now())
            if not batch.asked:
                break
            if len(batch.asked) > provider.batch_size:
                batch, *rest = batch.parts(provider.batch_size)
                waiting += rest
            calls += 1
            try:
                answers = call(client, batch.asked)
            except ProviderFailure as failure:
                if size := (smaller or smaller_size)(failure, len(batch.asked)):
                    waiting += batch.parts(size)
                    continue
                record_failure(batch, failure, turns.clock.now())
            else:
                record(batch, answers, turns.clock.now())
            asked += len(batch.asked)
    return asked


def smaller_size(failure: ProviderFailure, size: int) -> int:
    """How many ids to ask about after a call about ``size`` failed whole; 0 where asking about fewer would not help.

    Some providers fail a whole call for one id they do not know; others take fewer ids than most, or one.
    """
    error_class = error_class_of(failure)
    if size == 1:
        return 0
    if error_class is ErrorClass.UNSUPPORTED or failure.reason == "rows_without_ids":
        return 1
    is_about_ids = error_class is not None and error_class not in OF_THE_ACCOUNT and not failure.outage
    return (size + 1) // 2 if is_about_ids else 0


def error_class_of(failure: ProviderFailure) -> ErrorClass | None:
    """Return the class of the provider's error, None where it stated none."""
    error_class: ErrorClass | None = getattr(failure, "error_class", None)
    return error_class


def note_failure(provider_id: int, failure: ProviderFailure, *, now: datetime) -> None:
    """Note what a call that failed whole says about the provider: park it, slow down, or count an outage."""
    error_class = error_class_of(failure)
    if error_class in SHUT_OUT:
        confirm_shut_out(Provider.objects.get(pk=provider_id), now=now)
        return
    if error_class is ErrorClass.RATE_LIMITED:
        rate_limit.slow_down(provider_id, wait=asked_for(failure.retry_after), now=now)
    elif failure.outage:
        health.note_outage(provider_id, now=now)
