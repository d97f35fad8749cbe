"""Recording what a send came to: order, attempt and money in one transaction, fenced by the attempt's token."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import ProviderService
from catalog.providers import health
from notices.alerts import raise_alert
from notices.models import Severity
from orders import lifecycle, own_ids, settlement
from orders.forwarding import accepted, breaker, refusal_streaks
from orders.models import ChildOrder, EventKind, ForwardAttempt, Order, OwnId
from orders.states import Explanation, Forward, Outcome
from orders.timetable import backoff, next_poll
from orders.verdicts import Then, then
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

log = logging.getLogger(__name__)

_POISON_TRIES = 10


def record(attempt: ForwardAttempt, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """Write down what the call came to. Safe to repeat; when the sweep was faster, this is a late answer."""
    if isinstance(result, AcceptedOrder) and accepted.place(attempt, result, now=now):
        return
    with transaction.atomic():
        order = Order.objects.select_for_update().get(pk=attempt.order_id)
        current = ForwardAttempt.objects.select_for_update().get(pk=attempt.pk)
        if current.token != attempt.token:
            return
        if current.outcome not in (Outcome.CLAIMED, Outcome.SENDING, Outcome.IN_DOUBT):
            _tell_if_contradicted(order, current, result, now)
            return
        trouble = refusal_streaks.tally(order.provider_id, result, now=now)
        match result:
            case AcceptedOrder():
                _placed(order, current, result, now)
            case Refused():
                _refused(order, current, result, now, keep=bool(trouble))
            case NotSent():
                _not_sent(order, current, result, now)
            case InDoubt() if current.outcome == Outcome.CLAIMED:
                # The permit moves the row before the first byte: a claim that never moved has sent nothing.
                _not_sent(order, current, NotSent("fault", str(result)), now)
            case InDoubt():
                _in_doubt(order, current, result, now)
        if isinstance(result, (AcceptedOrder, Refused)):
            breaker.note(order.provider_id, is_clear=order.forward_state != Forward.IN_DOUBT, now=now)
    if trouble:
        health.park(order.provider_id, reason=trouble, now=now)
    _tell_health(order, result, now)


def _placed(order: Order, attempt: ForwardAttempt, result: AcceptedOrder, now: datetime) -> None:
    if is_ours_already(attempt.provider_id, result.order_id):
        _doubt(order, attempt, reason="known_id", unconfirmed_id=result.order_id, now=now)
        raise_alert(
            cause=f"provider:{attempt.provider_id}:known_id",
            severity=Severity.MONEY,
            title=_("A provider answered with an order number that another order has"),
            body=_("Order %(order)s got the number %(id)s, which is taken. It stays in doubt.")
            % {"order": order, "id": result.order_id},
            path=f"/admin/orders/order/{order.pk}/change/",
            now=now,
        )
        return
    _end(attempt, Outcome.PLACED, result, now, upstream_id=result.order_id)
    own_ids.note_placed(attempt, result.order_id, now=now)
    if order.forward_state in (Forward.REFUNDED, Forward.REFUSED):
        _tell_owner_of_late_find(order, result, now)
        return  # found after the customer was refunded: the store's loss, and the order's story is over
    columns: dict[str, Any] = {
        "upstream_id": result.order_id,
        "placed_at": now,
        "next_at": None,
        "next_poll_at": next_poll(order_id=order.pk, since=now, now=now),
    }
    _move(order, Forward.PLACED, now, EventKind.PLACED, {"upstream_id": result.order_id}, attempt, **columns)


def _tell_if_contradicted(
    order: Order, attempt: ForwardAttempt, result: AcceptedOrder | Refused | NotSent | InDoubt, now: datetime
) -> None:
    """A panel that recognises a repeated order gives both tries one number: then it was bought once."""
    if attempt.outcome != Outcome.NOT_PLACED or not isinstance(result, AcceptedOrder):
        return
    if result.order_id != order.upstream_id:
        alert_contradiction(attempt.pk, result.order_id, now=now)


def found(order: Order, attempt: ForwardAttempt, result: AcceptedOrder, *, now: datetime) -> None:
    """Evidence shows what the attempt placed. The caller has locked both and looked that the id is nobody's."""
    _placed(order, attempt, result, now)


