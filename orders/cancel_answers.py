"""The end of an order is the answer to the wish to cancel it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import connection

from core.rowset import rowset
from orders.states import CANCEL_OPEN, CancelState, Progress

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
