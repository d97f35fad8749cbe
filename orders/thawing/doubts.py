"""Rows that came back with a dump: each may have been sent since, so each becomes a doubt with an attempt of its own.

The moves are the usual ones, made in one transaction. The attempt stands for whatever happened in the lost time.
"""

import uuid
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max

from orders import lifecycle
from orders.models import EventKind, ForwardAttempt, Order, Refill, RefillAttempt
from orders.states import Forward, Outcome, RefillState

REASON = "the database was restored; this may have been sent in the time that was lost"
_WHY = {"why": "restored"}


def doubt_order(order: Order, *, known_at: datetime, now: datetime) -> ForwardAttempt:
    """Move a queued order that came back into doubt; return the attempt that stands for the lost time.

    It counts as sent at ``known_at``, the last moment that the database remembers. The caller has locked the order.
    """
    last = order.attempts.aggregate(last=Max("n"))["last"] or 0
    attempt = ForwardAttempt.objects.create(
        order=order, n=last + 1, expected_cost=order.expected_cost, **_columns(order.provider_id, now)
    )
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.SENDING, sent_at=known_at)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.IN_DOUBT)
    lifecycle.move(order_id=order.pk, old=Forward.QUEUED, new=Forward.CLAIMED, now=now, next_at=None)
    lifecycle.move(order_id=order.pk, old=Forward.CLAIMED, new=Forward.SENDING, now=now, sent_at=known_at)
    lifecycle.move(
        order_id=order.pk, old=Forward.SENDING, new=Forward.IN_DOUBT, now=now, kind=EventKind.DOUBTED, detail=_WHY
    )
    return attempt


def let_go(attempt: ForwardAttempt, *, proof: dict[str, Any], now: datetime) -> None:
    """Queue an order again that the scan proved absent. The caller has locked the order."""
    evidence = {"restored": True, "bracket": proof}
    # The sweep looks again at the order that it waits for.
    next_at = None if attempt.order.waits_for_id else now
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.NOT_PLACED, evidence=evidence)
    lifecycle.move(
        order_id=attempt.order_id, old=Forward.IN_DOUBT, new=Forward.QUEUED, now=now, kind=EventKind.REQUEUED,
        detail={"reason": "not at the provider after a restore"}, next_at=next_at, sent_at=None,
    )  # fmt: skip


def mark_earlier_doubts(provider_id: int) -> list[int]:
    """Mark the doubts from before the dump, so that a person decides; return the ids of their orders.

    They may have been decided, and sent again, in the lost time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_forwardattempt SET evidence = evidence || '{\"restored\": true}' "
            "WHERE provider_id = %s AND outcome = %s AND NOT evidence ? 'restored' RETURNING order_id",
            [provider_id, Outcome.IN_DOUBT],
        )
        return [row[0] for row in cursor.fetchall()]


def doubt_refill(refill: Refill, *, known_at: datetime, now: datetime) -> None:
    """Move a queued refill that came back into doubt. No money depends on it, so nothing is proven about it."""
    last = refill.attempts.aggregate(last=Max("n"))["last"] or 0
    attempt = RefillAttempt.objects.create(refill=refill, n=last + 1, **_columns(refill.provider_id, now))
    RefillAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.SENDING, sent_at=known_at)
    RefillAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.IN_DOUBT)
    Refill.objects.filter(pk=refill.pk).update(state=RefillState.IN_DOUBT, next_at=None)
    lifecycle.note(
        order_id=refill.order_id, kind=EventKind.REFILL_DOUBTED, now=now, detail={"refill": refill.pk, **_WHY}
    )


def _columns(provider_id: int, now: datetime) -> dict[str, Any]:
    """An attempt that no session of ours made: pid 0 exists nowhere."""
    return {
        "provider_id": provider_id,
        "token": uuid.uuid4(),
        "lane": 0,
        "lane_pid": 0,
        "lane_started": now,
        "claimed_at": now,
        "leased_until": now,
        "reason": REASON,
        "evidence": {"restored": True},
    }
