"""From the provider's words to money: how much is due back, and the only calls of the ledger for an order's end.

Settlement works towards a target. Whatever list of answers arrives, in any order, any number of times, an order pays
back no more than its largest single answer says, and never more than was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from billing import ledger
from billing.models import Hold
from core.money import divide, multiply, round_down
from core.rows import all_loaded
from orders import lifecycle
from orders.models import EventKind, Order
from orders.states import Progress
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

#: Words that end an order, and so close its hold.
_ENDS = {
    ProviderOrderState.COMPLETED: Progress.COMPLETED,
    ProviderOrderState.PARTIAL: Progress.PARTIAL,
    ProviderOrderState.CANCELED: Progress.CANCELED,
    ProviderOrderState.REFUNDED: Progress.REFUNDED,
    ProviderOrderState.EXPIRED: Progress.EXPIRED,
}

_HOLD = ("reference", "wallet_id", "charged", "earned", "refunded")
_HOLDS = f"SELECT {', '.join(_HOLD)} FROM billing_hold WHERE reference = ANY(%s)"  # noqa: S608 - names of columns


@dataclass(frozen=True)
class End:
    """How something ended: ``missing`` of its units did not arrive, None when that cannot be told.

    ``review`` says in a few words why a person should look; ``remark`` is a line for the owner's timeline.
    """

    progress: Progress
    missing: int | None = None
    review: str = ""
    remark: str = ""


def end_of(heard: OrderStatus, total: int, *, failed_for: timedelta | None = None) -> End | None:
    """What one answer says about the end of ``total`` units, or None when it ends nothing. Moves nothing.

    ``failed_for`` is how long the provider has called it failed, which is an end only after FAILED_GRACE_SECONDS:
    panels send failed orders again.
    """
    if heard.state is ProviderOrderState.FAILED:
        is_over = failed_for is not None and failed_for >= timedelta(seconds=settings.FAILED_GRACE_SECONDS)
        return End(Progress.CANCELED, total, remark="failed, and not sent again in time") if is_over else None
    progress = _ENDS.get(heard.state)
    match progress:
        case None:
            return None
        case Progress.EXPIRED:
            return End(progress, review="its money settles from child orders")
        case Progress.COMPLETED:
            return End(progress, 0)
        case Progress.PARTIAL:
            return _partial(heard, total)
        case _:
            return _canceled(progress, heard, total)


def _partial(heard: OrderStatus, total: int) -> End:
    if heard.remains is None:
        return End(Progress.PARTIAL, review="partial without a readable remains")
    missing = max(0, min(heard.remains, total))
    flagged = heard.remains != missing or missing == 0
    return End(Progress.PARTIAL, missing, remark=f"partial with remains {heard.remains} of {total}" if flagged else "")


def _canceled(progress: Progress, heard: OrderStatus, total: int) -> End:
    charged = heard.charge is not None and heard.charge > 0
    if charged and heard.remains is not None and 0 < heard.remains < total:
        return End(progress, review="canceled after a part was delivered and charged")
    return End(progress, total, remark="canceled, and the provider still shows a charge" if charged else "")


def due_for(order: Order, missing: int) -> Decimal:
    """What the customer should have back in all when ``missing`` of the order's units did not arrive."""
    return round_down(divide(multiply(order.charge, missing), order.total))


def state_of(heard: OrderStatus) -> Progress | None:
    """The final progress a word stands for, if it ends an order at once."""
    return _ENDS.get(heard.state)


def holds_of(orders: Sequence[Order]) -> dict[int, Hold]:
    """The hold of each order, by the order's id."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [[o.reference for o in orders]])
        found = {h.reference: h for h in all_loaded(Hold, _HOLD, cursor.fetchall())}
    return {o.pk: found[o.reference] for o in orders}


def return_everything(order: Order, *, now: datetime, memo: str = "") -> None:
    """Give the whole charge back, for an order that was never bought. The caller has locked the order."""
    hold = Hold.objects.get(reference=order.reference)
    if ledger.post(ledger.settlement_postings(hold, order.charge, close=True, memo=memo or _("Not placed"))):
        Order.objects.filter(pk=order.pk).update(refunded=order.charge)
        lifecycle.note(order_id=order.pk, kind=EventKind.REFUND, now=now, detail={"amount": str(order.charge)})


@dataclass(frozen=True)
class OrderMoney:
    """The hold of one order: charged = earned + refunded + held, at every moment."""

    charged: Decimal
    earned: Decimal
    refunded: Decimal

    @property
    def held(self) -> Decimal:
        return self.charged - self.earned - self.refunded

    @property
    def amounts(self) -> list[Decimal]:
        return [self.charged, self.earned, self.refunded, self.held]


def money_of(order: Order) -> OrderMoney:
    row = Hold.objects.filter(pk=order.reference).values_list("charged", "earned", "refunded").first()
    return OrderMoney(*row) if row else OrderMoney(order.charge, Decimal(0), order.refunded)
