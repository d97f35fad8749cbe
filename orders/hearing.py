"""Applying what a provider said of its orders: state, counts and money of a whole batch in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from billing import ledger
from billing.models import Hold
from catalog.models import Provider
from notices.alerts import raise_alert
from notices.models import Severity
from orders import lifecycle, settlement
from orders.doubt import own_ids
from orders.models import EventKind, Order, OrderEvent
from orders.states import FINAL, Forward, Progress
from orders.timetable import next_poll
from upstream.messages import Ignored, ItemError, OrderStatus, StatusItem
from upstream.states import OrderState

_MISSES_TO_REVIEW = 10

_UPDATE = """
    UPDATE orders_order AS o SET
        progress = v.progress, raw_state = v.raw_state, start_count = v.start_count, remains = v.remains,
        provider_charge = v.provider_charge, heard_currency = v.heard_currency, needs_review = v.needs_review,
        returned = v.returned, finished_at = v.finished_at, next_poll_at = v.next_poll_at, heard_at = v.heard_at,
        poll_misses = v.poll_misses
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::numeric[], %s::text[], %s::text[],
                %s::numeric[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::int[])
         AS v(id, progress, raw_state, start_count, remains, provider_charge, heard_currency, needs_review,
              returned, finished_at, next_poll_at, heard_at, poll_misses)
    WHERE o.id = v.id
"""

_COLUMNS = (
    "id", "progress", "raw_state", "start_count", "remains", "provider_charge", "heard_currency", "needs_review",
    "returned", "finished_at", "next_poll_at", "heard_at", "poll_misses",
)  # fmt: skip


@dataclass
class Round:
    """One batch being applied: what it will write, gathered first, written in one go."""

    provider: Provider
    asked_at: datetime
    now: datetime
    holds: dict[int, Hold]
    events: list[OrderEvent] = field(default_factory=list)
    postings: list[tuple[int, list[ledger.Posting]]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def note(self, order: Order, kind: EventKind, **detail: Any) -> None:
        self.events.append(OrderEvent(order_id=order.pk, kind=kind, at=self.now, detail=detail))


def apply(heard: Mapping[int, StatusItem], *, provider: Provider, asked_at: datetime, now: datetime) -> None:
    """Apply each order's answer by itself; an answer asked for before the last one applied changes nothing.

    Orders are locked in ascending id, then wallets in ascending id: two batches that refund in opposite order would
    otherwise wait for each other.
    """
    with transaction.atomic():
        rows = Order.objects.select_for_update().filter(pk__in=list(heard), provider=provider)
        orders = list(rows.filter(forward_state=Forward.PLACED).order_by("id"))
        this = Round(provider, asked_at, now, settlement.holds_of(orders))
        for order in orders:
            _hear(order, heard[order.pk], this)
            _note_children(order, heard[order.pk], this)
        _write(orders, this)


def _note_children(order: Order, item: StatusItem, this: Round) -> None:
    """Runs are orders of our key: whoever looks for lost orders must not take one for another's."""
    if isinstance(item, OrderStatus) and item.children:
        own_ids.note_children(
            provider_id=this.provider.pk, parent_order_id=order.pk, children=item.children, now=this.now
        )


def _hear(order: Order, item: StatusItem, this: Round) -> None:
    if order.heard_at is not None and order.heard_at > this.asked_at:
        this.note(order, EventKind.REMARK, text="an answer overtaken by a newer one was not applied")
    elif isinstance(item, OrderStatus):
        _status(order, item, this)
    else:
        _nothing_usable(order, item, this)
    order.next_poll_at = next_poll(
        order_id=order.pk,
        since=order.placed_at or order.created_at,
        now=this.now,
        misses=order.poll_misses,
        finished_at=order.finished_at,
    )


def _nothing_usable(order: Order, item: StatusItem, this: Round) -> None:
    """An error, a gap or a word we do not know keeps the order as it is; many in a row are for a person to look at."""
    order.poll_misses += 1
    if isinstance(item, Ignored) and item.raw_state and item.raw_state[:100] != order.raw_state:
        order.raw_state = item.raw_state[:100]
        this.note(order, EventKind.REMARK, text="state not understood", heard=order.raw_state)
        this.alerts.append(
            {
                "cause": f"provider:{this.provider.pk}:unknown_state",
                "title": _("%(provider)s uses a state we do not know") % {"provider": this.provider.name},
                "body": _("Order %(order)s: %(state)s") % {"order": order, "state": order.raw_state},
                "path": f"/admin/orders/order/{order.pk}/change/",
            }
        )
    if order.poll_misses == _MISSES_TO_REVIEW and not order.needs_review:
        what = item.error_class.value if isinstance(item, ItemError) else "no usable answer"
        order.needs_review = f"{_MISSES_TO_REVIEW} polls in a row: {what}"
        this.note(order, EventKind.REMARK, text=order.needs_review)


def _status(order: Order, heard: OrderStatus, this: Round) -> None:
    order.poll_misses = 0
    order.heard_at = this.asked_at
    started = order.start_count is None and heard.start_count is not None and heard.state is not OrderState.PENDING
    if heard.start_count is not None:
        order.start_count = heard.start_count
    if started:
        this.note(order, EventKind.STARTED, start_count=order.start_count)
    _hear_charge(order, heard, this)
    aim = settlement.target(order, heard)
    if aim.review:
        _remark_once(order, aim.review, this)
    if aim.due is not None:
        _settle(order, heard, aim, this)
    elif aim.review:
        order.raw_state = heard.raw_state[:100]
    elif order.progress in FINAL:
        _late_word(order, heard, this)
    else:
        _move(order, heard, this)


