"""Cancellation: at once while an order is unsent, else a request passed on until the order's status answers it.

``cancel`` moves no money and may be repeated, so it needs no attempt of its own: a due row is claimed, asked about with
up to a call's worth of others, and left due again. Only the order's own status cancels it.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from catalog.models import Provider
from catalog.providers import health
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices import causes
from notices.alerts import raise_alert
from notices.containment import contained
from orders import lifecycle, settlement
from orders.doorbell import FOLLOW, ring_on_commit
from orders.following.batches import Batch, ask_in_batches, note_failure, smaller_size
from orders.models import FROZEN, RESTORED, Cancellation, EventKind, Order
from orders.states import CANCEL_OPEN, CancelState, Forward
from orders.timetable import asked_for
from orders.verdicts import CANCELED_UNSENT
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, ProviderFailure, Refused
from upstream.messages import CancelOutcome, CancelRequested, InDoubtItem, RefusedItem

log = logging.getLogger(__name__)

RUN_SECONDS = 30.0
#: After so many refusals in texts we do not know, the request is declined and the owner alerted.
_PATIENCE_WITH_TEXTS = 5
_LONGEST_UNITS = 30


class NotCancelable(Refusal):
    """The order cannot be canceled now."""

    code = "not_cancelable"


def refusal_to_cancel(order: Order, *, is_restored: bool) -> NotCancelable | None:
    """Return why ``order`` cannot be canceled now, None if it can.

    An order in the queue of a shop that ``is_restored`` from a dump may have been sent in the time that was lost. Costs
    no query if the order came with its service, source, provider and cancellations.
    """
    if order.forward_state == Forward.QUEUED:
        return NotCancelable(_("The shop is checking whether this order was sent.")) if is_restored else None
    if order.can_be_canceled:
        return None
    if order.is_final:
        return NotCancelable(_("This order has ended."))
    if order.cancel_is_open:
        return NotCancelable(_("A cancellation of this order was requested and has not been answered yet."))
    if not order.service.allows_cancel:
        return NotCancelable(_("This service cannot be canceled once it was sent."))
    if order.is_in_doubt:
        return NotCancelable(_("The shop is finding out whether this order was accepted."))
    return NotCancelable(_("This order is being sent. Try again in a moment."))


def request_cancel(*, order: Order, actor: str, now: datetime, job: int | None = None) -> Cancellation | None:
    """Cancel an order that was not sent, or note the request for one that was. Raises NotCancelable.

    ``job`` is that of its customer which asks for many.

    Returns None when it is canceled and refunded already. The order's row is locked: a claim of the same order comes
    before, and is kept, or after, and finds nothing to claim.
    """
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        rows = Order.objects.select_related("service__source__provider").prefetch_related("cancellations")
        fresh = rows.get(pk=order.pk)
        by_job = {} if job is None else {"job": job}
        is_unsent = fresh.forward_state == Forward.QUEUED
        is_restored = is_unsent and Order.objects.filter(RESTORED, pk=fresh.pk).exists()
        if (refusal := refusal_to_cancel(fresh, is_restored=is_restored)) is not None:
            raise refusal
        if is_unsent:
            lifecycle.move(
                order_id=fresh.pk, old=Forward.QUEUED, new=Forward.REFUNDED, now=now, kind=EventKind.REFUNDED_UNSENT,
                detail={"why": CANCELED_UNSENT} | by_job, actor=actor, next_at=None, finished_at=now,
                last_refusal=CANCELED_UNSENT,
            )  # fmt: skip
            settlement.refund_everything(fresh, now=now, memo=gettext_noop("Canceled before it was sent"))
            return None
        request = Cancellation.objects.create(
            order=fresh, provider_id=fresh.provider_id, actor=actor[:254], next_at=now, created_at=now
        )
        lifecycle.note(order_id=fresh.pk, kind=EventKind.CANCEL_ASKED, now=now, detail=by_job, actor=actor)
        ring_on_commit(FOLLOW)
        return request


def due(now: datetime) -> QuerySet[Cancellation]:
    """Return the requests to pass on now. A parked provider is asked nothing; an inactive one still has our orders."""
    return Cancellation.objects.filter(~FROZEN, state__in=CANCEL_OPEN, next_at__lte=now, provider__parked_at=None)


def ask_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask providers to cancel for every request that is due, in few calls; return how many were asked for."""
    until = elapsed_clock() + seconds
    waiting = due(database_now()).values_list("provider_id", flat=True)
    asked = 0
    for provider in Provider.objects.filter(pk__in=waiting).order_by("pk"):
        with contained(f"asking provider {provider.pk} to cancel"):
            asked += ask_in_batches(
                provider,
                claim=partial(_claim, provider),
                call=ProviderClient.cancel,
                record=_record,
                record_failure=_record_failure,
                smaller=_smaller_size,
                until=until,
                due=due,
            )
    return asked


