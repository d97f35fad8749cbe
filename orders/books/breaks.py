"""A difference as a row: opened when it is first seen, aged while it stays, closed when it is gone or decided."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Provider
from core.refusals import Refusal
from notices import causes
from notices.alerts import close_alerts, raise_alert, repeat_alerts
from orders.models import BreakKind, BreakState, Order, ReconciliationBreak

#: These cost money whatever their amount; a balance does when it is lower than it should be.
_COSTLY = (BreakKind.MARGIN, BreakKind.OWED, BreakKind.UNKNOWN_ORDER)


class NoReason(Refusal):
    """A decision without a reason is not kept."""

    code = "no_reason"


class AlreadyClosed(Refusal):
    """The break is closed, by somebody or by itself."""

    code = "already_closed"


def see(
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
    """Note that this difference is there now; whether it is new. An explained one is open again once it changes."""
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
        if row.state == BreakState.OPEN:
            _tell(row, now)
    return is_new


def see_again(rows: Collection[ReconciliationBreak], *, now: datetime) -> None:
    """Note that these differences are there, unchanged: two statements for all whose alert is still open."""
    ReconciliationBreak.objects.filter(pk__in=[row.pk for row in rows], closed_at=None).update(last_seen=now)
    telling = {cause_of(row): row for row in rows if row.state == BreakState.OPEN and _costs(row)}
    told = repeat_alerts(telling, now=now) if telling else set()
    for row in (row for cause, row in telling.items() if cause not in told):
        see(
            row.provider, BreakKind(row.kind), amount=row.amount, currency=row.currency, order=row.order,
            upstream_id=row.upstream_id, facts=row.facts, suspects=row.suspects, now=now,
        )  # fmt: skip


def gone(row: ReconciliationBreak, *, now: datetime) -> bool:
    """The difference is no longer there: close its row and its alert."""
    with transaction.atomic():
        left = ReconciliationBreak.objects.filter(pk=row.pk, closed_at=None)
        if not left.update(state=BreakState.CLOSED, closed_at=now):
            return False
        close_alerts([cause_of(row)], now=now)
    return True


def decide(*, break_id: int, state: BreakState, note: str, actor: str, now: datetime) -> bool:
    """The owner explains or closes a break; False when exactly that was decided before.

    Explained: the difference stays and is known; no alert until it changes. Closed: seen again, it is a new row.
    Raises NoReason and AlreadyClosed.
    """
    if not note.strip():
        raise NoReason(_("Say why."))
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


def _costs(row: ReconciliationBreak) -> bool:
    if row.kind == BreakKind.UNKNOWN_ORDER and row.suspects:
        return False  # likely what the search for these is looking for; if not, it costs once they are decided
    return row.kind in _COSTLY or (row.kind == BreakKind.BALANCE and row.amount is not None and row.amount < 0)


def _tell(row: ReconciliationBreak, now: datetime) -> None:
    """Raise an alert when money is missing; one that repeats counts on the alert that is open for it."""
    if not _costs(row):
        close_alerts([cause_of(row)], now=now)
        return
    amount = "?" if row.amount is None else f"{row.amount.normalize():f} {row.currency}"
    raise_alert(
        causes.ACCOUNT_BREAK, now=now, provider=row.provider_id, kind=row.kind, about=_about(row), row=row.pk,
        name=row.provider, difference=row, amount=amount,
    )  # fmt: skip