def _move(order: Order, heard: OrderStatus, this: Round) -> None:
    """An open order follows the provider's word, forwards or back; no money moves."""
    order.remains = heard.remains if heard.remains is not None else order.remains
    if heard.state is OrderState.REFILLING:
        order.raw_state = heard.raw_state[:100]
        return
    if order.progress != heard.state.value:
        this.note(order, EventKind.MOVED, old=order.progress, new=heard.state.value)
    order.progress, order.raw_state = heard.state.value, heard.raw_state[:100]


def _late_word(order: Order, heard: OrderStatus, this: Round) -> None:
    """An ended order that is said to run again: the money that moved stays where it is."""
    if heard.raw_state[:100] == order.raw_state:
        return
    order.raw_state = heard.raw_state[:100]
    if heard.state is OrderState.REFILLING:
        return
    this.note(order, EventKind.REMARK, text="said to run again after its end", heard=order.raw_state)
    if order.progress in (Progress.CANCELED, Progress.REFUNDED):
        this.alerts.append(_loss(order, _("An order runs again at the provider after its money was returned")))


def _settle(order: Order, heard: OrderStatus, aim: settlement.Target, this: Round) -> None:
    hold = this.holds[order.pk]
    end = settlement.end_of(heard.state)
    assert aim.due is not None  # noqa: S101 - the caller looked
    assert end is not None  # noqa: S101 - a due is only ever set for an end
    postings = ledger.settlement_postings(hold, aim.due, close=True)
    back = sum((p.amount for p in postings if p.target_id == hold.wallet_id), Decimal(0))
    grows = back > 0 or order.progress not in FINAL
    if order.progress != end and not grows:
        _refuse_to_go_back(order, heard, this)
        return
    if order.progress != end:
        order.finished_at = order.finished_at or this.now
        this.note(order, EventKind.FINISHED, state=end.value, remains=heard.remains)
    order.progress, order.raw_state = end.value, heard.raw_state[:100]
    if grows:
        order.remains = heard.remains
    if aim.remark:
        _remark_once(order, aim.remark, this)
    if postings:
        this.postings.append((hold.wallet_id, postings))
    if back:
        order.returned += back
        this.note(order, EventKind.RETURNED, amount=str(back))


def _refuse_to_go_back(order: Order, heard: OrderStatus, this: Round) -> None:
    if heard.raw_state[:100] == order.raw_state:
        return
    order.raw_state = heard.raw_state[:100]
    this.note(order, EventKind.REMARK, text="another end heard, nothing more is due", heard=order.raw_state)
    if heard.state is OrderState.COMPLETED and order.returned > 0:
        this.alerts.append(_loss(order, _("An order was delivered after its money was returned")))


def _remark_once(order: Order, remark: str, this: Round) -> None:
    if order.needs_review != remark:
        order.needs_review = remark
        this.note(order, EventKind.REMARK, text=remark)


def _hear_charge(order: Order, heard: OrderStatus, this: Round) -> None:
    """Keep the provider's charge exactly as heard; one above what we expected costs us money."""
    if heard.currency:
        order.heard_currency = heard.currency[:8]
    if "currency_differs" in heard.flags:
        this.alerts.append(
            {
                "cause": f"provider:{this.provider.pk}:currency",
                "title": _("%(provider)s names another currency than its settings") % {"provider": this.provider.name},
                "body": _("Order %(order)s is charged in %(currency)s. Nothing was computed with it.")
                % {"order": order, "currency": order.heard_currency},
                "severity": Severity.MONEY,
                "path": f"/admin/orders/order/{order.pk}/change/",
            }
        )
        return
    if heard.charge is None or heard.charge == order.provider_charge:
        return
    dearer = heard.charge > order.expected_charge and (order.provider_charge or Decimal(0)) <= order.expected_charge
    order.provider_charge = heard.charge
    if dearer and heard.charge - order.expected_charge >= _ROUNDING:
        this.note(order, EventKind.REMARK, text="charged above the expected cost", charge=str(heard.charge))
        this.alerts.append(_loss(order, _("A provider charged more than expected")))


#: Panels round a charge to their own decimals, two at the coarsest; only more than that is a higher price.
_ROUNDING = Decimal("0.01")


def _loss(order: Order, title: str) -> dict[str, Any]:
    return {
        "cause": f"order:{order.pk}:loss",
        "title": title,
        "body": _("Order %(order)s") % {"order": order},
        "severity": Severity.MONEY,
        "path": f"/admin/orders/order/{order.pk}/change/",
    }


def _write(orders: list[Order], this: Round) -> None:
    if not orders:
        return
    columns = [[getattr(order, name) for order in orders] for name in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, columns)
    this.postings.sort(key=lambda pair: pair[0])
    ledger.post([posting for _wallet, postings in this.postings for posting in postings])
    lifecycle.note_all(this.events)
    for alert in this.alerts:
        raise_alert(now=this.now, **alert)
