"""Orders that wait in our queue for an earlier one for their link: without a time to be sent, none is ever claimed."""

from datetime import datetime

from django.db import connection

from orders.states import FINAL, Forward, sql_list

_ENDED = (
    f"({{0}}.progress IN ({sql_list(FINAL)}) "
    f"OR {{0}}.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))}))"
)
# Through the indexes order_waits_for_order and order_link_key. The order that is waited for may itself have waited, and
# was canceled: what it waited for is still open. It is asked about first because that costs less. One whose link was
# changed holds up nobody any more.
_RELEASE = f"""
    UPDATE orders_order AS o SET next_at = %s FROM orders_order AS before
    WHERE o.waits_for_id IS NOT NULL AND o.forward_state = '{Forward.QUEUED}' AND o.next_at IS NULL
        AND before.id = o.waits_for_id
        AND (before.link_key <> o.link_key OR {_ENDED.format("before")})
        AND NOT EXISTS (
            SELECT FROM orders_order AS earlier
            WHERE earlier.link_key = o.link_key AND earlier.customer_id = o.customer_id
                AND earlier.service_id = o.service_id AND earlier.id < o.id AND NOT {_ENDED.format("earlier")}
        )
"""  # noqa: S608 - only constants of ours are put in


def release_waiting(*, now: datetime) -> int:
    """Let the orders be sent for whose link no earlier order is open any more; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [now])
        return int(cursor.rowcount)
