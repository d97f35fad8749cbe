"""The equations the books must satisfy, recomputed from the transfers by SQL that shares nothing with the ledger."""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from django.db import connection

from billing.audit_documents import DOCUMENT_EQUATIONS, DOCUMENT_GUARDS
from billing.equations import NAMED, Equation, Finding, Part, Together, check, guards

__all__ = ["EQUATIONS", "NAMED", "Equation", "Finding", "Part", "Together", "check", "guards", "role_warnings"]


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


#: The wallet that a transfer touches, if any: no code goes from wallet to wallet.
WALLET = """CASE WHEN t.code IN ('hold', 'debit', 'chargeback', 'topup_refund', 'bonus_back') THEN t.source_id
                 WHEN t.code IN ('credit', 'topup', 'bonus', 'release', 'late_refund', 'chargeback_back')
                 THEN t.target_id END"""


_SUMS = ("added", "spent", "refunded", "taken")


def _moved(column: str, wallet: str, sign: str, *codes: str) -> str:
    """A case of transfers that move ``wallet``: this sum of a line and its balance go on, the other sums stay."""
    listed = ", ".join(f"'{code}'" for code in codes)
    stay = " AND ".join(f"l.{other} = coalesce(p.{other}, 0)" for other in _SUMS if other != column)
    return f"""WHEN t.code IN ({listed}) THEN l.wallet_id = t.{wallet} AND {stay}
        AND l.{column} = coalesce(p.{column}, 0) + t.amount
        AND l.balance = coalesce(p.balance, 0) {sign} t.amount"""


# One hold after the other, along an index: the sums of a million holds at once take a gigabyte.
_HOLDS = """
    SELECT coalesce(h.reference, t.reference) AS reference, h.charged, h.earned, h.refunded, h.wallet_id, t.*
    FROM billing_hold h FULL JOIN (
        SELECT reference AS ref,
               coalesce(sum(amount) FILTER (WHERE code = 'hold'), 0) AS held_in,
               coalesce(sum(CASE code WHEN 'settle' THEN amount WHEN 'late_refund' THEN -amount END), 0) AS settled,
               coalesce(sum(amount) FILTER (WHERE code IN ('release', 'late_refund')), 0) AS refunds,
               count(*) FILTER (WHERE code = 'hold') AS holds,
               min(CASE code WHEN 'hold' THEN source_id WHEN 'settle' THEN NULL ELSE target_id END) AS wallet,
               max(CASE code WHEN 'hold' THEN source_id WHEN 'settle' THEN NULL ELSE target_id END) AS other_wallet
        FROM (SELECT * FROM billing_transfer WHERE code IN ('hold', 'settle', 'release', 'late_refund')
              ORDER BY reference) in_order
        GROUP BY reference
    ) t ON t.ref = h.reference
""".replace("t.reference) AS", "t.ref) AS")

#: What each top-up moved: its own codes, but for fees and bonuses, whose wallet is compared all the same.
_TOPUPS = """
    SELECT reference, coalesce(sum(amount) FILTER (WHERE code = 'topup'), 0) AS credited,
           coalesce(sum(amount) FILTER (WHERE code = 'bonus'), 0) AS bonus,
           coalesce(sum(amount) FILTER (WHERE code IN ('chargeback', 'topup_refund', 'chargeback_loss')), 0)
           - coalesce(sum(amount) FILTER (WHERE code IN ('chargeback_back', 'loss_back')), 0) AS taken,
           min(wallet) AS wallet, max(wallet) AS other_wallet
    FROM (SELECT *, CASE WHEN code IN ('topup', 'bonus', 'chargeback_back') THEN target_id
                         WHEN code IN ('chargeback', 'topup_refund', 'bonus_back') THEN source_id END AS wallet
          FROM billing_transfer
          WHERE code IN ('topup', 'topup_fee', 'bonus', 'bonus_back', 'topup_refund', 'chargeback', 'chargeback_back',
                         'chargeback_loss', 'loss_back', 'fee') AND NOT starts_with(reference, 'signup:')) t
    GROUP BY reference
"""

_ACCOUNTS = """
    SELECT a.id, a.kind, a.name, a.balance AS kept, a.lines, coalesce(m.amount, 0) AS moved,
           coalesce(m.of_gateway, 0) AS of_gateway, coalesce(m.n, 0) AS n, l.balance AS line_balance, h.held,
           sum(CASE a.kind WHEN 'wallet' THEN a.balance ELSE coalesce(m.amount, 0) END) OVER () AS everything,
           row_number() OVER (ORDER BY a.id) AS place
    FROM billing_account a LEFT JOIN moved m ON m.account_id = a.id
    LEFT JOIN billing_walletline l ON l.wallet_id = a.id AND l.number = a.lines CROSS JOIN open_holds h
"""
_IS_WALLET = "r.kind = 'wallet'"
_NAME_OF_WALLET = "'wallet ' || r.id || ' (' || r.name || ')'"

