"""Recording the usual answer, "placed", in one statement: order, attempt, own id and timeline, fenced by the token.

It writes nothing wherever anything is unusual (a known id, a doubt, a breaker that counts, refusals in a row); then
`orders.forwarding.outcomes` records the answer step by step. Where both can, both write the same:
tests/orders/forwarding/test_accepted.py runs both on the same rows and compares every column.
"""

from datetime import datetime

from django.db import IntegrityError

from catalog.providers import health
from core import prepared
from orders.models import EventKind, ForwardAttempt
from orders.own_ids import number_of
from orders.states import Explanation, Forward, Outcome
from orders.timetable import next_poll
from upstream.messages import AcceptedOrder

# answer: the values, cast once, since each comes as text.
# sent: the attempt and its order, locked, if both still wait for this answer and nothing about it is unusual;
#     is_news if the provider's row does not say yet that it answers.
# attempt, own, bought, noted: the attempt ends, its id becomes an own id, the order moves, the timeline gets two lines.
_RECORD = f"""
    WITH answer AS (
        SELECT %(attempt)s::bigint AS attempt_id, %(token)s::uuid AS token, %(upstream_id)s::text AS upstream_id,
            %(number)s::bigint AS number, %(send_calls)s::int AS send_calls, %(now)s::timestamptz AS now,
            %(answered_at)s::timestamptz AS answered_at, %(next_poll_at)s::timestamptz AS next_poll_at,
            %(answered_before)s::timestamptz AS answered_before
    ), sent AS (
        SELECT h.*, s.id AS order_id, a.n, a.sent_at, p.id AS provider_id,
            p.outages > 0 OR p.parked_reason <> '' OR p.last_answer_at IS NULL
                OR p.last_answer_at < h.answered_before AS is_news
        FROM answer h JOIN orders_forwardattempt a ON a.id = h.attempt_id JOIN orders_order s ON s.id = a.order_id
        JOIN catalog_provider p ON p.id = a.provider_id
        WHERE a.token = h.token AND a.outcome = '{Outcome.SENDING}' AND s.forward_state = '{Forward.SENDING}'
            AND p.refusals = 0
            AND NOT EXISTS (
                SELECT FROM orders_breakerstate g
                WHERE g.provider_id = p.id AND (g.streak > 0 OR g.tripped_at IS NOT NULL)
            )
            AND NOT EXISTS (SELECT FROM orders_ownid i WHERE i.provider_id = p.id AND i.upstream_id = h.upstream_id)
            AND NOT EXISTS (
                SELECT FROM orders_forwardattempt b WHERE b.provider_id = p.id AND b.upstream_id = h.upstream_id
            )
            AND NOT EXISTS (
                SELECT FROM orders_childorder c WHERE c.provider_id = p.id AND c.upstream_id = h.upstream_id
            )
        FOR UPDATE OF s, a
    ), attempt AS (
        UPDATE orders_forwardattempt a SET outcome = '{Outcome.PLACED}', upstream_id = sent.upstream_id,
            send_calls = sent.send_calls, answered_at = sent.answered_at
        FROM sent WHERE a.id = sent.attempt_id
    ), own AS (
        INSERT INTO orders_ownid
            (provider_id, upstream_id, number, first_seen_at, state, shape, explained, attempt_id, decided_by)
        SELECT provider_id, upstream_id, number, now, '', '', '{Explanation.ATTEMPT}', attempt_id, '' FROM sent
    ), bought AS (
        UPDATE orders_order s SET forward_state = '{Forward.PLACED}', upstream_id = sent.upstream_id,
            placed_at = sent.now, next_at = NULL, next_poll_at = sent.next_poll_at
        FROM sent WHERE s.id = sent.order_id
    ), noted AS (
        INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
        SELECT order_id, sent_at, '{EventKind.SENT}', jsonb_build_object('try', n), '' FROM sent
        UNION ALL
        SELECT order_id, now, '{EventKind.PLACED}', jsonb_build_object('upstream_id', upstream_id), '' FROM sent
    )
    SELECT is_news FROM sent
"""  # noqa: S608 - only constants of ours are put in


def record(attempt: ForwardAttempt, result: AcceptedOrder, *, now: datetime) -> bool:
    """Record that the attempt placed an order; return False, with nothing written, where that is unusual."""
    exchange, number = result.exchange, number_of(result.order_id)
    values = {
        "attempt": str(attempt.pk),
        "token": str(attempt.token),
        "upstream_id": result.order_id,
        "number": None if number is None else str(number),
        "send_calls": str(exchange.send_calls) if exchange else None,
        "now": str(now),
        "answered_at": str(now) if exchange and exchange.answered_at is not None else None,
        "next_poll_at": str(next_poll(order_id=attempt.order_id, since=now, now=now)),
        "answered_before": str(now - health.ANSWER_NEWS),
    }
    try:
        rows = prepared.write(_RECORD, values)
    except IntegrityError:
        # Somebody wrote the same id at this very moment: recording step by step finds out who is right.
        return False
    if rows and rows[0][0]:
        health.note_answer(attempt.provider_id, now=now)
    return bool(rows)
