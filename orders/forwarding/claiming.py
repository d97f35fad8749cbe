"""Taking the next due order and beginning an attempt with it: one statement, so one commit.

It runs on the lane's own session: a lane that was lost claims nothing, and one that hangs is ended by the sweep.
"""

import json
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation

from core.rows import loaded
from orders.forwarding import permits
from orders.forwarding.breaker import FITS_SQL, fixed_cap
from orders.forwarding.lanes import Lane
from orders.freezing import FROZEN_SQL
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome
from upstream.errors import ErrorClass

# chosen: the longest-due queued order that may go now, locked. Only a trial passes an open breaker. Of the orders that
#     were refused because another one for their link is active, only the oldest for each link is tried. While an order
#     waits because it came too fast, none goes: such a limit is for the whole account.
# moved: that order is claimed, and this is one try more.
# begun: its next attempt, with the lane that will send it.
_CLAIM = f"""
    WITH chosen AS (
        SELECT o.id FROM orders_order o JOIN catalog_provider p ON p.id = o.provider_id
        WHERE o.provider_id = %(provider_id)s AND o.forward_state = '{Forward.QUEUED}' AND o.next_at <= %(claimed_at)s
            AND p.is_active AND p.parked_at IS NULL AND NOT {FROZEN_SQL}
            AND (%(is_trial)s OR NOT EXISTS (
                SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL
            ) AND {FITS_SQL})
            AND NOT (o.last_refusal = '{ErrorClass.DUPLICATE_LINK}' AND EXISTS (
                SELECT FROM orders_order a
                WHERE a.provider_id = o.provider_id AND md5(a.link) = md5(o.link) AND a.id < o.id
                    AND a.forward_state = '{Forward.QUEUED}' AND a.last_refusal = '{ErrorClass.DUPLICATE_LINK}'
            ))
            AND NOT EXISTS (
                SELECT FROM orders_order w
                WHERE w.provider_id = %(provider_id)s AND w.forward_state = '{Forward.QUEUED}'
                    AND w.next_at > %(claimed_at)s AND w.last_refusal = '{ErrorClass.RATE_LIMITED}'
            )
        ORDER BY o.next_at, o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
    ), moved AS (
        UPDATE orders_order o SET forward_state = '{Forward.CLAIMED}', tries = o.tries + 1, next_at = NULL
        FROM chosen WHERE o.id = chosen.id
        RETURNING o.id, o.external_service_id, o.fields, o.expected_cost
    ), begun AS (
        INSERT INTO orders_forwardattempt (
            order_id, n, provider_id, token, lane, lane_pid, lane_started, claimed_at, leased_until, outcome,
            unconfirmed_id, reason, evidence, expected_cost, is_trial
        )
        SELECT m.id, (SELECT coalesce(max(b.n), 0) + 1 FROM orders_forwardattempt b WHERE b.order_id = m.id),
            %(provider_id)s, %(token)s, %(lane)s, %(lane_pid)s, %(lane_started)s, %(claimed_at)s, %(leased_until)s,
            '{Outcome.CLAIMED}', '', '', '{{}}', m.expected_cost, %(is_trial)s
        FROM moved m
        RETURNING id, order_id, n
    )
    SELECT b.id, b.n, m.expected_cost, m.id, m.external_service_id, m.fields, p.xmin::text
    FROM begun b JOIN moved m ON m.id = b.order_id JOIN catalog_provider p ON p.id = %(provider_id)s
"""  # noqa: S608 - only constants of ours are put in


def claim(lane: Lane, *, now: datetime, is_trial: bool = False) -> ForwardAttempt | None:
    """Claim the next due order of the lane's provider and commit; return its attempt, or None if there is none."""
    begun: dict[str, Any] = {**permits.claim_columns(lane, now), "is_trial": is_trial}
    values = {**begun, "fixed_cap": fixed_cap()}
    try:
        row = lane.session.execute(_CLAIM, values).fetchone()
    except UniqueViolation:
        # Its last attempt was claimed, ended and queued again between our read and our lock; the next read sees that.
        row = lane.session.execute(_CLAIM, values).fetchone()
    if row is None:
        return None
    pk, n, cost, order_id, external_service_id, fields, version = row
    known = {"id": order_id, "external_service_id": external_service_id, "fields": json.loads(fields)}
    attempt = loaded(ForwardAttempt, {**begun, "id": pk, "n": n, "expected_cost": cost, "outcome": Outcome.CLAIMED})
    attempt.order = loaded(Order, {**known, "provider_id": lane.provider_id})
    attempt.order.provider = lane.provider(version)
    return attempt
