"""Orders under our key that we do not know: whatever finds them notes them here, and the books read them here.

Attempts and child orders show whether one was attached since, so a note never has to be taken back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from catalog.models import Provider
from orders.books import breaks
from orders.books.suspects import doubts_about
from orders.models import BreakKind, BreakState, ReconciliationBreak

#: Rows (upstream_id, amount) of provider %(provider)s: one for each orphan, with its newest known charge or NULL. An id
#: that an attempt or a child order has was attached since, and is no orphan any more.
ORPHANS = f"""
    SELECT DISTINCT ON (b.upstream_id) b.upstream_id, b.amount
    FROM orders_reconciliationbreak b JOIN catalog_provider p ON p.id = b.provider_id AND p.currency = b.currency
    WHERE b.provider_id = %(provider)s AND b.kind = '{BreakKind.UNKNOWN_ORDER}'
      AND NOT EXISTS (SELECT 1 FROM orders_forwardattempt a
                      WHERE a.provider_id = b.provider_id AND a.upstream_id = b.upstream_id)
      AND NOT EXISTS (SELECT 1 FROM orders_childorder c
                      WHERE c.provider_id = b.provider_id AND c.upstream_id = b.upstream_id)
    ORDER BY b.upstream_id, b.id DESC
"""  # noqa: S608 - put together from a constant


@dataclass(frozen=True)
class Orphan:
    """``charge`` in the provider's currency, None when it could not be read; ``state`` is the provider's word."""

    upstream_id: str
    charge: Decimal | None
    state: str = ""


def note_orphans(provider: Provider, orphans: Iterable[Orphan], *, now: datetime) -> int:
    """Open a break for each orphan that has none, with the orders in doubt that it may be; return how many are new."""
    return sum(
        breaks.record(
            provider,
            BreakKind.UNKNOWN_ORDER,
            amount=orphan.charge,
            upstream_id=orphan.upstream_id,
            facts={"state": orphan.state},
            suspects=doubts_about(provider, orphan.upstream_id),
            now=now,
        )
        for orphan in orphans
    )


def explain_orphan(provider: Provider, orphan: Orphan, *, reason: str, actor: str, now: datetime) -> None:
    """Explain the break of an orphan with the owner's reason, opening one first if it never had any."""
    about = ReconciliationBreak.objects.filter(
        provider=provider, kind=BreakKind.UNKNOWN_ORDER, upstream_id=orphan.upstream_id
    )
    if not about.exists():
        note_orphans(provider, [orphan], now=now)
    for row in about.filter(closed_at=None):
        breaks.decide(break_id=row.pk, state=BreakState.EXPLAINED, note=reason, actor=actor, now=now)


def update_suspects(provider: Provider, *, now: datetime) -> None:
    """Update which orders in doubt each orphan may be: with none left, it raises an alert."""
    open_ones = ReconciliationBreak.objects.filter(provider=provider, kind=BreakKind.UNKNOWN_ORDER, closed_at=None)
    for row in open_ones.exclude(suspects=[]):
        still = doubts_about(provider, row.upstream_id)
        if still != row.suspects:
            breaks.record(
                provider, BreakKind.UNKNOWN_ORDER, amount=row.amount, upstream_id=row.upstream_id, facts=row.facts,
                suspects=still, now=now,
            )  # fmt: skip


def close_attached(provider: Provider, *, now: datetime) -> int:
    """Close the breaks of orphans that turned out to be our orders; return how many."""
    still = set(ids_of(provider.pk))
    known = ReconciliationBreak.objects.filter(provider=provider, kind=BreakKind.UNKNOWN_ORDER, closed_at=None)
    attached = [row for row in known if row.upstream_id not in still]
    return sum(breaks.close(row, now=now) for row in attached)


def ids_of(provider_id: int) -> list[str]:
    """The ids of all orphans at one provider."""
    with connection.cursor() as cursor:
        cursor.execute(ORPHANS, {"provider": provider_id})
        return [row[0] for row in cursor.fetchall()]
