"""What every send that must not happen twice has in common: claim, permit, store what was said.

The order of steps is the protocol: the claim is committed before anything leaves; the permit is asked for after the
connection stands and before the first byte, on the lane's own session, so that a lost lane sends nothing; what was said
is committed before anybody interprets it.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from orders.freezing import FROZEN_SQL
from orders.lanes import Lane
from orders.models import ProviderExchange
from upstream.exchange import Exchange


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
    AND (mine.is_trial OR NOT EXISTS (
        SELECT FROM orders_sendinggate g WHERE g.provider_id = p.id AND g.shut_at IS NOT NULL
    ))
"""

FORWARD = Errand(
    "orders_forwardattempt", "orders_order", "order_id", "forward_state", ", sent_at = statement_timestamp()", _GATE
)
REFILL = Errand("orders_refillattempt", "orders_refill", "refill_id", "state")

# The names put in are the constants above, never data.
_PERMIT = """
    WITH mine AS (
        UPDATE {e.attempts} SET outcome = 'sending', sent_at = statement_timestamp()
        WHERE token = %(token)s AND outcome = 'claimed' AND leased_until > statement_timestamp() + %(room)s
        RETURNING {e.subject_key} AS subject, {e.attempts}.*
    )
    UPDATE {e.subject} AS s SET {e.state} = 'sending'{e.stamp}
    FROM mine JOIN catalog_provider p ON p.id = mine.provider_id
    WHERE s.id = mine.subject AND s.{e.state} = 'claimed' AND p.is_active AND p.parked_at IS NULL {e.gate}
        AND NOT {frozen}
    RETURNING s.id
"""


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
    query = _PERMIT.format(e=errand, frozen=FROZEN_SQL)

    def ask() -> None:
        room = timedelta(seconds=settings.FORWARD_DEADLINE_SECONDS * 4 / 3)
        with lane.session.transaction():
            if lane.session.execute(query, {"token": token, "room": room}).fetchone() is None:
                raise PermitRefused  # and the transaction takes the attempt's own move back

    return ask


def store_exchange(exchange: Exchange, *, provider_id: int, **about: Any) -> None:
    """Keep what was said, without the key. ``about`` names the attempt."""
    ProviderExchange.objects.create(
        provider_id=provider_id,
        action=exchange.action,
        http_status=exchange.http_status,
        send_calls=exchange.send_calls,
        said=exchange.as_evidence(),
        **about,
    )