def is_ours_already(provider_id: int, upstream_id: str) -> bool:
    """Whether an order of ours has this id, or lists it among its runs."""
    at = {"provider_id": provider_id, "upstream_id": upstream_id}
    if ForwardAttempt.objects.filter(**at).exists() or ChildOrder.objects.filter(**at).exists():
        return True
    known = OwnId.objects.filter(provider_id=provider_id, upstream_id=upstream_id)
    return known.filter(explained__in=[Explanation.ATTEMPT, Explanation.CHILD]).exists()


def _refused(order: Order, attempt: ForwardAttempt, result: Refused, now: datetime, *, keep: bool) -> None:
    """``keep`` when the refusal tells of the provider's own trouble: the order then waits like any other."""
    _end(attempt, Outcome.REFUSED, result, now, reason=f"{result.error_class}: {result.text}"[:500])
    if order.forward_state == Forward.REFUNDED:
        return
    if then(result.error_class) is Then.REFUND and not keep:
        old = Forward(order.forward_state)
        new = Forward.REFUSED if old is Forward.SENDING else Forward.REFUNDED
        detail = {"class": result.error_class.value}
        _move(
            order, new, now, EventKind.REFUSED, detail, attempt, next_at=None, finished_at=now,
            last_refusal=result.error_class.value,
        )  # fmt: skip
        settlement.return_everything(order, now=now)
        if result.error_class is ErrorClass.SERVICE_GONE:
            _stop_selling(order)
        if result.error_class in (ErrorClass.OTHER, ErrorClass.UNSUPPORTED, ErrorClass.BAD_PARAMS):
            _tell_owner_of_refusal(order, result, now)
        return
    wait = backoff(order.tries, retry_after=result.retry_after)
    detail = {"class": result.error_class.value}
    _move(
        order, Forward.QUEUED, now, EventKind.DELAYED, detail, attempt, next_at=now + wait,
        last_refusal=result.error_class.value,
    )  # fmt: skip


def _not_sent(order: Order, attempt: ForwardAttempt, result: NotSent, now: datetime) -> None:
    released = attempt.outcome == Outcome.CLAIMED and result.reason in ("permit", "fault")
    _end(
        attempt, Outcome.RELEASED if released else Outcome.NOT_SENT, result, now, send_calls=0, reason=str(result)[:500]
    )
    if order.forward_state == Forward.REFUNDED:
        return
    poisoned = {"needs_review": "not sent after many tries"} if order.tries >= _POISON_TRIES else {}
    detail = {"reason": result.reason}
    _move(
        order, Forward.QUEUED, now, EventKind.REQUEUED, detail, attempt, next_at=now + backoff(order.tries), **poisoned
    )


def _in_doubt(order: Order, attempt: ForwardAttempt, result: InDoubt, now: datetime) -> None:
    if attempt.outcome != Outcome.IN_DOUBT:
        _doubt(
            order, attempt, reason=str(result), unconfirmed_id=(result.candidates or ("",))[0], now=now, result=result
        )


def _doubt(
    order: Order,
    attempt: ForwardAttempt,
    *,
    reason: str,
    unconfirmed_id: str,
    now: datetime,
    result: InDoubt | None = None,
) -> None:
    heard = {"candidates": list(result.candidates)} if result and result.candidates else {}
    evidence = {**attempt.evidence, **heard}
    if attempt.outcome != Outcome.IN_DOUBT:
        _end(
            attempt,
            Outcome.IN_DOUBT,
            result,
            now,
            reason=reason[:500],
            unconfirmed_id=unconfirmed_id,
            evidence=evidence,
        )
    doubt(order, now=now, attempt=attempt)


def doubt(order: Order, *, now: datetime, attempt: ForwardAttempt) -> None:
    """Keep the money held and say so; never send again without proof. The caller has locked the order."""
    if order.forward_state != Forward.SENDING:
        return
    _move(order, Forward.IN_DOUBT, now, EventKind.DOUBTED, {}, attempt, next_at=None)
    breaker.note(order.provider_id, is_clear=False, now=now)
    raise_alert(
        cause=f"provider:{order.provider_id}:doubt",
        title=_("Orders in doubt at %(provider)s") % {"provider": order.provider.name},
        body=_(
            "The provider's answer was lost or unclear. The money stays reserved and nothing is sent again by itself."
        ),
        path=f"/admin/orders/doubtfulorder/?provider__id__exact={order.provider_id}",
        now=now,
    )


