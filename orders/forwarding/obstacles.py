"""What keeps queued orders from being sent: the shop, their provider or the breaker, by the rules of a claim."""

from collections.abc import Collection
from enum import StrEnum

from django.db import connection

from orders.forwarding.breaker import FITS_SQL, fixed_cap
from orders.freezing import FROZEN_SQL, RESTORED_SQL
from orders.states import Forward


class Obstacle(StrEnum):
    """The first of these that holds is the one to name."""

    RESTORED = "restored"
    FROZEN = "frozen"
    INACTIVE = "inactive"
    PARKED = "parked"
    BREAKER = "breaker"


_OBSTACLES = f"""
    SELECT o.id, CASE
        WHEN {RESTORED_SQL} THEN '{Obstacle.RESTORED}'
        WHEN {FROZEN_SQL} THEN '{Obstacle.FROZEN}'
        WHEN NOT p.is_active THEN '{Obstacle.INACTIVE}'
        WHEN p.parked_at IS NOT NULL THEN '{Obstacle.PARKED}'
        WHEN EXISTS (SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL)
            OR NOT {FITS_SQL} THEN '{Obstacle.BREAKER}'
    END
    FROM orders_order o JOIN catalog_provider p ON p.id = o.provider_id
    WHERE o.id = ANY(%(ids)s) AND o.forward_state = '{Forward.QUEUED}'
"""  # noqa: S608 - only constants of ours are put in


def obstacles_of(order_ids: Collection[int]) -> dict[int, Obstacle | None]:
    """Return what keeps each order from being sent, None where nothing does; only of queued orders."""
    if not order_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OBSTACLES, {"ids": list(order_ids), "fixed_cap": fixed_cap()})
        return {order_id: Obstacle(name) if name else None for order_id, name in cursor.fetchall()}
