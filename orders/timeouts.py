"""What has waited long enough: orders nobody took, doubts nobody resolved, refills nobody answered.

None of it talks to a provider. Each row is locked and looked at again before it is touched, so two sweeps do no harm.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from notices.alerts import raise_alert
from notices.containment import contained
from notices.models import Severity
from orders import lifecycle, settlement
from orders.models import RESTORED, EventKind, Order, Refill
from orders.states import Forward, RefillState
from orders.verdicts import LINK_BUSY_TOO_LONG, NEVER_CONFIRMED, WAITED_TOO_LONG
from upstream.errors import ErrorClass

#: So many rows are dealt with in one sweep; the next one goes on.
_AT_ONCE = 500


def give_up(*, now: datetime) -> int:
    """Refund what waited too long, by the owner's settings, and close refills nobody answered; how many rows.

    What came back from a dump is left alone: it may have been sent, refunded or answered in the time that was lost.
    """
    return _impatient(now) + _unresolved(now) + _unanswered(now)


def _impatient(now: datetime) -> int:
    """Queued orders older than their provider's patience. What is claimed, sent or in doubt is never among them."""
    seconds = Coalesce(F("provider__patience_seconds"), Value(settings.PATIENCE_SECONDS))
    placed_before = ExpressionWrapper(Value(now) - seconds * Value(timedelta(seconds=1)), output_field=DateTimeField())
    late = Order.objects.filter(~RESTORED, forward_state=Forward.QUEUED, created_at__lte=placed_before)
    return _each(late, lambda order: _refund_untaken(order, now))


def _refund_untaken(order: Order, now: datetime) -> bool:
    why = LINK_BUSY_TOO_LONG if order.last_refusal == ErrorClass.DUPLICATE_LINK else WAITED_TOO_LONG
    return _refund(order, why, _("Not taken in time"), now)


def _unresolved(now: datetime) -> int:
    """Doubts older than the owner allows. The attempt stays in doubt, so nothing can ever send the order again."""
    if not settings.DOUBT_REFUND_SECONDS:
        return 0
    late = Q(sent_at__lte=now - timedelta(seconds=settings.DOUBT_REFUND_SECONDS))
    doubtful = Order.objects.filter(late, ~RESTORED, forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
    return _each(doubtful, lambda order: _refund_doubtful(order, now))


def _refund_doubtful(order: Order, now: datetime) -> bool:
    if not _refund(order, NEVER_CONFIRMED, _("Never confirmed"), now):
        return False
    raise_alert(
        cause=f"provider:{order.provider_id}:doubt_refunded",
        severity=Severity.MONEY,
        title=_("Orders in doubt were refunded after waiting too long"),
        body=_("Order %(order)s. If the provider did place it, its cost is lost.") % {"order": order},
        path=f"/admin/orders/order/{order.pk}/change/",
        now=now,
    )
    return True


def _refund(order: Order, why: str, memo: str, now: datetime) -> bool:
    moved = lifecycle.move(
        order_id=order.pk, old=Forward(order.forward_state), new=Forward.REFUNDED, now=now,
        kind=EventKind.REFUNDED_UNSENT,
        detail={"why": why}, next_at=None, finished_at=now, last_refusal=why,
    )  # fmt: skip
    if moved:
        settlement.return_everything(order, now=now, memo=memo)
    return moved


def _each(late: QuerySet[Order], refund: Callable[[Order], bool]) -> int:
    """Refund row by row, each in its own transaction: one that cannot be refunded never stops the rest."""
    done = 0
    for pk in list(late.order_by("created_at", "id").values_list("pk", flat=True)[:_AT_ONCE]):
        with contained(f"ending the wait of order {pk}"), transaction.atomic():
            order = late.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            done += order is not None and refund(order)
    return done


def _unanswered(now: datetime) -> int:
    """Refills in doubt for too long are closed without money; the customer may ask for another one."""
    asked_before = now - timedelta(seconds=settings.REFILL_DOUBT_SECONDS)
    done = 0
    for pk in _doubted_before(asked_before).values_list("pk", flat=True)[:_AT_ONCE]:
        with contained(f"closing refill {pk}"), transaction.atomic():
            refill = (
                _doubted_before(asked_before).select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            )
            if refill is None:
                continue
            Refill.objects.filter(pk=pk).update(state=RefillState.UNANSWERED, finished_at=now, next_poll_at=None)
            lifecycle.note(order_id=refill.order_id, kind=EventKind.REFILL_CLOSED, now=now, detail={"refill": pk})
            done += 1
    return done


def _doubted_before(moment: datetime) -> QuerySet[Refill]:
    # The attempt's send is what the doubt is about; a refill is created before it, perhaps long before.
    still_young = Refill.objects.filter(attempts__sent_at__gt=moment)
    return Refill.objects.filter(~RESTORED, state=RefillState.IN_DOUBT, created_at__lte=moment).exclude(
        pk__in=still_young
    )