def _claim(provider: Provider, now: datetime) -> Batch:
    """Claim the requests that have been due longest. They are due again when we die before the answer."""
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with transaction.atomic():
        rows = due(now).select_for_update(skip_locked=True, of=("self",)).filter(provider=provider)
        requests = list(rows.select_related("order").order_by("next_at", "id")[: provider.batch_size])
        Cancellation.objects.filter(pk__in=[r.pk for r in requests]).update(next_at=again, asked_at=now)
    return Batch(provider, {r.order.upstream_id: r.pk for r in requests if r.order.upstream_id}, now)


def _smaller_size(failure: ProviderFailure, size: int) -> int:
    """As for every call, but only a refusal is asked again at once, and there is no other form for one order."""
    is_refused = isinstance(failure, Refused) and failure.error_class is not ErrorClass.UNSUPPORTED
    return smaller_size(failure, size) if is_refused else 0


def _record(batch: Batch, answers: Mapping[str, CancelOutcome], now: datetime, wait: float | None = None) -> None:
    for upstream_id, pk in batch.ids.items():
        record(pk, answers.get(upstream_id, InDoubtItem()), now=now, wait=wait)


def _record_failure(batch: Batch, failure: ProviderFailure, now: datetime) -> None:
    """Record a call that failed whole. It says nothing about each of several orders: they are asked about again."""
    log.warning("cancel of %s orders: %s", len(batch.ids), failure.reason)
    note_failure(batch.provider.pk, failure, now=now)
    answers: Mapping[str, CancelOutcome] = {}
    if isinstance(failure, Refused):
        is_about_each = len(batch.ids) == 1 or failure.error_class is ErrorClass.UNSUPPORTED
        item = RefusedItem(failure.error_class, failure.text) if is_about_each else InDoubtItem("call_failed")
        answers = dict.fromkeys(batch.ids, item)
    _record(batch, answers, now, failure.retry_after)


def record(request_id: int, answer: CancelOutcome, *, now: datetime, wait: float | None = None) -> None:
    """Record one answer. Whatever it is, the order itself is not touched."""
    with transaction.atomic():
        # The order's row first: an answer about the order holds it when it closes the request, and each would wait for
        # the other.
        Order.objects.select_for_update(of=("self",)).get(cancellations=request_id)
        request = Cancellation.objects.select_for_update().get(pk=request_id)
        if not request.is_open:
            return
        request.tries += 1
        was_passed_on = request.state == CancelState.ASKED
        match answer:
            case CancelRequested():
                if not was_passed_on:
                    request.state = CancelState.ASKED
                    lifecycle.note(order_id=request.order_id, kind=EventKind.CANCEL_REQUESTED, now=now)
                    # The answer stands in the order's status: poll it soon, whatever its age.
                    Order.objects.filter(pk=request.order_id, next_poll_at__gt=now).update(next_poll_at=now)
                _ask_again(request, now)
            case RefusedItem(error_class=ErrorClass.UNSUPPORTED):
                health.capability_off(request.provider_id, "can_cancel", now=now)
                _decline(request, answer.error_class, now)
            case RefusedItem(error_class=ErrorClass.NOT_ELIGIBLE) if was_passed_on:
                _save(request, next_at=None)  # the status answers, and asking more is no use
            case RefusedItem(error_class=ErrorClass.NOT_ELIGIBLE):
                _decline(request, answer.error_class, now)
            case RefusedItem(error_class=ErrorClass.OTHER) if request.tries >= _PATIENCE_WITH_TEXTS:
                raise_alert(
                    causes.UNKNOWN_CANCEL_REFUSAL, now=now, provider=request.provider_id, order=request.order_id,
                    text=answer.text,
                )  # fmt: skip
                _decline(request, answer.error_class, now)
            case _:
                _ask_again(request, now, wait)


def _decline(request: Cancellation, error_class: ErrorClass, now: datetime) -> None:
    request.state = CancelState.ANSWERED
    _save(request, answer=error_class.value, next_at=None, finished_at=now)
    detail = {"class": error_class.value}
    lifecycle.note(order_id=request.order_id, kind=EventKind.CANCEL_DECLINED, now=now, detail=detail)


def _ask_again(request: Cancellation, now: datetime, wait: float | None = None) -> None:
    units = min(2 ** min(request.tries - 1, 10), _LONGEST_UNITS)
    pause = max(settings.POLL_SECONDS * units, asked_for(wait))
    _save(request, next_at=now + timedelta(seconds=pause))


def _save(request: Cancellation, **columns: object) -> None:
    Cancellation.objects.filter(pk=request.pk).update(state=request.state, tries=request.tries, **columns)
