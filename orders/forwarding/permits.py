"""What every send that must not happen twice has in common: the claim's columns, the permit, the stored answer.

The order of steps is the protocol: the claim is committed before anything leaves; the permit is asked for after the
connection stands and before the first byte, on the lane's own session, so that a lost lane sends nothing; the exchange
is committed before anybody interprets it.
"""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.crypto import salted_hmac

from catalog.models import Provider
from catalog.providers.connection import client_for
from core import prepared
from orders.forwarding.lanes import Lane
from orders.freezing import FROZEN_SQL
from orders.models import ForwardAttempt, RefillAttempt
from orders.states import Forward, Outcome, RefillState
from upstream.client import ProviderClient
from upstream.errors import InDoubt, NotSent, Refused
from upstream.exchange import EVIDENCE_LIMIT, Exchange

log = logging.getLogger(__name__)


class PermitRefused(Exception):
    """The claim is not ours, the lease nearly over, the provider parked or the shop frozen: no byte may leave."""


@dataclass(frozen=True)
class SendKind:
    """The tables and states of one kind of send: the rows that are sent (the subject), and their attempts."""

    attempts: str
    subject: str
    subject_key: str
    state: str
    claimed: str
    sending: str
    sent_at: str = ""
    digest: str = ""
    breaker: str = ""


#: A breaker that opened after the claim stops the send as well; only a trial passes it.
_BREAKER = """
    AND (a.is_trial OR NOT EXISTS (
        SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL
    ))
"""

FORWARD = SendKind(
    "orders_forwardattempt",
    "orders_order",
    subject_key="order_id",
    state="forward_state",
    claimed=Forward.CLAIMED.value,
    sending=Forward.SENDING.value,
    sent_at=", sent_at = statement_timestamp()",
    digest=", request_digest = %(digest)s::text",
    breaker=_BREAKER,
)
REFILL = SendKind(
    "orders_refillattempt",
    "orders_refill",
    subject_key="refill_id",
    state="state",
    claimed=RefillState.CLAIMED.value,
    sending=RefillState.SENDING.value,
)

# fit: the attempt and its subject, if the claim is still ours, the lease has room for the whole call and the provider
#     may be sent to. Both rows are locked before either is moved, the subject first, as everywhere.
# moved: the attempt is sending; the outer statement moves its subject.
# One statement in autocommit: both move and are committed, or neither does. The names put in are constants, never data.
_PERMIT = """
    WITH fit AS (
        SELECT s.id AS subject, a.id AS attempt
        FROM {k.subject} s
        JOIN {k.attempts} a ON a.{k.subject_key} = s.id JOIN catalog_provider p ON p.id = a.provider_id
        WHERE a.token = %(token)s AND a.outcome = '{o.CLAIMED}' AND s.{k.state} = '{k.claimed}'
            AND a.leased_until > statement_timestamp() + %(room)s
            AND p.is_active AND p.parked_at IS NULL {k.breaker} AND NOT {frozen}
        FOR UPDATE OF s, a
    ), moved AS (
        UPDATE {k.attempts} AS a SET outcome = '{o.SENDING}', sent_at = statement_timestamp(){k.digest}
        FROM fit WHERE a.id = fit.attempt
    )
    UPDATE {k.subject} AS s SET {k.state} = '{k.sending}'{k.sent_at} FROM fit WHERE s.id = fit.subject RETURNING s.id
"""

_STORE = """
    INSERT INTO orders_providerexchange
        (provider_id, action, forward_attempt_id, refill_attempt_id, at, http_status, send_calls, transcript)
    VALUES (%(provider)s::bigint, %(action)s::text, %(forward_attempt)s::bigint, %(refill_attempt)s::bigint,
        statement_timestamp(), %(http_status)s::int, %(send_calls)s::int, %(transcript)s::jsonb)
    RETURNING id
"""

_PERMITS = {kind: _PERMIT.format(k=kind, o=Outcome, frozen=FROZEN_SQL) for kind in (FORWARD, REFILL)}


