"""The equations the books must satisfy, recomputed from the transfers by plain SQL that shares nothing with the ledger.

Each equation is one statement, hence one snapshot: an audit of a busy shop sees no half of a transaction.
"""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection

#: At most so many broken rows are named; all of them are counted.
NAMED = 50


@dataclass(frozen=True)
class Equation:
    """``counted`` selects how many rows are checked, ``broken`` the rows (what, why) that contradict ``says``."""

    name: str
    says: str
    counted: str
    broken: str


@dataclass(frozen=True)
class Finding:
    name: str
    says: str
    looked_at: int
    broken: int
    rows: list[tuple[str, str]]

    @property
    def holds(self) -> bool:
        return self.broken == 0

    def as_facts(self) -> dict[str, Any]:
        rows = [{"what": what, "why": why} for what, why in self.rows]
        return {"name": self.name, "equation": self.says, "holds": self.holds} | {
            "looked_at": self.looked_at,
            "broken": self.broken,
            "rows": rows,
        }


def check(equations: Iterable[Equation]) -> list[Finding]:
    """Recompute each equation; return what was found, in the same order."""
    findings = []
    for e in equations:
        with connection.cursor() as cursor:
            cursor.execute(e.counted)
            looked_at = cursor.fetchone()[0]
            cursor.execute(f"SELECT what, why, count(*) OVER () FROM ({e.broken}) b(what, why) LIMIT {NAMED}")
            rows = cursor.fetchall()
        broken = rows[0][2] if rows else 0
        findings.append(Finding(e.name, e.says, looked_at, broken, [(what, why) for what, why, _count in rows]))
    return findings


def guards(room: str, triggers: dict[str, str]) -> Equation:
    """Return the equation that every guard of a room is there: ``triggers`` maps each trigger to its table.

    The rules of rows are those of the room's models: checks, unique indexes, and columns that are unique.
    """
    wanted = ", ".join(f"('{table}', '{trigger}')" for trigger, table in triggers.items())
    rules = [(m._meta.db_table, c.name) for m in apps.get_app_config(room).get_models() for c in m._meta.constraints]
    named = ", ".join(f"('{table}', '{name}')" for table, name in rules)
    # A primary key has its constraint as well, and nobody loses one unnoticed.
    columns = [
        (m._meta.db_table, f.column)
        for m in apps.get_app_config(room).get_models()
        for f in m._meta.local_fields
        if f.unique and not f.primary_key
    ]
    # A room may have none, and SQL knows no empty list of values.
    unique = ", ".join(f"('{table}', '{column}')" for table, column in columns) or "(NULL, NULL)"
    return Equation(
        f"{room}_guards",
        "the triggers and constraints that guard the rows are there and enabled",
        f"SELECT {len(triggers) + len(rules) + len(columns)}",
        f"""
        SELECT 'trigger ' || w.name, CASE WHEN t.oid IS NULL THEN 'missing' ELSE 'disabled' END
        FROM (VALUES {wanted}) w(tab, name)
        LEFT JOIN pg_trigger t ON t.tgname = w.name AND t.tgrelid = to_regclass(w.tab)
        WHERE t.oid IS NULL OR t.tgenabled NOT IN ('O', 'A')
        UNION ALL
        SELECT 'constraint ' || w.name, 'missing, or not in force'
        FROM (VALUES {named}) w(tab, name)
        WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c
                          WHERE c.conname = w.name AND c.conrelid = to_regclass(w.tab) AND c.convalidated)
          AND NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                          WHERE k.relname = w.name AND i.indrelid = to_regclass(w.tab)
                            AND i.indisunique AND i.indisvalid)
        UNION ALL
        SELECT 'unique column ' || w.tab || '.' || w.col, 'not unique any more'
        FROM (VALUES {unique}) w(tab, col)
        WHERE w.tab IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_index i
                          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                          WHERE i.indnkeyatts = 1 AND i.indrelid = to_regclass(w.tab) AND a.attname = w.col
                            AND i.indisunique AND i.indisvalid AND i.indpred IS NULL)
        """,
    )


def role_warnings() -> list[str]:
    """Return warnings about rights of this session's role that would let an attacker switch the guards off."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT current_user, r.rolsuper, pg_has_role(c.relowner, 'USAGE')
            FROM pg_roles r, pg_class c WHERE r.rolname = current_user AND c.oid = to_regclass('billing_transfer')
            """
        )
        role, is_superuser, is_owner = cursor.fetchone()
    if is_superuser:
        return [f"The shop logs in as {role}, a superuser of the database: see docs/upgrade.md, Two roles."]
    if is_owner:
        return [f"The shop logs in as {role}, which owns the tables and their guards: see docs/upgrade.md, Two roles."]
    return []


_BALANCES = """
    SELECT a.id, a.kind, a.name, a.balance AS kept,
           coalesce((SELECT sum(amount) FROM billing_transfer WHERE target_id = a.id), 0)
           - coalesce((SELECT sum(amount) FROM billing_transfer WHERE source_id = a.id), 0) AS moved
    FROM billing_account a
"""

