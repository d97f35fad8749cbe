"""Recording the usual answer, "placed", in one statement: order, attempt, own id and timeline, fenced by the token.

It does nothing wherever anything is unusual (an id we know, a doubt, a breaker that counts, refusals in a row); then
`orders.outcomes` records the answer step by step, with the same result where both could.
"""

from datetime import datetime

from django.db import IntegrityError, connection

from catalog import health
from orders.doubt.own_ids import number_of
from orders.models import ForwardAttempt
from orders.timetable import next_poll
from upstream.messages import Placed

_PLACE = """
    WITH sent AS (
        SELECT s.id AS order_id, a.id AS attempt_id, a.n, a.sent_at, p.id AS provider_id,
            p.outages > 0 OR p.parked_reason <> '' OR p.last_answer_at IS NULL
                OR p.last_answer_at < %(now)s - %(news)s AS is_news
        FROM orders_order s JOIN orders_forwardattempt a ON a.order_id = s.id JOIN catalog_provider p ON p.id = a.provider_id
        WHERE a.id = %(attempt)s AND a.token = %(token)s AND a.outcome = 'sending' AND s.forward_state = 'sending'
            AND p.refusals = 0
            AND NOT EXISTS (
                SELECT FROM orders_sendinggate g
                WHERE g.provider_id = p.id AND (g.streak > 0 OR g.shut_at IS NOT NULL)
            )
            AND NOT EXISTS (SELECT FROM orders_ownid i WHERE i.provider_id = p.id AND i.upstream_id = %(upstream_id)s)
            AND NOT EXISTS (
                SELECT FROM orders_forwardattempt b WHERE b.provider_id = p.id AND b.upstream_id = %(upstream_id)s
            )
            AND NOT EXISTS (SELECT FROM orders_childorder c WHERE c.provider_id = p.id AND c.upstream_id = %(upstream_id)s)
        FOR UPDATE OF s, a
    ), attempt AS (
        UPDATE orders_forwardattempt a SET outcome = 'placed', upstream_id = %(upstream_id)s,
            send_calls = %(send_calls)s, answered_at = %(answered_at)s
        FROM sent WHERE a.id = sent.attempt_id
    ), own AS (
        INSERT INTO orders_ownid
            (provider_id, upstream_id, number, first_seen_at, state, shape, explained, attempt_id, decided_by)
        SELECT provider_id, %(upstream_id)s, %(number)s, %(now)s, '', '', 'attempt', attempt_id, '' FROM sent
    ), bought AS (
        UPDATE orders_order s SET forward_state = 'placed', upstream_id = %(upstream_id)s, placed_at = %(now)s,
            next_at = NULL, next_poll_at = %(next_poll_at)s
        FROM sent WHERE s.id = sent.order_id
    ), told AS (
        INSERT INTO orders_orderevent (order_id, at, kind, detail, actor)
        SELECT order_id, sent_at, 'sent', jsonb_build_object('try', n), '' FROM sent
        UNION ALL
        SELECT order_id, %(now)s, 'placed', jsonb_build_object('upstream_id', %(upstream_id)s::text), '' FROM sent
    )
    SELECT is_news FROM sent
"""


def place(attempt: ForwardAttempt, result: Placed, *, now: datetime) -> bool:
    """Record that the attempt placed an order; False, and nothing is written, when it is not that simple."""
    exchange = result.exchange
    values = {
        "attempt": attempt.pk,
        "token": attempt.token,
        "upstream_id": result.order_id,
        "number": number_of(result.order_id),
        "send_calls": exchange.send_calls if exchange else None,
        "answered_at": now if exchange and exchange.answered_at is not None else None,
        "next_poll_at": next_poll(order_id=attempt.order_id, since=now, now=now),
        "news": health.ANSWER_NEWS,
        "now": now,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_PLACE, values)
            row = cursor.fetchone()
    except IntegrityError:
        # Somebody wrote the same id at this very moment: who is right is judged step by step.
        return False
    if row is not None and row[0]:
        health.note_answer(attempt.provider_id, now=now)
    return row is not None