def claim_columns(lane: Lane, now: datetime) -> dict[str, Any]:
    """Return the columns with which an attempt begins."""
    return {
        "provider_id": lane.provider_id,
        "token": uuid.uuid4(),
        "lane": lane.number,
        "lane_pid": lane.pid,
        "lane_started": lane.started,
        "claimed_at": now,
        "leased_until": now + timedelta(seconds=settings.FORWARD_LEASE_SECONDS),
    }


def permit(kind: SendKind, lane: Lane, token: uuid.UUID, *, digest: str = "") -> Callable[[], None]:
    """Return what the wire calls once, just before the first byte: it raises PermitRefused unless the send may go.

    ``digest`` names the bytes of a request that may be repeated; it is kept with the attempt.
    """
    query = _PERMITS[kind]

    def ask() -> None:
        values = {"token": token, "room": room_for_a_call(), "digest": digest}
        if lane.session.execute(query, values).fetchone() is None:
            raise PermitRefused

    return ask


def room_for_a_call() -> timedelta:
    """Return how long a lease must still last for a call to begin."""
    return timedelta(seconds=settings.FORWARD_DEADLINE_SECONDS * 4 / 3)


def digest_of(body: bytes) -> str:
    """Return a digest by which the same bytes are known again. Keyed, because the API key is among them."""
    return salted_hmac("orders.request", body, algorithm="sha256").hexdigest()


def _no_digest(client: ProviderClient) -> str:
    return ""


def call_once[Answer](
    attempt: ForwardAttempt | RefillAttempt,
    provider: Provider,
    lane: Lane,
    call: Callable[[ProviderClient, Callable[[], None]], Answer],
    *,
    digest: Callable[[ProviderClient], str] = _no_digest,
) -> Answer | Refused | NotSent | InDoubt:
    """Make the one call of an attempt; return the provider's answer, or the failure that says what is known instead.

    ``digest`` gives the digest of a request that may be repeated, "" for any other.

    Must not run inside a transaction. Database errors pass through: nothing can be recorded then, and the lease and the
    lane say later how far it got.
    """
    # The exchange is kept before anybody interprets it, whatever becomes of the interpretation.
    if isinstance(attempt, ForwardAttempt):
        kind, keep = FORWARD, partial(store_exchange, provider_id=provider.pk, forward_attempt=attempt)
    else:
        kind, keep = REFILL, partial(store_exchange, provider_id=provider.pk, refill_attempt=attempt)

    def with_permit(client: ProviderClient) -> Answer:
        return call(client, permit(kind, lane, attempt.token, digest=digest(client)))

    return carry_out(provider, with_permit, keep=keep)


def carry_out[Answer](
    provider: Provider, call: Callable[[ProviderClient], Answer], *, keep: Callable[[Exchange], object]
) -> Answer | Refused | NotSent | InDoubt:
    """Make one call that must not happen twice; ``keep`` stores its exchange. Otherwise as :func:`call_once`."""
    try:
        client = client_for(provider, deadline=settings.FORWARD_DEADLINE_SECONDS, on_exchange=keep)
        return call(client)
    except (Refused, NotSent, InDoubt) as failure:
        return failure
    except (OperationalError, InterfaceError):
        raise
    except Exception as bug:
        log.exception("a call to provider %s broke", provider.pk)
        return InDoubt("fault", type(bug).__name__)


def store_exchange(
    exchange: Exchange,
    *,
    provider_id: int,
    forward_attempt: ForwardAttempt | None = None,
    refill_attempt: RefillAttempt | None = None,
) -> int:
    """Store and commit an exchange, without the key; return its row's id."""
    facts = {
        "provider": provider_id,
        "forward_attempt": forward_attempt and forward_attempt.pk,
        "refill_attempt": refill_attempt and refill_attempt.pk,
        "http_status": exchange.http_status,
        "send_calls": exchange.send_calls,
    }
    values = {name: None if fact is None else str(fact) for name, fact in facts.items()}
    rows = prepared.write(
        _STORE, {**values, "action": exchange.action, "transcript": json.dumps(exchange.as_evidence())}
    )
    return int(rows[0][0])


def stored_exchange(transcript: dict[str, Any]) -> Exchange:
    """Return a stored exchange in the shape in which it is judged. A body that was cut when stored is not complete."""
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
