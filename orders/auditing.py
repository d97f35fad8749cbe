"""When audits run: every hour over what has changed, every night over everything.

The hourly audit checks the same equations, but only over new transfers and over orders that something happened to; the
sums of older transfers are kept from one audit to the next. If an equation fails there, everything is audited at once,
and that result counts.
"""

# ruff: noqa: S608  # Statements are put together from constants and numbers; nothing from outside reaches them.

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from billing import audit as books
from billing.equations import MOVED, Finding, check, check_at_once, is_about_rows, one_snapshot
from notices import causes
from notices.alerts import close_alert, raise_alert
from orders import audit
from orders.models import AuditState
from orders.states import Forward, sql_list

log = logging.getLogger(__name__)

INTERVAL = timedelta(hours=1)
#: The hour of the shop's day after which everything is audited.
NIGHT = 3
EQUATIONS = [*books.EQUATIONS, *audit.EQUATIONS]

_TABLES = {
    "transfer": "billing_transfer",
    "order": "orders_order",
    "event": "orders_orderevent",
    "attempt": "orders_forwardattempt",
    "topup": "billing_topup",
}
_BETWEEN = "(SELECT * FROM billing_transfer WHERE id > %(after)s AND id <= %(upto)s) t"
_SENT = sql_list((Forward.PLACED, Forward.REFUSED, Forward.REFUNDED))
_SUMS = f"""
    WITH {MOVED.format(name="moved", transfers=_BETWEEN)}
    SELECT a.id, coalesce(m.amount, 0), coalesce(m.of_gateway, 0) FROM billing_account a
    LEFT JOIN moved m ON m.account_id = a.id WHERE a.kind <> 'wallet'
"""
# The rows to look at. Once a part has the name of a table, that name means only the rows that the part selects.
# happened: the orders that something happened to, and those on their way to a provider.
# own: their rows. shared: other orders with the same id at a provider as one of them or of their child orders.
# moved: each account's sum. That of a wallet is its last line, which the equation of lines compares with the transfers.
# OFFSET 0 keeps each search inside its loop, along an index: the planner would read whole tables instead.
_CHANGED = """
    WITH new_transfer AS MATERIALIZED (SELECT * FROM billing_transfer WHERE id > {transfer}),
    {fresh},
    kept (account_id, amount, of_gateway) AS (VALUES (0::bigint, 0::numeric, 0::numeric){kept}),
    without_line AS (
        SELECT {wallet} AS account_id, count(*) AS n FROM new_transfer t
        WHERE {wallet} IS NOT NULL AND NOT EXISTS (SELECT FROM billing_walletline l WHERE l.transfer_id = t.id)
        GROUP BY 1
    ),
    moved (account_id, amount, of_gateway, n) AS (
        SELECT a.id, coalesce(k.amount, 0) + coalesce(f.amount, 0),
               coalesce(k.of_gateway, 0) + coalesce(f.of_gateway, 0), 0
        FROM billing_account a LEFT JOIN kept k ON k.account_id = a.id LEFT JOIN fresh f ON f.account_id = a.id
        WHERE a.kind <> 'wallet'
        UNION ALL
        SELECT a.id, l.balance, 0, coalesce(l.number, 0) + coalesce(w.n, 0) FROM billing_account a
        LEFT JOIN billing_walletline l ON l.wallet_id = a.id AND l.number = a.lines
        LEFT JOIN without_line w ON w.account_id = a.id WHERE a.kind = 'wallet'
    ),
    new_line AS MATERIALIZED (SELECT * FROM billing_walletline WHERE transfer_id > {transfer}),
    previous_line AS (
        SELECT p.* FROM new_line l CROSS JOIN LATERAL (
            SELECT * FROM billing_walletline b WHERE b.wallet_id = l.wallet_id AND b.number = l.number - 1 OFFSET 0
        ) p
    ),
    open_holds AS (
        SELECT coalesce(sum(charged - earned - refunded), 0) AS held FROM billing_hold
        WHERE charged > earned + refunded
    ),
    happened AS MATERIALIZED (
        SELECT id FROM orders_order WHERE id > {order}
        UNION SELECT substr(reference, 7)::bigint FROM new_transfer WHERE reference ~ '^order:[1-9][0-9]{{0,17}}$'
        UNION SELECT order_id FROM orders_orderevent WHERE id > {event}
        UNION SELECT order_id FROM orders_forwardattempt WHERE id > {attempt}
        UNION SELECT id FROM orders_order WHERE forward_state NOT IN ({sent})
    ),
    own AS MATERIALIZED (
        SELECT o.* FROM happened h CROSS JOIN LATERAL (SELECT * FROM orders_order o WHERE o.id = h.id OFFSET 0) o
    ),
    shared AS MATERIALIZED (
        SELECT DISTINCT p.id FROM (
            SELECT provider_id, upstream_id FROM own WHERE upstream_id IS NOT NULL
            UNION ALL
            SELECT c.provider_id, c.upstream_id FROM happened h
            CROSS JOIN LATERAL (SELECT * FROM orders_childorder c WHERE c.parent_id = h.id OFFSET 0) c
        ) t CROSS JOIN LATERAL (
            SELECT o.id FROM orders_order o
            WHERE o.provider_id = t.provider_id AND o.upstream_id = t.upstream_id OFFSET 0
        ) p WHERE p.id NOT IN (SELECT id FROM happened)
    ),
    touched AS (SELECT id FROM happened UNION ALL SELECT id FROM shared),
    referred AS (
        SELECT 'order:' || id AS reference FROM touched
        UNION SELECT reference FROM new_transfer WHERE code IN ('hold', 'settle', 'release', 'late_refund')
        UNION SELECT reference FROM new_transfer WHERE starts_with(reference, 'topup:')
    ),
    orders_order AS (
        SELECT * FROM own UNION ALL SELECT * FROM orders_order WHERE id IN (SELECT id FROM shared)
    ),
    billing_topup AS (
        SELECT * FROM billing_topup WHERE id > {topup} OR 'topup:' || id IN (SELECT reference FROM referred)
    ),
    billing_hold AS (SELECT * FROM billing_hold WHERE reference IN (SELECT reference FROM referred)),
    billing_transfer AS (
        SELECT * FROM billing_transfer WHERE id <= {transfer} AND reference IN (SELECT reference FROM referred)
        UNION ALL SELECT * FROM new_transfer
    ),
    orders_forwardattempt AS (SELECT * FROM orders_forwardattempt WHERE order_id IN (SELECT id FROM touched)),
    orders_refill AS (SELECT * FROM orders_refill WHERE order_id IN (SELECT id FROM touched)),
    orders_refillattempt AS (SELECT * FROM orders_refillattempt WHERE refill_id IN (SELECT id FROM orders_refill)),
    orders_childorder AS (SELECT * FROM orders_childorder WHERE parent_id IN (SELECT id FROM touched)),
    orders_cancellation AS (SELECT * FROM orders_cancellation WHERE order_id IN (SELECT id FROM touched))
"""