_HOLDS = """
    SELECT coalesce(h.reference, t.reference) AS reference, h.charged, h.earned, h.refunded, h.wallet_id, t.*
    FROM billing_hold h FULL JOIN (
        SELECT reference AS ref,
               coalesce(sum(amount) FILTER (WHERE code = 'hold'), 0) AS held_in,
               coalesce(sum(amount) FILTER (WHERE code = 'settle'), 0)
               - coalesce(sum(amount) FILTER (WHERE code = 'late_refund'), 0) AS settled,
               coalesce(sum(amount) FILTER (WHERE code IN ('release', 'late_refund')), 0) AS refunds,
               count(*) FILTER (WHERE code = 'hold') AS holds,
               array_agg(DISTINCT CASE code WHEN 'hold' THEN source_id ELSE target_id END)
                   FILTER (WHERE code <> 'settle') AS wallets
        FROM billing_transfer WHERE code IN ('hold', 'settle', 'release', 'late_refund') GROUP BY reference
    ) t ON t.ref = h.reference
""".replace("t.reference) AS", "t.ref) AS")

EQUATIONS = [
    Equation(
        "accounts_sum_to_zero",
        "all accounts together: wallets + the shop's own accounts = 0",
        "SELECT count(*) FROM billing_account",
        f"""
        SELECT 'all accounts', 'they sum to ' || sum(CASE kind WHEN 'wallet' THEN kept ELSE moved END)
        FROM ({_BALANCES}) b HAVING sum(CASE kind WHEN 'wallet' THEN kept ELSE moved END) <> 0
        """,
    ),
    Equation(
        "wallet_balances",
        "each wallet: balance = in − out ≥ 0",
        "SELECT count(*) FROM billing_account WHERE kind = 'wallet'",
        f"""
        SELECT 'wallet ' || id || ' (' || name || ')', 'balance ' || kept || ', its transfers say ' || moved
        FROM ({_BALANCES}) b WHERE kind = 'wallet' AND (kept <> moved OR NOT (kept >= 0 AND kept < 1e12)) ORDER BY id
        """,
    ),
    Equation(
        "gateways",
        "each gateway: −balance = top-ups − chargebacks − fees",
        "SELECT count(*) FROM billing_account WHERE kind = 'gateway'",
        f"""
        SELECT 'gateway ' || name, '−balance ' || -moved || ', its transfers say ' || sums
        FROM (SELECT b.*, coalesce((
            SELECT sum(CASE t.code WHEN 'topup' THEN t.amount ELSE -t.amount END) FROM billing_transfer t
            WHERE (t.code = 'topup' AND t.source_id = b.id)
               OR (t.code IN ('chargeback', 'chargeback_loss', 'fee') AND t.target_id = b.id)), 0) AS sums
            FROM ({_BALANCES}) b WHERE kind = 'gateway') g
        WHERE -moved <> sums ORDER BY id
        """,
    ),
    Equation(
        "holds",
        "each hold: charged = held + earned + refunded, each equal to its transfers",
        "SELECT count(*) FROM billing_hold",
        f"""
        SELECT 'hold ' || reference, CASE
            WHEN charged IS NULL THEN 'there is no such row, but transfers name it'
            WHEN ref IS NULL THEN 'no transfer made it'
            WHEN holds <> 1 OR wallets <> ARRAY[wallet_id] THEN 'its transfers touch another wallet or hold twice'
            ELSE format('charged %s, earned %s, refunded %s; its transfers say %s, %s, %s',
                        charged, earned, refunded, held_in, settled, refunds) END
        FROM ({_HOLDS}) h
        WHERE NOT coalesce(charged = held_in AND earned = settled AND refunded = refunds AND holds = 1
                           AND wallets = ARRAY[wallet_id] AND earned >= 0 AND refunded >= 0
                           AND earned + refunded <= charged, false)
        ORDER BY 1
        """,
    ),
    Equation(
        "held_account",
        "the account of held money = what all holds still hold",
        "SELECT count(*) FROM billing_account WHERE kind = 'held'",
        f"""
        SELECT 'account ' || name, 'it has ' || moved || ', the holds say ' || held
        FROM ({_BALANCES}) b,
             (SELECT coalesce(sum(charged - earned - refunded), 0) AS held FROM billing_hold) h
        WHERE kind = 'held' AND moved <> held
        """,
    ),
    Equation(
        "keys_parse",
        "each transfer's key fits its code and its reference",
        "SELECT count(*) FROM billing_transfer",
        """
        SELECT 'transfer ' || id || ' ' || key, 'its key does not fit ' || code || ' of “' || reference || '”'
        FROM billing_transfer
        WHERE NOT CASE code
            WHEN 'hold'            THEN key = reference || ':hold'
            WHEN 'settle'          THEN key = reference || ':settle' OR starts_with(key, reference || ':settle:')
            WHEN 'release'         THEN starts_with(key, reference || ':release:')
            WHEN 'late_refund'     THEN starts_with(key, reference || ':late_refund:')
            WHEN 'credit'          THEN starts_with(key, 'credit:') AND reference = left(key, 60)
            WHEN 'debit'           THEN starts_with(key, 'debit:') AND reference = left(key, 60)
            ELSE reference <> '' AND starts_with(key, reference || ':')
        END ORDER BY id
        """,
    ),
    guards(
        "billing",
        {
            "billing_transfer_post": "billing_transfer",
            "billing_transfer_is_final": "billing_transfer",
            "billing_account_guard": "billing_account",
            "billing_account_is_kept": "billing_account",
            "billing_hold_guard": "billing_hold",
            "billing_account_no_truncate": "billing_account",
            "billing_transfer_no_truncate": "billing_transfer",
            "billing_hold_no_truncate": "billing_hold",
            "billing_walletline_guard": "billing_walletline",
            "billing_walletline_by_transfer_only": "billing_walletline",
            "billing_walletline_no_truncate": "billing_walletline",
        },
    ),
    guards(
        "core",
        {
            "core_staffaction_append_only": "core_staffaction",
            "core_staffaction_no_truncate": "core_staffaction",
        },
    ),
]
