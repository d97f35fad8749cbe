"""One batch of answers being applied: what it will write is gathered first and written in one go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection

from billing import ledger
from billing.models import Hold
from catalog.models import Provider
from core.rows import all_loaded
from core.rowset import rowset
from notices.alerts import raise_alert
from notices.causes import Cause
from orders import lifecycle
from orders.models import ChildOrder, EventKind, Order
from orders.states import CANCEL_OPEN, FINAL, CancelState, Progress

#: What an answer may change, and the types under which it travels.
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
    "finished_at": "timestamptz",
    "next_poll_at": "timestamptz",
    "answered_at": "timestamptz",
    "poll_misses": "int",
}
_NAMES = ("id", *_COLUMNS)

#: What telling an answer's meaning takes besides.
_READ = (
    *_NAMES, "provider_id", "service_type", "quantity", "runs", "total", "charge", "expected_charge", "placed_at",
    "created_at", "forward_state", "reviewed", "missing_by_hand",
)  # fmt: skip

_LOCK = f"""
    SELECT {", ".join(_READ)} FROM orders_order
    WHERE id = ANY(%s) AND provider_id = %s AND forward_state = 'placed' ORDER BY id FOR UPDATE
"""  # noqa: S608 - names of columns

# Only the names above are put in.
_UPDATE = f"""
    UPDATE orders_order AS o SET {", ".join(f"{name} = v.{name}" for name in _COLUMNS)}
    FROM json_to_recordset(%s) AS v(id bigint, {", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
    WHERE o.id = v.id
"""  # noqa: S608


@dataclass
class Round:
    """``children`` are those of the batch's parents, by the parent's id; ``listed`` are ids heard of for each.

    ``actor`` is the person who decided it, where no answer did.
    """

    provider: Provider
    asked_at: datetime
    now: datetime
    holds: dict[int, Hold]
    children: dict[int, list[ChildOrder]] = field(default_factory=dict)
    listed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    ended: dict[int, Progress] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    postings: list[tuple[int, list[ledger.Posting]]] = field(default_factory=list)
    alerts: list[tuple[Cause, dict[str, Any]]] = field(default_factory=list)
    actor: str = ""
    #: The shop's own accounts, looked up once for the whole batch.
    account_of: ledger.OwnAccount = field(default_factory=lambda: cache(ledger.own_account_id))

    def note(self, order: Order, kind: EventKind, **detail: Any) -> None:
        self.lines.append(lifecycle.line(order.pk, kind, self.now, detail))

    def remark_once(self, order: Order, remark: str) -> None:
        if remark[:120] not in (order.needs_review, order.reviewed):
            order.needs_review = remark[:120]
            self.note(order, EventKind.REMARK, text=remark)

    def post(self, order: Order, postings: list[ledger.Posting]) -> None:
        if postings:
            self.postings.append((self.holds[order.pk].wallet_id, postings))

    def alert(self, cause: Cause, **data: object) -> None:
        """Raise an alert once the rows are written."""
        self.alerts.append((cause, data))

    def end(self, order: Order, end: Progress, due: Decimal, *, remains: int | None) -> bool:
        """End an order, or end it otherwise than before, and post what is missing of ``due``; False when it may not.

        Money only ever grows towards the customer: another end under which nothing more is due is not taken over.
        """
        hold = self.holds[order.pk]
        postings = ledger.settlement_postings(hold, due, close=True, actor=self.actor, account_of=self.account_of)
        back = sum((p.amount for p in postings if p.target_id == hold.wallet_id), Decimal(0))
        grows = back > 0 or order.progress not in FINAL
        if order.progress != end and not grows:
            return False
        if order.progress != end:
            order.finished_at = order.finished_at or self.now
            self.ended[order.pk] = end
            self.note(order, EventKind.FINISHED, state=end.value, remains=remains)
        order.progress, order.ended_as = end, ""
        if grows:
            order.remains = remains
        self.post(order, postings)
        if back:
            order.refunded += back
            self.note(order, EventKind.REFUND, amount=str(back))
        return True


def locked(ids: Iterable[int], provider_id: int) -> list[Order]:
    """The placed orders among ``ids``, locked in ascending order, with the columns that hearing an answer needs."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [list(ids), provider_id])
        return all_loaded(Order, _READ, cursor.fetchall())


def write(orders: Sequence[Order], this: Round) -> None:
    """Write the rows, the money in ascending order of wallets, the timeline and the alerts."""
    if not orders:
        return
    rows = [{name: getattr(order, name) for name in _NAMES} for order in orders]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [rowset(rows)])
    this.postings.sort(key=lambda pair: pair[0])
    ledger.post([posting for _wallet, postings in this.postings for posting in postings])
    close_for(this.ended, now=this.now)
    lifecycle.note_all(this.lines)
    for cause, data in this.alerts:
        raise_alert(cause, now=this.now, **data)


_CLOSE = """
    UPDATE orders_cancellation AS c SET state = %s, answer = e.answer, next_at = NULL, finished_at = %s
    FROM json_to_recordset(%s) AS e(id bigint, answer text)
    WHERE c.order_id = e.id AND c.state = ANY(%s)
"""


def close_for(ended: Mapping[int, Progress], *, now: datetime) -> None:
    """Close the open wishes about orders that ended, each with the state its order ended in."""
    if not ended:
        return
    answers = rowset({"id": pk, "answer": end.value} for pk, end in ended.items())
    still_open = [state.value for state in CANCEL_OPEN]
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [CancelState.ANSWERED.value, now, answers, still_open])