def _end(
    attempt: ForwardAttempt,
    outcome: Outcome,
    result: AcceptedOrder | Refused | NotSent | InDoubt | None,
    now: datetime,
    **columns: Any,
) -> None:
    exchange = result.exchange if result is not None else None
    if exchange is not None:
        columns.setdefault("send_calls", exchange.send_calls)
        if exchange.answered_at is not None:
            columns.setdefault("answered_at", now)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, **columns)
    attempt.outcome = outcome


def _move(
    order: Order,
    new: Forward,
    now: datetime,
    kind: EventKind,
    detail: dict[str, Any],
    attempt: ForwardAttempt,
    **columns: Any,
) -> None:
    old = Forward(order.forward_state)
    if attempt.sent_at is not None and old is Forward.SENDING:
        lifecycle.note(order_id=order.pk, kind=EventKind.SENT, now=attempt.sent_at, detail={"try": attempt.n})
    lifecycle.move(order_id=order.pk, old=old, new=new, now=now, kind=kind, detail=detail, **columns)
    order.forward_state = new


def _stop_selling(order: Order) -> None:
    """Until the next sync, which reads the row afresh because its digest no longer matches."""
    gone = ProviderService.objects.filter(provider_id=order.provider_id, external_id=order.external_service_id)
    gone.exclude(quarantine__contains=["gone: the provider refused an order for it"]).update(
        quarantine=["gone: the provider refused an order for it"], digest=""
    )


def _tell_owner_of_late_find(order: Order, result: AcceptedOrder, now: datetime) -> None:
    lifecycle.note(
        order_id=order.pk,
        kind=EventKind.REMARK,
        now=now,
        detail={"text": "found at the provider after its refund", "upstream_id": result.order_id},
    )
    raise_alert(
        cause=f"order:{order.pk}:loss",
        severity=Severity.MONEY,
        title=_("An order that was refunded is at the provider after all"),
        body=_("Order %(order)s is number %(id)s there.") % {"order": order, "id": result.order_id},
        path=f"/admin/orders/order/{order.pk}/change/",
        now=now,
    )


def _tell_owner_of_refusal(order: Order, result: Refused, now: datetime) -> None:
    raise_alert(
        cause=f"provider:{order.provider_id}:refusal:{result.error_class}",
        title=_("A provider refuses orders with a text we should look at"),
        body=_("Order %(order)s was refused and refunded. The provider said: %(text)s")
        % {"order": order, "text": result.text},
        path=f"/admin/orders/order/{order.pk}/change/",
        now=now,
    )


def _tell_health(order: Order, result: AcceptedOrder | Refused | NotSent | InDoubt, now: datetime) -> None:
    provider_id = order.provider_id
    if isinstance(result, Refused) and then(result.error_class) is Then.PARK:
        short_of = order.expected_charge if result.error_class is ErrorClass.NOT_ENOUGH_FUNDS else None
        health.park(provider_id, reason=result.error_class.value, now=now, short_of=short_of)
    elif isinstance(result, (NotSent, InDoubt)) and result.outage:
        health.note_outage(provider_id, now=now)
    elif isinstance(result, (AcceptedOrder, Refused)):
        health.note_answer(provider_id, now=now)


def alert_contradiction(attempt_id: int, upstream_id: str, *, now: datetime) -> None:
    """An id that can only be of an order that somebody called "not placed": it was bought, perhaps twice."""
    attempt = ForwardAttempt.objects.select_related("order").get(pk=attempt_id)
    raise_alert(
        cause=f"order:{attempt.order_id}:contradiction",
        severity=Severity.MONEY,
        title=_("An order that was called not placed seems to be placed"),
        body=_("Order %(order)s: the provider has the number %(id)s, which fits nothing else.")
        % {"order": attempt.order, "id": upstream_id},
        path=f"/admin/orders/order/{attempt.order_id}/change/",
        now=now,
    )