def audit_due(*, now: datetime) -> list[Finding]:
    """Audit if it is time: everything after each night and at first, else what has changed; return what was found.

    An alert names the equations that fail, and closes when everything holds again. A time in the far future, from a
    clock that once ran ahead or a row written by hand, delays no audit.
    """
    state = AuditState.objects.first()
    if state is None:
        AuditState.objects.bulk_create([AuditState(next_at=now)], ignore_conflicts=True)
        return []
    is_due = state.next_at <= now or state.next_at > now + INTERVAL
    # Of two processes, the one that moves this time on audits.
    if not is_due or not AuditState.objects.filter(next_at=state.next_at).update(next_at=now + INTERVAL):
        return []
    if state.full_at is None or not _last_night(now) <= state.full_at <= now:
        return audit_everything(state, now=now)
    newest = _newest()
    findings = audit_changes(state)
    if not all(f.holds for f in findings):
        log.error("the hourly audit doubts %s", ", ".join(f.name for f in findings if not f.holds))
        return audit_everything(state, now=now)
    _certify(state, state.noted, newest, start=state.sums)
    return findings


def audit_everything(state: AuditState, *, now: datetime) -> list[Finding]:
    """Check every row and return what was found; open or close the alert.

    The time is noted, and from where the next hourly audits go on.
    """
    newest = _newest()
    findings = check(EQUATIONS)
    state.full_at = now
    _certify(state, state.noted or newest, newest)
    if failed := [f for f in findings if not f.holds]:
        rows = "; ".join(f"{what}: {why}" for f in failed for what, why in f.rows[:3])
        raise_alert(causes.BOOKS_DO_NOT_ADD_UP, now=now, names=", ".join(f.name for f in failed), rows=rows)
    else:
        close_alert(causes.BOOKS_DO_NOT_ADD_UP, now=now)
    return findings


def audit_changes(state: AuditState) -> list[Finding]:
    """Check what has changed since the certified rows, unless a guard is missing; this writes nothing."""
    with one_snapshot():
        # Without the indexes that the guards are, the rest would take hours.
        findings = check(e for e in EQUATIONS if not is_about_rows(e))
        if not all(f.holds for f in findings):
            return findings
        return findings + check_at_once((e for e in EQUATIONS if is_about_rows(e)), _world(state))


def _world(state: AuditState) -> str:
    sums = ((int(pk), *map(Decimal, both)) for pk, both in state.sums.items())
    return _CHANGED.format(
        **{name: int(state.certified.get(name, 0)) for name in _TABLES},
        sent=_SENT,
        fresh=MOVED.format(name="fresh", transfers="new_transfer"),
        kept="".join(f", ({pk}, {amount:f}, {of_gateway:f})" for pk, amount, of_gateway in sums),
        wallet=books.WALLET,
    )


def _newest() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"(SELECT coalesce(max(id), 0) FROM {t})" for t in _TABLES.values()))
        return dict(zip(_TABLES, cursor.fetchone(), strict=True))


def _certify(
    state: AuditState,
    certified: dict[str, int],
    newest: dict[str, int],
    *,
    start: Mapping[str, list[str]] | None = None,
) -> None:
    """Store up to which ids everything is sound.

    ``start`` has the sums of the transfers up to where that was before; with None everything is summed anew.
    """
    after = 0 if start is None else int(state.certified.get("transfer", 0))
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"after": after, "upto": certified.get("transfer", 0)})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    before = start or {}
    state.sums = {
        str(pk): [str(Decimal(was) + more) for was, more in zip(before.get(str(pk), ("0", "0")), sums, strict=True)]
        for pk, *sums in rows
    }
    state.certified, state.noted = certified, newest
    state.save(update_fields=["full_at", "certified", "noted", "sums"])


def _last_night(now: datetime) -> datetime:
    today = timezone.localtime(now).replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
