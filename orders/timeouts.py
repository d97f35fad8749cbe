"""Ending waits that took too long: orders nobody took, doubts nobody resolved, refills nobody answered.

None of it talks to a provider. Each row is locked and read again before it is changed, so two sweeps do no harm.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop

from core.existence import any_exists
from notices import causes
from notices.alerts import raise_alert
from notices.containment import contained
from orders import lifecycle, settlement
from orders.models import RESTORED, EventKind, Order, Refill
from orders.states import Forward, RefillState
from orders.verdicts import LINK_BUSY_TOO_LONG, NEVER_CONFIRMED, WAITED_TOO_LONG
from upstream.errors import ErrorClass

#: At most this many rows of a kind in one sweep; the next one goes on.
_AT_ONCE = 500


def give_up(*, now: datetime) -> int:
    """Refund what waited too long, by the owner's settings, and close refills nobody answered; return how many rows.

    What came back from a dump is left alone: it may have been sent, refunded or answered in the time that was lost.
    """
    orders = Order.objects.filter(~RESTORED)
    # 1. Queued orders older than their provider's patience. What is claimed, sent or in doubt is never among them.
    seconds = Coalesce(F("provider__patience_seconds"), Value(settings.PATIENCE_SECONDS))
    placed_before = ExpressionWrapper(Value(now) - seconds * Value(timedelta(seconds=1)), output_field=DateTimeField())
    late = [orders.filter(forward_state=Forward.QUEUED, created_at__lte=placed_before)]
    # 2. Doubts older than the owner allows. The attempt stays in doubt, so nothing can ever send the order again.
    if settings.DOUBT_REFUND_SECONDS:
        sent_before = now - timedelta(seconds=settings.DOUBT_REFUND_SECONDS)
        late.append(orders.filter(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW], sent_at__lte=sent_before))
    # 3. Refills in doubt for too long: closed without money; the customer may ask for another one.
    refills = _late_refills(now - timedelta(seconds=settings.REFILL_DOUBT_SECONDS))
    if not any_exists(*late, refills):
        return 0
    return sum(_refund_each(rows, now) for rows in late) + _close_each(refills, now)


def _refund_each(late: QuerySet[Order], now: datetime) -> int:
    """Refund row by row, each in its own transaction: one that cannot be refunded never stops the rest."""
    done = 0
    for pk in list(late.order_by("created_at", "id").values_list("pk", flat=True)[:_AT_ONCE]):
        with contained(f"ending the wait of order {pk}"), transaction.atomic():
            order = late.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            done += order is not None and _refund(order, now)
    return done


def _refund(order: Order, now: datetime) -> bool:
    was_in_doubt = order.is_in_doubt
    why, memo = WAITED_TOO_LONG, gettext_noop("Not taken in time")
    if was_in_doubt:
        why, memo = NEVER_CONFIRMED, gettext_noop("Never confirmed")
    elif order.last_refusal == ErrorClass.DUPLICATE_LINK or order.waits_for_order:
        why = LINK_BUSY_TOO_LONG
    if not lifecycle.move(
        order_id=order.pk,
        old=Forward(order.forward_state),
        new=Forward.REFUNDED,
        now=now,
        kind=EventKind.REFUNDED_UNSENT,
        detail={"why": why},
        next_at=None,
        finished_at=now,
        last_refusal=why,
    ):
        return False
    settlement.refund_everything(order, now=now, memo=memo)
    if was_in_doubt:
        raise_alert(causes.DOUBT_REFUNDED, now=now, provider=order.provider_id, order=order.pk)
    return True


def _late_refills(doubted_before: datetime) -> QuerySet[Refill]:
    # The attempt's send is what the doubt is about; a refill is created before it, perhaps long before.
    sent_since = Refill.objects.filter(attempts__sent_at__gt=doubted_before)
    late = Refill.objects.filter(~RESTORED, state=RefillState.IN_DOUBT, created_at__lte=doubted_before)
    return late.exclude(pk__in=sent_since)


def _close_each(late: QuerySet[Refill], now: datetime) -> int:
    done = 0
    for pk in late.values_list("pk", flat=True)[:_AT_ONCE]:
        with contained(f"closing refill {pk}"), transaction.atomic():
            refill = late.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if refill is None:
                continue
            Refill.objects.filter(pk=pk).update(state=RefillState.UNANSWERED, finished_at=now, next_poll_at=None)
            lifecycle.note(order_id=refill.order_id, kind=EventKind.REFILL_CLOSED, now=now, detail={"refill": pk})
            done += 1
    return done
