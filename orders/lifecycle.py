"""The one way to move an order through its forwarding: a compare-and-swap that leaves an event behind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from core.rowset import rowset
from orders.models import EventKind, Order, OrderEvent
from orders.states import FORWARD_MOVES, Forward

_NOTE_ALL = """
    INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
    SELECT e.order_id, e.at, e.kind, e.detail, ''
    FROM ROWS FROM (json_to_recordset(%s) AS (order_id bigint, at timestamptz, kind text, detail jsonb))
         WITH ORDINALITY AS e(order_id, at, kind, detail, position)
    ORDER BY e.position
"""


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
    OrderEvent.objects.create(order_id=order_id, kind=kind, at=now, detail=detail or {}, actor=actor)


def line(order_id: int, kind: EventKind, at: datetime, detail: dict[str, Any]) -> dict[str, Any]:
    """Return one timeline entry for :func:`note_all`."""
    return {"order_id": order_id, "at": at, "kind": kind.value, "detail": detail}


def note_all(lines: Sequence[dict[str, Any]]) -> None:
    """Add many entries, in this order."""
    if lines:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_ALL, [rowset(lines)])
