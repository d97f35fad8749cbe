"""Orders that wait in our queue for an earlier one for their link: without a time to be sent, none is ever claimed."""

from datetime import datetime

from django.db import connection

from orders.states import FINAL, Forward, sql_list

# Through the index order_waits_for_order. An order that could not be found any more would wait for nothing.
_RELEASE = f"""
    UPDATE orders_order AS o SET next_at = %s FROM orders_order AS before
    WHERE o.waits_for_id IS NOT NULL AND o.forward_state = '{Forward.QUEUED}' AND o.next_at IS NULL
        AND before.id = o.waits_for_id
        AND (before.progress IN ({sql_list(FINAL)})
             OR before.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))}))
"""  # noqa: S608 - only constants of ours are put in


def release_waiting(*, now: datetime) -> int:
    """Let the orders be sent whose earlier order has ended; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [now])
        return int(cursor.rowcount)
