"""Refills: asked for by a customer, sent at most once, followed until the provider's last word. No money moves."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers.connection import client_for
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from orders import lifecycle
from orders.doorbell import FORWARD, ring_on_commit
from orders.following import rate_limit
from orders.following.order_answers import MISSES_TO_REVIEW
from orders.forwarding.refill_sends import RUN_SECONDS, decline, end_attempt, note_refill, set_refill
from orders.models import EventKind, Order, Refill
from orders.states import Outcome, RefillState
from orders.timetable import asked_for, next_poll
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import RefillItem, RefillStatus
from upstream.states import ProviderRefillState

log = logging.getLogger(__name__)


_DONE = {ProviderRefillState.COMPLETED: RefillState.COMPLETED, ProviderRefillState.PARTIAL: RefillState.COMPLETED}
#: Requested ones, and those in doubt of which an id was heard.
_FOLLOWED = (RefillState.REQUESTED, RefillState.IN_DOUBT)
_DECLINED = (
    ProviderRefillState.REJECTED,
    ProviderRefillState.CANCELED,
    ProviderRefillState.FAILED,
    ProviderRefillState.REFUNDED,
)


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
    with rate_limit.at(provider.pk) as turn:
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
    last = refill.attempts.filter(outcome=Outcome.IN_DOUBT).exclude(unconfirmed_id="").order_by("-n").first()
    if last is None or Refill.objects.filter(provider=refill.provider_id, upstream_id=last.unconfirmed_id).exists():
        return ""
    return last.unconfirmed_id


def _confirm(refill: Refill, now: datetime) -> None:
    """A known state under the id that was heard closes the doubt: the refill was taken."""
    attempt = refill.attempts.select_for_update().get(outcome=Outcome.IN_DOUBT)
    refill.upstream_id = _heard_id(refill)
    end_attempt(attempt, Outcome.PLACED, upstream_id=refill.upstream_id)
    set_refill(refill, RefillState.REQUESTED, upstream_id=refill.upstream_id)
    note_refill(refill, EventKind.REFILL_REQUESTED, now, upstream_id=refill.upstream_id)


def _ask(provider: Provider, batch: Mapping[str, int], turn: rate_limit.Turns, until: float) -> None:
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
        rate_limit.slow_down(provider.pk, wait=asked_for(failure.retry_after), now=database_now())
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
            set_refill(refill, _DONE[item.state], raw_state=item.raw_state[:100], finished_at=now, next_poll_at=None)
            note_refill(refill, EventKind.REFILL_DONE, now)
        elif isinstance(item, RefillStatus) and item.state in _DECLINED:
            decline(refill, item.state.value, now, item.raw_state)
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
        causes.REFILL_UNANSWERED, now=now, provider=refill.provider_id, name=refill.provider.name,
        order=refill.order_id, count=MISSES_TO_REVIEW,
    )  # fmt: skip


def _close_untold(provider_id: int, now: datetime) -> None:
    silent = Refill.objects.filter(provider=provider_id, state=RefillState.REQUESTED, poll_misses__gte=MISSES_TO_REVIEW)
    if not silent.exists():
        close_alert(causes.REFILL_UNANSWERED, now=now, provider=provider_id)
