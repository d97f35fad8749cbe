"""Orders under our key that we do not know: what finds them notes them here, and here the books read them.

Whether an order was attached since is seen from attempts and child orders, so a note never has to be taken back.
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

#: Rows (upstream_id, amount) of provider %(provider)s: one for each orphan, with its newest known charge or NULL.
ORPHANS = """
    SELECT DISTINCT ON (b.upstream_id) b.upstream_id, b.amount
    FROM orders_reconciliationbreak b JOIN catalog_provider p ON p.id = b.provider_id AND p.currency = b.currency
    WHERE b.provider_id = %(provider)s AND b.kind = 'unknown_order'
      AND NOT EXISTS (SELECT 1 FROM orders_forwardattempt a
                      WHERE a.provider_id = b.provider_id AND a.upstream_id = b.upstream_id)
      AND NOT EXISTS (SELECT 1 FROM orders_childorder c
                      WHERE c.provider_id = b.provider_id AND c.upstream_id = b.upstream_id)
    ORDER BY b.upstream_id, b.id DESC
"""


@dataclass(frozen=True)
class Orphan:
    """``charge`` in the provider's currency, None when it could not be read; ``state`` is the provider's word."""

    upstream_id: str
    charge: Decimal | None
    state: str = ""


def note_orphans(provider: Provider, orphans: Iterable[Orphan], *, now: datetime) -> int:
    """Open a break for each orphan that has none, with the orders in doubt that it may be; how many are new."""
    return sum(
        breaks.see(
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


def explain(provider: Provider, orphan: Orphan, *, reason: str, actor: str, now: datetime) -> None:
    """The owner knows who placed it: it gets its break if it never had one, and one that is open is explained."""
    about = ReconciliationBreak.objects.filter(
        provider=provider, kind=BreakKind.UNKNOWN_ORDER, upstream_id=orphan.upstream_id
    )
    if not about.exists():
        note_orphans(provider, [orphan], now=now)
    for row in about.filter(closed_at=None):
        breaks.decide(break_id=row.pk, state=BreakState.EXPLAINED, note=reason, actor=actor, now=now)


def look_again(provider: Provider, *, now: datetime) -> None:
    """Where fewer orders in doubt may be the unknown one than before, say so: with none left it is an alarm."""
    open_ones = ReconciliationBreak.objects.filter(provider=provider, kind=BreakKind.UNKNOWN_ORDER, closed_at=None)
    for row in open_ones.exclude(suspects=[]):
        still = doubts_about(provider, row.upstream_id)
        if still != row.suspects:
            breaks.see(
                provider, BreakKind.UNKNOWN_ORDER, amount=row.amount, upstream_id=row.upstream_id, facts=row.facts,
                suspects=still, now=now,
            )  # fmt: skip


def close_attached(provider: Provider, *, now: datetime) -> int:
    """Close the breaks of orders that turned out to be ours; how many."""
    still = set(ids_of(provider.pk))
    known = ReconciliationBreak.objects.filter(provider=provider, kind=BreakKind.UNKNOWN_ORDER, closed_at=None)
    attached = [b for b in known if b.upstream_id not in still]
    return sum(breaks.gone(b, now=now) for b in attached)


def ids_of(provider_id: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(ORPHANS, {"provider": provider_id})
        return [row[0] for row in cursor.fetchall()]