EQUATIONS: list[Equation | Together] = [
    Together(
        _ACCOUNTS,
        (
            Part(
                "accounts_sum_to_zero",
                "all accounts together: wallets + the shop's own accounts = 0",
                "true",
                "r.place = 1 AND r.everything <> 0",
                "'all accounts'",
                "'they sum to ' || r.everything",
            ),
            Part(
                "wallet_balances",
                "each wallet: balance = in − out ≥ 0",
                _IS_WALLET,
                "r.kind = 'wallet' AND (r.kept <> r.moved OR NOT (r.kept >= 0 AND r.kept < 1e12))",
                _NAME_OF_WALLET,
                "'balance ' || r.kept || ', its transfers say ' || r.moved",
            ),
            Part(
                "wallet_lines",
                "each wallet: one line for each of its transfers, and the last one has its balance",
                _IS_WALLET,
                "r.kind = 'wallet' AND (r.lines <> r.n OR r.kept <> coalesce(r.line_balance, 0))",
                _NAME_OF_WALLET,
                "format('%s lines, %s transfers; balance %s, its line says %s', r.lines, r.n, r.kept, r.line_balance)",
            ),
            Part(
                "gateways",
                "each gateway: −balance = top-ups + fees of customers + what came back − chargebacks − refunds − fees",
                "r.kind = 'gateway'",
                "r.kind = 'gateway' AND r.moved <> r.of_gateway",
                "'gateway ' || r.name",
                "'−balance ' || -r.moved || ', its transfers say ' || -r.of_gateway",
            ),
            Part(
                "held_account",
                "the account of held money = what all holds still hold",
                "r.kind = 'held'",
                "r.kind = 'held' AND r.moved <> r.held",
                "'account ' || r.name",
                "'it has ' || r.moved || ', the holds say ' || r.held",
            ),
        ),
    ),
    Equation(
        "lines_follow_transfers",
        "each line = the line before + its transfer, in balance, sums and number; its time is no earlier",
        "SELECT count(*) FROM new_line",
        f"""
        SELECT 'line ' || l.number || ' of wallet ' || l.wallet_id,
               format('it has %s after %s; its transfer %s is %s %s', l.balance, coalesce(p.balance, 0), l.transfer_id,
                      coalesce(t.code, 'missing'), t.amount)
        FROM new_line l
        LEFT JOIN previous_line p ON p.wallet_id = l.wallet_id AND p.number = l.number - 1
        LEFT JOIN new_transfer t ON t.id = l.transfer_id
        WHERE NOT coalesce(
            (p.number IS NOT NULL OR l.number = 1) AND l.at >= coalesce(p.at, l.at)
            AND l.code = t.code AND CASE {_moved("spent", "source_id", "-", "hold")}
                {_moved("refunded", "target_id", "+", "release", "late_refund")}
                {_moved("added", "target_id", "+", "credit", "topup", "bonus", "chargeback_back")}
                {_moved("taken", "source_id", "-", "debit", "chargeback", "topup_refund", "bonus_back")} END, false)
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
            WHEN holds <> 1 OR wallet <> wallet_id OR other_wallet <> wallet_id
            THEN 'its transfers touch another wallet or hold twice'
            ELSE format('charged %s, earned %s, refunded %s; its transfers say %s, %s, %s',
                        charged, earned, refunded, held_in, settled, refunds) END
        FROM ({_HOLDS}) h
        WHERE NOT coalesce(charged = held_in AND earned = settled AND refunded = refunds AND holds = 1
                           AND wallet = wallet_id AND other_wallet = wallet_id AND earned >= 0 AND refunded >= 0
                           AND earned + refunded <= charged, false)
        """,
    ),
    Equation(
        "topups",
        "each top-up: credited = its transfers ≤ what it asked for, no more than its payments are worth, on its wallet",
        "SELECT count(*) FROM billing_topup",
        f"""
        SELECT coalesce('top-up ' || u.id, 'reference ' || m.reference), CASE
            WHEN u.id IS NULL THEN 'there is no such top-up'
            WHEN m.wallet <> w.id OR m.other_wallet <> w.id THEN 'its transfers touch another wallet'
            ELSE format('credited %s and taken back %s, its transfers say %s and %s; its payments are worth %s',
                        u.credited, u.taken, m.credited, m.taken, p.worth) END
        FROM billing_topup u
        FULL JOIN ({_TOPUPS}) m ON m.reference = 'topup:' || u.id
        LEFT JOIN billing_account w ON w.customer_id = u.customer_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN coalesce(sum(amount), 0) >= u.pay_amount
                        THEN greatest(u.credit_amount, least(u.credit_amount + u.surplus,
                                                             sum(amount) * u.credit_amount / u.pay_amount))
                        ELSE coalesce(sum(amount), 0) * u.credit_amount / u.pay_amount END AS worth
            FROM billing_topuppayment WHERE topup_id = u.id AND currency = u.pay_currency
        ) p
        WHERE NOT coalesce(u.credited = coalesce(CASE WHEN u.is_gift THEN m.bonus ELSE m.credited END, 0)
                           AND u.taken = coalesce(m.taken, 0)
                           AND u.credited <= u.credit_amount + u.surplus AND u.credited <= p.worth
                           AND coalesce(m.wallet, w.id) = w.id AND coalesce(m.other_wallet, w.id) = w.id, false)
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
        END
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
            "billing_topup_guard": "billing_topup",
            "billing_topup_no_truncate": "billing_topup",
            "billing_topuppayment_guard": "billing_topuppayment",
            "billing_topuppayment_no_truncate": "billing_topuppayment",
            "billing_voucher_guard": "billing_voucher",
            "billing_voucher_no_truncate": "billing_voucher",
            "billing_transferreview_guard": "billing_transferreview",
            "billing_transferreview_no_truncate": "billing_transferreview",
            "billing_topupevent_guard": "billing_topupevent",
            "billing_topupevent_no_truncate": "billing_topupevent",
            **DOCUMENT_GUARDS,
        },
    ),
    *DOCUMENT_EQUATIONS,
    guards(
        "core",
        {
            "core_staffaction_append_only": "core_staffaction",
            "core_staffaction_no_truncate": "core_staffaction",
        },
    ),
    guards(
        "pages",
        {
            "pages_termsversion_append_only": "pages_termsversion",
            "pages_termsversion_no_truncate": "pages_termsversion",
            "pages_termsacceptance_append_only": "pages_termsacceptance",
            "pages_termsacceptance_no_truncate": "pages_termsacceptance",
        },
    ),
]
