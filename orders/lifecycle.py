"""The one way to move an order through its forwarding: a compare-and-swap that leaves an event behind.

What a customer may want a mail about becomes a row of news in the statement of its event: so it is written once, with
what it reports, and 1,000 orders that end cost no statement more.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.mail_choices import ORDER_COMPLETED, ORDER_REFUNDED, REFILL
from core.rowset import rowset
from orders.models import EventKind, Order
from orders.models.order import Source
from orders.states import FORWARD_MOVES, Forward, Progress, sql_list

_NOTE_ALL = """
    INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
    SELECT e.order_id, e.at, e.kind, e.detail, e.actor
    FROM ROWS FROM (json_to_recordset(%s) AS (order_id bigint, at timestamptz, kind text, detail jsonb, actor text))
         WITH ORDINALITY AS e(order_id, at, kind, detail, actor, position)
    ORDER BY e.position
"""

#: Events that are news to a customer, with the switch of `MailChoices`; the end of an order has one of two.
_NEWS = {
    EventKind.FINISHED: None,
    EventKind.REFUND: ORDER_REFUNDED,
    EventKind.REFILL_DONE: REFILL,
    EventKind.REFILL_DECLINED: REFILL,
    EventKind.REFILL_CLOSED: REFILL,
}
_WHOLE = f"o.progress IN ('{Progress.COMPLETED.value}', '{Progress.EXPIRED.value}')"
_KIND = " ".join(f"WHEN '{kind.value}' THEN '{switch}'" for kind, switch in _NEWS.items() if switch)

#: Events about a request, the newest of which says whether its customer asked by a job; the detail names the job.
_REFILL_ASKED = sql_list([EventKind.REFILL_ASKED.value])
_CANCEL_ASKED = sql_list(
    kind.value for kind in (EventKind.CANCEL_ASKED, EventKind.CANCEL_DECLINED, EventKind.REFUNDED_UNSENT)
)


def _by_job(kinds: str) -> str:
    """SQL that is true if the newest event of an order of these kinds came from a job of its customer."""
    # Without a LIMIT, which lets Postgres walk through the events of all orders from the newest on.
    return f"""(SELECT (array_agg(e.detail -> 'job' ORDER BY e.id DESC))[1] IS NOT NULL
        FROM orders_orderevent e WHERE e.order_id = o.id AND e.kind IN ({kinds}))"""  # noqa: S608 - constants of ours


_OF_REFILLS = sql_list(kind.value for kind, switch in _NEWS.items() if switch == REFILL)
_QUIET = f"""
    SELECT o.source <> '{Source.WEB.value}' OR CASE
        WHEN n.kind IN ({_OF_REFILLS}) THEN {_by_job(_REFILL_ASKED)}
        WHEN n.kind = '{EventKind.REFUND.value}' OR NOT ({_WHOLE}) THEN {_by_job(_CANCEL_ASKED)}
        ELSE false END AS is_quiet
"""

# What was ordered through the API, or asked for in bulk, only where the customer chose it: few do, of most orders.
_NOTE_NEWS = f"""
    WITH noted AS ({_NOTE_ALL} RETURNING order_id, at, kind)
    INSERT INTO notices_news (customer_id, kind, reference, is_quiet, at, due_at, at_digest)
    SELECT DISTINCT o.customer_id,
        CASE n.kind {_KIND} ELSE CASE WHEN {_WHOLE} THEN '{ORDER_COMPLETED}' ELSE '{ORDER_REFUNDED}' END END,
        '{Order(pk=0).reference[:-1]}' || o.id, q.is_quiet, n.at, n.at, false
    FROM noted n JOIN orders_order o ON o.id = n.order_id
        LEFT JOIN accounts_mailchoices c ON c.customer_id = o.customer_id
        CROSS JOIN LATERAL ({_QUIET}) q
    WHERE n.kind IN ({sql_list(kind.value for kind in _NEWS)}) AND (NOT q.is_quiet OR c.bulk)
"""  # noqa: S608 - constants of ours


class IllegalMove(Exception):
    """A move that is not in the table: a bug in the caller."""


def move(
    *,
    order_id: int,
    old: Forward,
    new: Forward,
    now: datetime,
    kind: EventKind | None = None,
    detail: dict[str, Any] | None = None,
    actor: str = "",
    **columns: Any,
) -> bool:
    """Move one order from ``old`` to ``new``, setting ``columns``; return False if it was no longer in ``old``.

    Part of the caller's transaction. Raises IllegalMove for a move that is not in FORWARD_MOVES.
    """
    if new not in FORWARD_MOVES[old]:
        raise IllegalMove(f"order {order_id}: {old} -> {new}")
    moved = Order.objects.filter(pk=order_id, forward_state=old).update(forward_state=new, **columns)
    if moved and kind is not None:
        note(order_id=order_id, kind=kind, now=now, detail=detail, actor=actor)
    return bool(moved)


def note(
    *, order_id: int, kind: EventKind, now: datetime, detail: dict[str, Any] | None = None, actor: str = ""
) -> None:
    """Add one entry to an order's timeline."""
    note_all([line(order_id, kind, now, detail or {}, actor)])


def line(order_id: int, kind: EventKind, at: datetime, detail: dict[str, Any], actor: str = "") -> dict[str, Any]:
    """Return one timeline entry for :func:`note_all`."""
    return {"order_id": order_id, "at": at, "kind": kind.value, "detail": detail, "actor": actor}


def note_all(lines: Sequence[dict[str, Any]]) -> None:
    """Add many entries, in this order, and the news that they are to customers."""
    if lines:
        sql = _NOTE_NEWS if any(each["kind"] in _NEWS for each in lines) else _NOTE_ALL
        with connection.cursor() as cursor:
            cursor.execute(sql, [rowset(lines)])
