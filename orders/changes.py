"""What answers and decisions change about orders, and the one place that writes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import connection

from billing import ledger
from billing.models import Hold
from core.rows import all_loaded
from core.rowset import rowset
from notices.alerts import raise_alert
from notices.causes import Cause
from orders import lifecycle
from orders.models import ChangedCost, ChildOrder, EventKind, Order
from orders.states import CANCEL_OPEN, CancelState, Forward, Progress

#: The columns that an answer may change, and the types under which they travel.
_COLUMNS = {
    "progress": "text",
    "raw_state": "text",
    "state_since": "timestamptz",
    "ended_as": "text",
    "start_count": "bigint",
    "remains": "bigint",
    "provider_charge": "numeric",
    "answered_currency": "text",
    "needs_review": "text",
    "refunded": "numeric",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "next_poll_at": "timestamptz",
    "answered_at": "timestamptz",
    "poll_misses": "int",
}
_NAMES = ("id", *_COLUMNS)

#: Columns that are only read.
_READ = (
    *_NAMES, "provider_id", "service_type", "quantity", "runs", "total", "charge", "expected_charge", "placed_at",
    "created_at", "forward_state", "reviewed", "missing_by_hand",
)  # fmt: skip

_LOCK = f"""
    SELECT {", ".join(_READ)} FROM orders_order
    WHERE id = ANY(%s) AND provider_id = %s AND forward_state = '{Forward.PLACED.value}' ORDER BY id FOR UPDATE
"""  # noqa: S608 - names of columns and a state

_HOLD = ("reference", "wallet_id", "charged", "earned", "refunded")
_HOLDS = f"SELECT {', '.join(_HOLD)} FROM billing_hold WHERE reference = ANY(%s)"  # noqa: S608 - names of columns

# Only the names above are put in.
_UPDATE = f"""
    UPDATE orders_order AS o SET {", ".join(f"{name} = v.{name}" for name in _COLUMNS)}
    FROM json_to_recordset(%s) AS v(id bigint, {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
    WHERE o.id = v.id
"""  # noqa: S608

_CHILD_COLUMNS = [
    "quantity", "progress", "raw_state", "state_since", "start_count", "remains", "charge", "needs_review",
    "finished_at", "next_poll_at", "answered_at", "poll_misses",
]  # fmt: skip

_CLOSE_CANCELLATIONS = """
    UPDATE orders_cancellation AS c SET state = %s, answer = e.answer, next_at = NULL, finished_at = %s
    FROM json_to_recordset(%s) AS e(id bigint, answer text)
    WHERE c.order_id = e.id AND c.state = ANY(%s)
"""


@dataclass(slots=True)
class Change:
    """What changes about one order besides its own columns, whose new values stand on the locked order itself.

    ``events`` are lines of its timeline. ``review`` is why a person should look at it: asked for once for each reason.
    ``alerts`` are causes with the data of their texts, but for the order. ``children`` are child orders whose columns
    changed as well. ``ended`` is the state it ended in by this change.
    """

    # Tuples, since most stay empty: lists of thousands of orders would keep the garbage collector busy.
    events: tuple[tuple[EventKind, dict[str, Any]], ...] = ()
    postings: tuple[ledger.Posting, ...] = ()
    alerts: tuple[tuple[Cause, dict[str, Any]], ...] = ()
    children: tuple[ChildOrder, ...] = ()
    ended: Progress | None = None
    review: str = ""

    def __iadd__(self, more: "Change") -> Self:
        self.events += more.events
        self.postings += more.postings
        self.alerts += more.alerts
        self.children += more.children
        self.ended = more.ended or self.ended
        self.review = more.review or self.review
        return self

    def note(self, kind: EventKind, **detail: Any) -> None:
        """Add a line to the timeline."""
        self.events += ((kind, detail),)

    def remark(self, text: str, **detail: Any) -> None:
        """Add a line for the owner to the timeline."""
        self.note(EventKind.REMARK, text=text, **detail)

    def alert(self, cause: Cause, **data: Any) -> None:
        """Alert the owner once the change is written."""
        self.alerts += ((cause, data),)


def lock_orders(ids: Iterable[int], provider_id: int) -> list[Order]:
    """Lock the placed orders among ``ids`` in ascending order; return them with the columns that an answer needs."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(ids), provider_id])
        return all_loaded(Order, _READ, cursor.fetchall())


def holds_of(orders: Sequence[Order]) -> dict[int, Hold]:
    """Return the hold of each order, by the order's id."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [[o.reference for o in orders]])
        found = {h.reference: h for h in all_loaded(Hold, _HOLD, cursor.fetchall())}
    return {o.pk: found[o.reference] for o in orders}


def write(changes: Sequence[tuple[Order, Change]], holds: Mapping[int, Hold], *, now: datetime) -> None:
    """Write locked orders and their changes. Part of the caller's transaction.

    Wallets are touched in ascending order: two batches that refund in opposite order would otherwise wait for each
    other.
    """
    if not changes:
        return
    # 1. Rows.
    for order, change in changes:
        if change.review and change.review[:120] not in (order.needs_review, order.reviewed):
            order.needs_review = change.review[:120]
            change.remark(change.review)
    if children := [child for _order, change in changes for child in change.children]:
        ChildOrder.objects.bulk_update(children, _CHILD_COLUMNS)
    rows = [{name: getattr(order, name) for name in _NAMES} for order, _change in changes]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [rowset(rows)])
    # 2. Money.
    settled = sorted(((o, c) for o, c in changes if c.postings), key=lambda pair: holds[pair[0].pk].wallet_id)
    ledger.post([posting for _order, change in settled for posting in change.postings])
    # 3. Costs of orders whose money had moved already, which are counted again (`orders.profit.upkeep`).
    late = [o.pk for o, _c in changes if holds[o.pk].charged == holds[o.pk].earned + holds[o.pk].refunded]
    ChangedCost.objects.bulk_create([ChangedCost(order_id=pk) for pk in late])
    # 4. Open cancellations of orders that ended: the state is their answer.
    if ended := [{"id": order.pk, "answer": change.ended.value} for order, change in changes if change.ended]:
        still_open = [state.value for state in CANCEL_OPEN]
        with connection.cursor() as cursor:
            cursor.execute(_CLOSE_CANCELLATIONS, [CancelState.ANSWERED.value, now, rowset(ended), still_open])
    # 5. Timelines and alerts.
    lifecycle.note_all([lifecycle.line(o.pk, kind, now, detail) for o, c in changes for kind, detail in c.events])
    for order, change in changes:
        for cause, data in change.alerts:
            raise_alert(cause, now=now, order=order.pk, **data)
