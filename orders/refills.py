"""Refills: asked for by a customer, sent at most once, followed until the provider's final answer. No money moves."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from catalog.models import Provider
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained
from orders import lifecycle
from orders.doorbell import FORWARD, ring_on_commit
from orders.following import rate_limit
from orders.following.answers import MISSES_TO_REVIEW
from orders.following.batches import Batch, ask_in_batches, error_class_of
from orders.forwarding.refill_sends import RUN_SECONDS, decline, end_attempt, note_refill, set_refill
from orders.models import EventKind, Order, Refill
from orders.refill_window import RefillWindow, refill_window
from orders.states import Outcome, RefillState
from orders.timetable import asked_for, next_poll
from upstream.client import ProviderClient
from upstream.errors import OF_THE_ACCOUNT, ErrorClass, ProviderFailure
from upstream.messages import RefillItem, RefillStatus
from upstream.states import ProviderRefillState

log = logging.getLogger(__name__)

_DONE = (ProviderRefillState.COMPLETED, ProviderRefillState.PARTIAL)
_DECLINED = (
    ProviderRefillState.REJECTED,
    ProviderRefillState.CANCELED,
    ProviderRefillState.FAILED,
    ProviderRefillState.REFUNDED,
)
#: Requested ones, and those in doubt whose spoiled answer named an id.
_FOLLOWED = (RefillState.REQUESTED, RefillState.IN_DOUBT)


class NotRefillable(Refusal):
    """The order cannot be refilled now."""

    code = "not_refillable"


class OutsideWindow(NotRefillable):
    """The order can be refilled only later, or could be only until some days ago."""

    def __init__(self, window: RefillWindow) -> None:
        self.window = window
        super().__init__(window.refusal)


def refusal_to_refill(order: Order, *, now: datetime) -> NotRefillable | None:
    """Return why a refill of ``order`` cannot be asked for now, None if it can.

    Costs no query if the order came with its service, source, provider and refills.
    """
    if not order.can_be_refilled:
        if not order.service.allows_refill:
            return NotRefillable(_("This service has no refill."))
        if any(r.is_open for r in order.refills.all()):
            return NotRefillable(_("A refill of this order is under way."))
        return NotRefillable(_("Only a completed order can be refilled."))
    window = refill_window(order, now=now)
    return None if window.is_open else OutsideWindow(window)


def request_refill(
    *, order: Order, actor: str, now: datetime, is_by_staff: bool = False, job: int | None = None
) -> Refill:
    """Ask for a refill of a completed order; ``job`` is that of its customer which asks for many.

    Raises NotRefillable, also while another one is open, and OutsideWindow before and after the time for which refills
    were promised when the order was placed.
    """
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        fresh = Order.objects.select_related("service__source__provider").prefetch_related("refills").get(pk=order.pk)
        if (refusal := refusal_to_refill(fresh, now=now)) is not None:
            raise refusal
        refill = Refill.objects.create(order=fresh, provider_id=fresh.provider_id, next_at=now, created_at=now)
        detail: dict[str, Any] = {"by": "staff"} if is_by_staff else {}
        detail |= {} if job is None else {"job": job}
        lifecycle.note(order_id=fresh.pk, kind=EventKind.REFILL_ASKED, now=now, detail=detail, actor=actor)
        ring_on_commit(FORWARD)
        return refill


def follow_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask about the passed-on refills that are due; return how many were asked about."""
    until = elapsed_clock() + seconds
    provider_ids = _due(database_now()).values_list("provider_id", flat=True).distinct()
    asked = 0
    for provider in Provider.objects.filter(pk__in=provider_ids).order_by("pk"):
        with contained(f"following refills at provider {provider.pk}"):
            asked += ask_in_batches(
                provider,
                claim=partial(_claim, provider),
                call=_ask,
                record=_record,
                record_failure=_record_failure,
                smaller=_smaller_size,
                until=until,
                due=_due,
            )
    return asked


def _due(now: datetime) -> QuerySet[Refill]:
    return Refill.objects.filter(state__in=_FOLLOWED, next_poll_at__lte=now)


def _claim(provider: Provider, now: datetime) -> Batch:
    """Claim the refills that have been due longest. The claim moves next_poll_at before the call."""
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with transaction.atomic():
        due = _due(now).filter(provider=provider).select_for_update(skip_locked=True)
        rows = list(due.order_by("next_poll_at", "id")[: provider.batch_size])
        Refill.objects.filter(pk__in=[r.pk for r in rows]).update(next_poll_at=again, asked_at=now)
    return Batch(provider, {i: r.pk for r in rows if (i := r.upstream_id or _doubtful_id(r))}, now)


