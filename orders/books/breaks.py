"""A difference as a row, a break: opened when it is first seen, closed when it is gone or the owner decides so."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Provider
from core.refusals import Refusal, demand_reason
from notices import causes
from notices.alerts import close_alerts, raise_alert, repeat_alerts
from orders.models import BreakKind, BreakState, Order, ReconciliationBreak

#: These cost money whatever their amount; a balance does when it is lower than it should be.
_COSTLY = (BreakKind.MARGIN, BreakKind.OWED, BreakKind.UNKNOWN_ORDER)


class AlreadyClosed(Refusal):
    """The break is closed, by somebody or by itself."""

    code = "already_closed"


def record(
    provider: Provider,
    kind: BreakKind,
    *,
    amount: Decimal | None,
    now: datetime,
    currency: str = "",
    order: Order | None = None,
    upstream_id: str = "",
    facts: dict[str, Any] | None = None,
    suspects: list[dict[str, Any]] | None = None,
) -> bool:
    """Record that this difference is there now; True if it is new. An explained one opens again once it changes."""
    with transaction.atomic():
        row, is_new = ReconciliationBreak.objects.filter(closed_at=None).get_or_create(
            provider=provider,
            kind=kind,
            order=order,
            upstream_id=upstream_id,
            defaults={
                "amount": amount,
                "currency": currency or provider.currency,
                "facts": facts or {},
                "suspects": suspects or [],
                "first_seen": now,
                "last_seen": now,
            },
        )
        if not is_new:
            changed = row.amount != amount
            row.amount, row.facts, row.suspects, row.last_seen = amount, facts or {}, suspects or [], now
            if changed:
                row.state = BreakState.OPEN
            row.save(update_fields=["amount", "facts", "suspects", "last_seen", "state"])
        if row.state == BreakState.OPEN and not _costs_money(row):
            close_alerts([cause_of(row)], now=now)
        elif row.state == BreakState.OPEN:
            amount_text = "?" if amount is None else f"{amount.normalize():f} {row.currency}"
            raise_alert(
                causes.ACCOUNT_BREAK, now=now, provider=row.provider_id, kind=row.kind, about=_about(row), row=row.pk,
                name=row.provider, difference=row, amount=amount_text,
            )  # fmt: skip
    return is_new


def record_unchanged(rows: Collection[ReconciliationBreak], *, now: datetime) -> None:
    """Record that these differences are still there, in two statements for all whose alert is open."""
    ReconciliationBreak.objects.filter(pk__in=[row.pk for row in rows], closed_at=None).update(last_seen=now)
    costly = {cause_of(row): row for row in rows if row.state == BreakState.OPEN and _costs_money(row)}
    repeated = repeat_alerts(costly, now=now) if costly else set()
    for row in (row for cause, row in costly.items() if cause not in repeated):
        record(
            row.provider, BreakKind(row.kind), amount=row.amount, currency=row.currency, order=row.order,
            upstream_id=row.upstream_id, facts=row.facts, suspects=row.suspects, now=now,
        )  # fmt: skip


def close(row: ReconciliationBreak, *, now: datetime) -> bool:
    """Close the row and the alert of a difference that is no longer there; False if it was closed before."""
    with transaction.atomic():
        left = ReconciliationBreak.objects.filter(pk=row.pk, closed_at=None)
        if not left.update(state=BreakState.CLOSED, closed_at=now):
            return False
        close_alerts([cause_of(row)], now=now)
    return True


def decide(*, break_id: int, state: BreakState, note: str, actor: str, now: datetime) -> bool:
    """Explain or close a break, as the owner decided; False if exactly that was decided before.

    Explained: the difference stays and is known; no alert until it changes. Closed: seen again, it is a new row.
    Raises NoReason and AlreadyClosed.
    """
    demand_reason(note)
    with transaction.atomic():
        row = ReconciliationBreak.objects.select_for_update().get(pk=break_id)
        if (row.state, row.note) == (state, note.strip()[:500]):
            return False
        if row.state == BreakState.CLOSED:
            raise AlreadyClosed(_("This break is closed."))
        row.state, row.note, row.actor = state, note.strip()[:500], actor[:254]
        row.closed_at = now if state == BreakState.CLOSED else None
        row.save(update_fields=["state", "note", "actor", "closed_at"])
        close_alerts([cause_of(row)], now=now, actor=actor)
    return True


def cause_of(row: ReconciliationBreak) -> str:
    """Return the stored cause of the alert about this break."""
    return causes.ACCOUNT_BREAK.key_for({"provider": row.provider_id, "kind": row.kind, "about": _about(row)})


def _about(row: ReconciliationBreak) -> object:
    return row.order_id or row.upstream_id or "account"


def _costs_money(row: ReconciliationBreak) -> bool:
    if row.kind == BreakKind.UNKNOWN_ORDER and row.suspects:
        return False  # likely one of these; if it is not, it costs money once they are decided
    return row.kind in _COSTLY or (row.kind == BreakKind.BALANCE and row.amount is not None and row.amount < 0)
