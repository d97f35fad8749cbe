"""Cancelling: at once while an order is ours, else a wish asked again until the order's status answers it.

``cancel`` moves no money and may be repeated, so it needs no attempt of its own: a due row is claimed, asked about with
up to a call's worth of others, and left due again. Only the status word of the order itself cancels it.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices import causes
from notices.alerts import raise_alert
from notices.containment import contained
from orders import lifecycle, settlement
from orders.doorbell import FOLLOW, ring_on_commit
from orders.following import rate_limit
from orders.models import FROZEN, RESTORED, Cancellation, EventKind, Order
from orders.states import CANCEL_OPEN, CancelState, Forward
from orders.timetable import asked_for
from orders.verdicts import CANCELED_UNSENT
from upstream.errors import OF_THE_ACCOUNT, ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import CancelOutcome, CancelRequested, InDoubtItem, RefusedItem

log = logging.getLogger(__name__)

RUN_SECONDS = 30.0
#: After so many refusals in words we do not know, the wish is declined and the owner told.
_PATIENCE_WITH_WORDS = 5
_LONGEST_UNITS = 30


class NotCancelable(Refusal):
    """The order cannot be canceled now."""

    code = "not_cancelable"


def request_cancel(*, order: Order, actor: str, now: datetime) -> Cancellation | None:
    """Cancel an order that was not sent, or note the wish for one that was. Raises NotCancelable.

    None when it is canceled and refunded already. The order's row is locked: a claim of the same order comes before,
    and is kept, or after, and finds nothing to claim.
    """
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=order.pk)
        rows = Order.objects.select_related("service__source__provider").prefetch_related("cancellations")
        fresh = rows.get(pk=order.pk)
        if not fresh.can_be_canceled:
            raise NotCancelable(_("This order cannot be canceled at the moment."))
        if fresh.forward_state == Forward.QUEUED:
            if Order.objects.filter(RESTORED, pk=fresh.pk).exists():  # it may have been sent in the time that was lost
                raise NotCancelable(_("This order cannot be canceled at the moment."))
            _cancel_unsent(fresh, actor, now)
            return None
        wish = Cancellation.objects.create(
            order=fresh, provider_id=fresh.provider_id, actor=actor[:254], next_at=now, created_at=now
        )
        lifecycle.note(order_id=fresh.pk, kind=EventKind.CANCEL_ASKED, now=now, actor=actor)
        ring_on_commit(FOLLOW)
        return wish


def _cancel_unsent(order: Order, actor: str, now: datetime) -> None:
    lifecycle.move(
        order_id=order.pk, old=Forward.QUEUED, new=Forward.REFUNDED, now=now, kind=EventKind.REFUNDED_UNSENT,
        detail={"why": CANCELED_UNSENT}, actor=actor, next_at=None, finished_at=now, last_refusal=CANCELED_UNSENT,
    )  # fmt: skip
    settlement.return_everything(order, now=now, memo=_("Canceled before it was sent"))


def due(now: datetime) -> QuerySet[Cancellation]:
    """Wishes to ask for now. Nothing is asked of a provider that is parked; an inactive one still has our orders."""
    return Cancellation.objects.filter(~FROZEN, state__in=CANCEL_OPEN, next_at__lte=now, provider__parked_at=None)


def ask_due(*, seconds: float = RUN_SECONDS) -> int:
    """Ask for every wish that is due, in as few calls as may be; how many were asked for."""
    until = elapsed_clock() + seconds
    waiting = due(database_now()).values_list("provider_id", flat=True)
    asked = 0
    for provider in Provider.objects.filter(pk__in=waiting).order_by("pk"):
        with contained(f"asking provider {provider.pk} to cancel"):
            asked += _ask_provider(provider, until)
    return asked


def _ask_provider(provider: Provider, until: float) -> int:
    asked = 0
    waiting: list[dict[str, int]] = []
    with rate_limit.at(provider.pk) as turn:
        while (waiting or due(database_now()).filter(provider=provider).exists()) and turn.take(until, anyway=True):
            batch = waiting.pop() if waiting else _claim(provider, now=database_now())
            if not batch:
                break
            waiting += _ask(provider, batch)
            asked += len(batch)
    return asked


def _claim(provider: Provider, *, now: datetime) -> dict[str, int]:
    """Id at the provider -> our wish. It is due again when we die before the answer."""
    again = now + timedelta(seconds=max(settings.POLL_SECONDS, settings.READ_DEADLINE_SECONDS))
    with transaction.atomic():
        rows = due(now).select_for_update(skip_locked=True, of=("self",)).filter(provider=provider)
        wishes = list(rows.select_related("order").order_by("next_at", "id")[: provider.batch_size])
        Cancellation.objects.filter(pk__in=[w.pk for w in wishes]).update(next_at=again, asked_at=now)
    return {w.order.upstream_id: w.pk for w in wishes if w.order.upstream_id}


def _ask(provider: Provider, batch: Mapping[str, int]) -> list[dict[str, int]]:
    """One call about a batch; what is to be asked again in smaller ones."""
    client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
    wait: float | None = None
    answers: Mapping[str, CancelOutcome]
    try:
        answers = client.cancel(list(batch))
    except (Refused, NotSent, InDoubt) as failure:
        log.warning("cancel of %s orders: %s", len(batch), failure.reason)
        if len(batch) > 1 and _may_be_one_id(failure):
            return _halves(batch)
        wait = failure.retry_after
        answers = _about_all(provider, batch, failure)
    now = database_now()
    for upstream_id, pk in batch.items():
        record(pk, answers.get(upstream_id, InDoubtItem()), now=now, wait=wait)
    return []


def _may_be_one_id(failure: Refused | NotSent | InDoubt) -> bool:
    """Whether one id may have spoiled the call for the others: it was refused whole, and not about the account."""
    if not isinstance(failure, Refused) or failure.outage:
        return False
    return failure.error_class not in OF_THE_ACCOUNT and failure.error_class is not ErrorClass.UNSUPPORTED


def _halves(batch: Mapping[str, int]) -> list[dict[str, int]]:
    wishes, half = list(batch.items()), (len(batch) + 1) // 2
    return [dict(wishes[:half]), dict(wishes[half:])]


def _about_all(
    provider: Provider, batch: Mapping[str, int], failure: Refused | NotSent | InDoubt
) -> dict[str, CancelOutcome]:
    """What a call that failed whole says of each order: mostly nothing, and it is asked again."""
    now = database_now()
    if isinstance(failure, Refused) and failure.error_class is ErrorClass.RATE_LIMITED:
        rate_limit.slow_down(provider.pk, wait=asked_for(failure.retry_after), now=now)
    elif failure.outage:
        health.note_outage(provider.pk, now=now)
    if not isinstance(failure, Refused):
        return {}
    health.park_if_shut_out(provider.pk, failure.error_class, now=now)
    is_about_each = len(batch) == 1 or failure.error_class is ErrorClass.UNSUPPORTED
    item = RefusedItem(failure.error_class, failure.text) if is_about_each else InDoubtItem("call_failed")
    return dict.fromkeys(batch, item)


def record(wish_id: int, answer: CancelOutcome, *, now: datetime, wait: float | None = None) -> None:
    """Write down one answer. Whatever it is, the order itself is not touched."""
    with transaction.atomic():
        # The order's row first: an answer about the order holds it when it closes the wish, and each would wait for
        # the other.
        Order.objects.select_for_update(of=("self",)).get(cancellations=wish_id)
        wish = Cancellation.objects.select_for_update().get(pk=wish_id)
        if not wish.is_open:
            return
        wish.tries += 1
        match answer:
            case CancelRequested():
                _requested(wish, now)
            case RefusedItem():
                _refused(wish, answer, now, wait)
            case _:
                _again(wish, now, wait)


def _requested(wish: Cancellation, now: datetime) -> None:
    if wish.state == CancelState.QUEUED:
        wish.state = CancelState.ASKED
        lifecycle.note(order_id=wish.order_id, kind=EventKind.CANCEL_REQUESTED, now=now)
        # The answer stands in the order's status: look soon, whatever its age.
        Order.objects.filter(pk=wish.order_id, next_poll_at__gt=now).update(next_poll_at=now)
    _again(wish, now, None)


def _refused(wish: Cancellation, answer: RefusedItem, now: datetime, wait: float | None) -> None:
    if answer.error_class is ErrorClass.UNSUPPORTED:
        health.capability_off(wish.provider_id, "can_cancel", now=now)
        _decline(wish, answer.error_class, now)
    elif answer.error_class is ErrorClass.NOT_ELIGIBLE:
        if wish.state == CancelState.ASKED:
            _save(wish, next_at=None)  # it was passed on before: the status answers, and asking more is no use
        else:
            _decline(wish, answer.error_class, now)
    elif answer.error_class is ErrorClass.OTHER and wish.tries >= _PATIENCE_WITH_WORDS:
        _tell_owner(wish, answer.text, now)
        _decline(wish, answer.error_class, now)
    else:
        _again(wish, now, wait)


def _decline(wish: Cancellation, error_class: ErrorClass, now: datetime) -> None:
    wish.state = CancelState.ANSWERED
    _save(wish, answer=error_class.value, next_at=None, finished_at=now)
    lifecycle.note(order_id=wish.order_id, kind=EventKind.CANCEL_DECLINED, now=now, detail={"class": error_class.value})


def _again(wish: Cancellation, now: datetime, wait: float | None) -> None:
    units = min(2 ** min(wish.tries - 1, 10), _LONGEST_UNITS)
    pause = max(settings.POLL_SECONDS * units, asked_for(wait))
    _save(wish, next_at=now + timedelta(seconds=pause))


def _save(wish: Cancellation, **columns: object) -> None:
    Cancellation.objects.filter(pk=wish.pk).update(state=wish.state, tries=wish.tries, **columns)


def _tell_owner(wish: Cancellation, text: str, now: datetime) -> None:
    raise_alert(causes.UNKNOWN_CANCEL_REFUSAL, now=now, provider=wish.provider_id, order=wish.order_id, text=text)
