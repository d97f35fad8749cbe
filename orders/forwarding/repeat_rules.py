"""When a request may be repeated: for the look for due ones, the claim, and the permit just before it leaves.

In the SQL, a is the attempt, s its order and p the provider.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from catalog.models import Provider
from orders.forwarding import lanes, permits
from orders.freezing import FROZEN_SQL
from orders.models import RepeatAttempt
from orders.states import Forward, Outcome, sql_list
from orders.timetable import repeat_due_after, repeat_window

IN_TIME = "a.sent_at > statement_timestamp() - %(window)s::interval"
#: ``proof`` is the one that was read together with the settings of the request; none where no request is made yet.
PROVEN = """
    p.request_id_proof <> '' AND p.request_id_proof = coalesce(%(proof)s::text, p.request_id_proof)
    AND a.sent_at > p.request_id_proven_at
"""
NEVER_RESTORED = f"""
    NOT {FROZEN_SQL} AND NOT a.evidence ? 'restored'
    AND NOT EXISTS (SELECT FROM orders_shopstate t WHERE t.thawed_at >= a.sent_at)
"""
_DOUBTFUL = (Forward.IN_DOUBT, Forward.REVIEW)
_UNDER_WAY = f"({sql_list((Outcome.CLAIMED, Outcome.SENDING))})"
# An open breaker lets a repeat through as it does a trial: when nothing else is being sent there.
_MAY_GO = """
    a.outcome = '{o.IN_DOUBT}' AND s.forward_state IN ({doubtful}) AND p.is_active AND p.parked_at IS NULL
    AND {in_time} AND {proven} AND {never_restored}
    AND (NOT EXISTS (SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL)
        OR NOT EXISTS (SELECT FROM orders_forwardattempt w WHERE w.provider_id = p.id AND w.outcome IN {under_way}))
"""

# The attempts whose next repeat is due. One of which a repeat named an order number waits for the search that looks for
# a second order, and keeps back all others there: a provider that buys twice shall do so once.
_DUE = """
    FROM orders_forwardattempt a
    JOIN orders_order s ON s.id = a.order_id JOIN catalog_provider p ON p.id = a.provider_id
    WHERE a.request_digest <> '' AND {may_go}
        AND statement_timestamp() >= a.sent_at + (%(pauses)s::interval[])[
            1 + (SELECT count(*) FROM orders_repeatattempt r WHERE r.attempt_id = a.id)
        ]
        AND NOT EXISTS (
            SELECT FROM orders_repeatattempt r WHERE r.attempt_id = a.id
                AND (r.outcome = '{o.PLACED}' OR r.evidence ? 'final')
        )
        AND NOT EXISTS (
            SELECT FROM orders_repeatattempt r JOIN orders_forwardattempt b ON b.id = r.attempt_id
            WHERE r.provider_id = p.id AND (
                r.outcome IN {under_way}
                OR (r.outcome = '{o.PLACED}' AND b.outcome = '{o.IN_DOUBT}' AND NOT r.evidence ? 'contradiction')
            )
        )
"""
_PROVIDERS = f"SELECT DISTINCT a.provider_id {_DUE} ORDER BY a.provider_id"
# The one that has waited for longest.
_CLAIM = f"""
    SELECT a.id {_DUE} AND a.provider_id = %(provider)s ORDER BY a.sent_at, a.id LIMIT 1
    FOR UPDATE OF s, a SKIP LOCKED
"""

_PERMIT = """
    WITH fit AS (
        SELECT r.id FROM orders_forwardattempt a
        JOIN orders_order s ON s.id = a.order_id JOIN catalog_provider p ON p.id = a.provider_id
        JOIN orders_repeatattempt r ON r.attempt_id = a.id
        WHERE r.token = %(token)s AND r.outcome = '{o.CLAIMED}' AND a.request_digest = %(digest)s::text
            AND r.leased_until > statement_timestamp() + %(room)s::interval AND {may_go}
        FOR UPDATE OF s, a, r
    )
    UPDATE orders_repeatattempt AS r SET outcome = '{o.SENDING}', sent_at = statement_timestamp()
    FROM fit WHERE r.id = fit.id RETURNING r.id
"""


def due_providers() -> list[int]:
    """Return the ids of the providers at which a repeat is due. One query, which locks nothing."""
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"pauses": pauses(), "window": repeat_window(), "proof": None}
        cursor.execute(_sql(_PROVIDERS), given)
        return [pk for (pk,) in cursor.fetchall()]


def lock_next(provider: Provider) -> int | None:
    """Lock the attempt at this provider whose next repeat is due, and return its id; None if there is none.

    Must run inside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_sql(_CLAIM), {"provider": provider.pk, "pauses": pauses(), **_values(provider)})
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def permit(repeat: RepeatAttempt, lane: lanes.Lane, digest: str) -> Callable[[], None]:
    """Return what is called just before the first byte; it raises PermitRefused if the repeat may not leave any more.

    ``digest`` is that of the request to be sent.
    """
    values = {"token": repeat.token, "digest": digest, **_values(repeat.attempt.order.provider)}

    def ask() -> None:
        if lane.session.execute(_sql(_PERMIT), {**values, "room": permits.room_for_a_call()}).fetchone() is None:
            raise permits.PermitRefused

    return ask


def pauses() -> list[timedelta]:
    """Return when each repeat is due after the first send: never while that may still be on its way."""
    dues: list[timedelta] = []
    least = timedelta(seconds=settings.FORWARD_DEADLINE_SECONDS)
    while (due := repeat_due_after(len(dues))) is not None:
        dues.append(max(due, least))
    return dues


def _sql(query: str) -> str:
    may_go = _MAY_GO.format(
        o=Outcome, doubtful=sql_list(_DOUBTFUL), under_way=_UNDER_WAY, in_time=IN_TIME, proven=PROVEN,
        never_restored=NEVER_RESTORED,
    )  # fmt: skip
    return query.format(o=Outcome, under_way=_UNDER_WAY, may_go=may_go)


def _values(provider: Provider) -> dict[str, Any]:
    return {"window": repeat_window(), "proof": provider.request_id_proof}
