"""What every send that must not happen twice has in common: claim, permit, store the answer.

The order of steps is the protocol: the claim is committed before anything leaves; the permit is asked for after the
connection stands and before the first byte, on the lane's own session, so that a lost lane sends nothing; the answer
is committed before anybody interprets it.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from core import prepared
from orders.forwarding.lanes import Lane
from orders.freezing import FROZEN_SQL
from orders.models import ForwardAttempt, RefillAttempt
from upstream.exchange import EVIDENCE_LIMIT, Exchange


class PermitRefused(Exception):
    """The claim is not ours, the lease nearly over, the provider parked or the shop frozen: no byte may leave."""


@dataclass(frozen=True)
class Errand:
    """The tables of one kind of send: its attempts, and the row that is sent."""

    attempts: str
    subject: str
    subject_key: str
    state: str
    stamp: str = ""
    gate: str = ""


#: A gate that shut after the claim stops the send as well; only the trial passes it.
_GATE = """
    AND (a.is_trial OR NOT EXISTS (
        SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL
    ))
"""

FORWARD = Errand(
    "orders_forwardattempt", "orders_order", "order_id", "forward_state", ", sent_at = statement_timestamp()", _GATE
)
REFILL = Errand("orders_refillattempt", "orders_refill", "refill_id", "state")

# Both rows are locked before either is moved, what is sent before its attempt, as everywhere. One statement in
# autocommit: both move and are committed, or neither does. The names put in are the constants above, never data.
_PERMIT = """
    WITH fit AS (
        SELECT s.id AS subject, a.id AS attempt
        FROM {e.subject} s
        JOIN {e.attempts} a ON a.{e.subject_key} = s.id JOIN catalog_provider p ON p.id = a.provider_id
        WHERE a.token = %(token)s AND a.outcome = 'claimed' AND s.{e.state} = 'claimed'
            AND a.leased_until > statement_timestamp() + %(room)s
            AND p.is_active AND p.parked_at IS NULL {e.gate} AND NOT {frozen}
        FOR UPDATE OF s, a
    ), moved AS (
        UPDATE {e.attempts} AS a SET outcome = 'sending', sent_at = statement_timestamp()
        FROM fit WHERE a.id = fit.attempt
    )
    UPDATE {e.subject} AS s SET {e.state} = 'sending'{e.stamp} FROM fit WHERE s.id = fit.subject RETURNING s.id
"""

_STORE = """
    INSERT INTO orders_providerexchange
        (provider_id, action, forward_attempt_id, refill_attempt_id, at, http_status, send_calls, transcript)
    VALUES (%(provider)s::bigint, %(action)s::text, %(forward_attempt)s::bigint, %(refill_attempt)s::bigint,
        statement_timestamp(), %(http_status)s::int, %(send_calls)s::int, %(transcript)s::jsonb)
    RETURNING id
"""

_PERMITS = {errand: _PERMIT.format(e=errand, frozen=FROZEN_SQL) for errand in (FORWARD, REFILL)}


def claim_columns(lane: Lane, now: datetime) -> dict[str, Any]:
    """The columns with which an attempt begins."""
    return {
        "provider_id": lane.provider_id,
        "token": uuid.uuid4(),
        "lane": lane.number,
        "lane_pid": lane.pid,
        "lane_started": lane.started,
        "claimed_at": now,
        "leased_until": now + timedelta(seconds=settings.FORWARD_LEASE_SECONDS),
    }


def permit(errand: Errand, lane: Lane, token: uuid.UUID) -> Callable[[], None]:
    """What the wire calls once, just before the first byte. Raises, and so stops the send, unless it may go."""
    query = _PERMITS[errand]

    def ask() -> None:
        room = timedelta(seconds=settings.FORWARD_DEADLINE_SECONDS * 4 / 3)
        if lane.session.execute(query, {"token": token, "room": room}).fetchone() is None:
            raise PermitRefused

    return ask


def store_exchange(
    exchange: Exchange,
    *,
    provider_id: int,
    forward_attempt: ForwardAttempt | None = None,
    refill_attempt: RefillAttempt | None = None,
) -> None:
    """Store the exchange, without the API key, before anybody interprets it."""
    facts = {
        "provider": provider_id,
        "forward_attempt": forward_attempt and forward_attempt.pk,
        "refill_attempt": refill_attempt and refill_attempt.pk,
        "http_status": exchange.http_status,
        "send_calls": exchange.send_calls,
    }
    values = {name: None if fact is None else str(fact) for name, fact in facts.items()}
    prepared.write(_STORE, {**values, "action": exchange.action, "transcript": json.dumps(exchange.as_evidence())})


def stored_exchange(transcript: dict[str, Any]) -> Exchange:
    """What was kept, in the shape in which it is judged. A body that was cut when stored is not complete."""
    body = str(transcript.get("body") or "").encode()
    is_whole = int(transcript.get("body_bytes") or 0) <= EVIDENCE_LIMIT
    return Exchange(
        action=str(transcript.get("action") or "add"),
        url=str(transcript.get("url") or ""),
        request_fields=transcript.get("request_fields") or {},
        elapsed=float(transcript.get("elapsed") or 0),
        sent_at=transcript.get("sent_at"),
        answered_at=transcript.get("answered_at"),
        send_calls=int(transcript.get("send_calls") or 0),
        http_status=transcript.get("http_status"),
        content_type=str(transcript.get("content_type") or ""),
        retry_after=transcript.get("retry_after"),
        body=body,
        complete=bool(transcript.get("complete")) and is_whole,
        deadline_fired=bool(transcript.get("deadline_fired")),
        stop=str(transcript.get("stop") or ""),
        error=str(transcript.get("error") or ""),
    )