def _doubtful_id(refill: Refill) -> str:
    """Return the id in a spoiled answer to the attempt in doubt, "" when there is none or another refill has it."""
    last = refill.attempts.filter(outcome=Outcome.IN_DOUBT).exclude(unconfirmed_id="").order_by("-n").first()
    if last is None or Refill.objects.filter(provider=refill.provider_id, upstream_id=last.unconfirmed_id).exists():
        return ""
    return last.unconfirmed_id


def _ask(client: ProviderClient, ids: list[str]) -> Mapping[str, RefillItem]:
    """Ask about one or more refills in one call. Raises Unavailable."""
    return client.refill_statuses(ids) if len(ids) > 1 else {ids[0]: client.refill_status(ids[0])}


def _smaller_size(failure: ProviderFailure, size: int) -> int:
    """Only the form for one refill is in the documented contract: a provider may answer the other one with anything."""
    is_about_ids = not failure.outage and error_class_of(failure) not in OF_THE_ACCOUNT
    return 1 if size > 1 and is_about_ids else 0


def _record(batch: Batch, answers: Mapping[str, RefillItem], now: datetime) -> None:
    for upstream_id, pk in batch.ids.items():
        apply_answer(pk, answers.get(upstream_id), now=now)


def _record_failure(batch: Batch, failure: ProviderFailure, now: datetime) -> None:
    log.warning("refill status of %s refills: %s", len(batch.ids), failure.reason)
    if error_class_of(failure) is ErrorClass.RATE_LIMITED:
        rate_limit.slow_down(batch.provider.pk, wait=asked_for(failure.retry_after), now=now)
    _record(batch, {}, now)


def apply_answer(refill_id: int, item: RefillItem | None, *, now: datetime) -> None:
    """Apply one answer. Anything but a known state keeps the refill as it is."""
    with transaction.atomic():
        refill = Refill.objects.select_for_update().get(pk=refill_id)
        if refill.state not in _FOLLOWED:
            return
        status = item if isinstance(item, RefillStatus) else None
        # 1. A known state under the id of a spoiled answer closes the doubt: the refill was taken.
        if refill.state == RefillState.IN_DOUBT and status is not None and (found := _doubtful_id(refill)):
            attempt = refill.attempts.select_for_update().get(outcome=Outcome.IN_DOUBT)
            refill.upstream_id = found
            end_attempt(attempt, Outcome.PLACED, upstream_id=found)
            set_refill(refill, RefillState.REQUESTED, upstream_id=found)
            note_refill(refill, EventKind.REFILL_REQUESTED, now, upstream_id=found)
        # 2. The state.
        if status is not None and status.state in _DONE:
            set_refill(
                refill, RefillState.COMPLETED, raw_state=status.raw_state[:100], finished_at=now, next_poll_at=None
            )
            note_refill(refill, EventKind.REFILL_DONE, now)
        elif status is not None and status.state in _DECLINED:
            decline(refill, status.state.value, now, status.raw_state)
        else:
            misses = 0 if status is not None else refill.poll_misses + 1
            again = next_poll(order_id=refill.pk, since=refill.created_at, now=now, misses=misses)
            raw = getattr(item, "raw_state", refill.raw_state)[:100]
            Refill.objects.filter(pk=refill.pk).update(next_poll_at=again, poll_misses=misses, raw_state=raw)
            if refill.state == RefillState.REQUESTED and misses == MISSES_TO_REVIEW:
                # One that was passed on has no doubt that could end: else nobody would learn that it stays open.
                raise_alert(
                    causes.REFILL_UNANSWERED, now=now, provider=refill.provider_id, name=refill.provider.name,
                    order=refill.order_id, count=MISSES_TO_REVIEW,
                )  # fmt: skip
        # 3. The provider answers again: close its alert with the last silent refill.
        if status is not None and refill.poll_misses >= MISSES_TO_REVIEW:
            silent = Refill.objects.filter(
                provider=refill.provider_id, state=RefillState.REQUESTED, poll_misses__gte=MISSES_TO_REVIEW
            )
            if not silent.exists():
                close_alert(causes.REFILL_UNANSWERED, now=now, provider=refill.provider_id)
