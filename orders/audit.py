"""Equations that say whether orders, their attempts and their money agree: plain SQL, like those of `billing.audit`."""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from django.conf import settings

from billing.equations import Equation, Part, Together, guards
from orders.models import BreakKind
from orders.states import CANCEL_OPEN, FINAL, LIVE, REFILL_OPEN, Forward, Outcome, Progress, sql_list


def never_placed(row: str) -> str:
    return f"{row}.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))})"


def all_back(row: str) -> str:
    return f"{row}.progress IN ({sql_list((Progress.CANCELED, Progress.REFUNDED))})"


def terminal(row: str) -> str:
    return f"""({never_placed(row)}
        OR ({row}.forward_state = '{Forward.PLACED}' AND {row}.progress IN ({sql_list(FINAL)})))"""


_ORDER = "r.id IS NOT NULL"
_ATTEMPTS = "SELECT count(*) FROM orders_forwardattempt"
_LIVE = f"({sql_list(LIVE)})"

#: Each order with its hold and its provider's last check, and each hold without an order. ``missing_now`` is for one
#: settled by hand: a later answer that owes more is paid and leaves its own number; one that owes less changes neither.
_MONEY = f"""
    SELECT o.id, o.charge, o.refunded, o.customer_id, o.forward_state, o.progress, o.total, o.missing_by_hand,
           h.reference, h.charged, h.earned, h.refunded AS given_back, w.customer_id AS wallet_of,
           CASE WHEN {all_back("o")} THEN o.total
                ELSE greatest(0, least(o.total, coalesce(o.remains, o.missing_by_hand))) END AS missing_now,
           o.provider_charge, o.expected_charge, o.provider_currency, o.answered_currency, o.answered_at,
           p.currency, d.checked_at
    FROM orders_order o FULL JOIN billing_hold h ON h.reference = 'order:' || o.id
    LEFT JOIN billing_account w ON w.id = h.wallet_id
    LEFT JOIN catalog_provider p ON p.id = o.provider_id
    LEFT JOIN orders_reconciliationschedule d ON d.provider_id = o.provider_id
"""
#: Each order with its live attempt, and once more with each further one.
_SENDING = f"""
    SELECT o.id, o.forward_state, o.upstream_id, a.outcome, a.upstream_id AS attempt_id, coalesce(s.n, 1) AS sharing
    FROM orders_order o
    LEFT JOIN orders_forwardattempt a ON a.order_id = o.id AND a.outcome IN {_LIVE}
    LEFT JOIN (SELECT provider_id, upstream_id, count(*) AS n FROM orders_order
               WHERE upstream_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) s
           ON s.provider_id = o.provider_id AND s.upstream_id = o.upstream_id
"""
#: What so many units of an order cost, rounded down: a quotient of whole numbers, which Postgres does not round.
_SHARE = "div(r.charge * {} * 100000, r.total) / 100000"

#: From a question about an order until its answer is applied: the call, and those that the same turn asked before it.
_LONGEST_ANSWER = 4 * settings.READ_DEADLINE_SECONDS

EQUATIONS: list[Equation | Together] = [
    Together(
        _MONEY,
        (
            Part(
                "orders_have_their_hold",
                "each order: one hold, on its customer's wallet, charge = hold.charged, refunded = hold.refunded",
                _ORDER,
                """r.id IS NOT NULL AND NOT coalesce(r.charge = r.charged AND r.refunded = r.given_back
                                                     AND r.wallet_of = r.customer_id, false)""",
                "'order ' || r.id",
                """CASE WHEN r.reference IS NULL THEN 'it has no hold'
                        WHEN r.wallet_of IS DISTINCT FROM r.customer_id
                        THEN 'its hold is on another customer''s wallet'
                        ELSE format('charge %s and refunded %s, its hold says %s and %s',
                                    r.charge, r.refunded, r.charged, r.given_back) END""",
            ),
            Part(
                "closed_orders_hold_nothing",
                "each order that is over: held = 0",
                terminal("r"),
                f"r.charged <> r.earned + r.given_back AND {terminal('r')}",
                "'order ' || r.id",
                "'it is over, but still holds ' || (r.charged - r.earned - r.given_back)",
            ),
            Part(
                "decisions_are_paid",
                "each order settled by hand: refunded = charge × missing ÷ quantity, as decided or answered since;"
                " never less",
                "r.missing_by_hand IS NOT NULL",
                f"""r.missing_by_hand IS NOT NULL
                    AND NOT coalesce({terminal("r")} AND r.given_back = {_SHARE.format("r.missing_now")}
                                     AND r.given_back >= {_SHARE.format("r.missing_by_hand")}, false)""",
                "'order ' || r.id",
                """format('a person said that %s of %s are missing; it is %s, %s are missing, %s of %s was refunded',
                          r.missing_by_hand, r.total, coalesce(nullif(r.progress, ''), 'open'), r.missing_now,
                          r.given_back, r.charge)""",
            ),
            Part(
                "unplaced_orders_hold_everything",
                "each order on its way to the provider: held = charge; each refused or refunded one: refunded = charge",
                f"r.forward_state <> '{Forward.PLACED}'",
                f"""r.forward_state <> '{Forward.PLACED}' AND r.reference IS NOT NULL
                    AND (r.earned <> 0
                         OR r.given_back <> CASE WHEN {never_placed("r")} THEN r.charge ELSE 0 END)""",
                "'order ' || r.id",
                "format('it is %s, earned %s, refunded %s', r.forward_state, r.earned, r.given_back)",
            ),
            Part(
                "references_exist",
                "each hold is an order's, and with the equation of holds each transfer between hold and wallet",
                "r.reference IS NOT NULL",
                "r.id IS NULL",
                "'reference ' || r.reference",
                "'there is no such order'",
            ),
            Part(
                "order_costs_have_their_row",
                "each order charged above its price, or refunded there and still charged, at the last check:"
                " there is a row",
                "r.provider_charge IS NOT NULL",
                # An answer is dated by its question, and may have been applied only after the check.
                f"""CASE WHEN {all_back("r")} THEN r.provider_charge > 0
                         ELSE r.provider_charge - r.expected_charge >= 0.01 END
                    AND r.forward_state = '{Forward.PLACED}' AND r.provider_currency = r.currency
                    AND r.answered_currency IN ('', r.currency)
                    AND r.answered_at < r.checked_at - interval '{_LONGEST_ANSWER} seconds'
                    AND NOT EXISTS (SELECT 1 FROM orders_reconciliationbreak b
                                    WHERE b.order_id = r.id
                                      AND b.kind IN ({sql_list((BreakKind.OWED, BreakKind.CHARGE))}))""",
                "'order ' || r.id",
                """format('charged %s, expected %s, it is %s, and no row says so', trim_scale(r.provider_charge),
                          trim_scale(r.expected_charge), coalesce(nullif(r.progress, ''), 'open'))""",
            ),
        ),
    ),
    Equation(
        "one_live_attempt",
        "each order: at most one attempt that the provider has or may have",
        _ATTEMPTS,
        f"""
        SELECT 'order ' || order_id, count(*) || ' live attempts' FROM orders_forwardattempt
        WHERE outcome IN {_LIVE} GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id
        """,
    ),
    Together(
        _SENDING,
        (
            Part(
                "placed_orders_have_their_id",
                "order placed ⇔ upstream id ⇔ its attempt placed with the same id; no id serves two orders",
                _ORDER,
                f"""(r.forward_state = '{Forward.PLACED}') <> (r.upstream_id IS NOT NULL)
                    OR (r.forward_state <> '{Forward.REFUNDED}' AND (
                        (r.forward_state = '{Forward.PLACED}') <> coalesce(r.outcome = '{Outcome.PLACED}', false)
                        OR r.attempt_id IS DISTINCT FROM r.upstream_id))
                    OR r.sharing > 1""",
                "'order ' || r.id",
                """format('it is %s with upstream id %s; its live attempt is %s, with id %s; %s orders share it',
                          r.forward_state, coalesce(r.upstream_id, '–'), coalesce(r.outcome, 'none'),
                          coalesce(r.attempt_id, '–'), r.sharing)""",
            ),
            Part(
                "states_match_attempts",
                "queued, refused: no live attempt; claimed, sending, in doubt: one attempt in that state",
                _ORDER,
                # Found only after its customer was refunded: a loss of the shop, and no contradiction.
                f"""CASE r.forward_state
                        WHEN '{Forward.CLAIMED}' THEN r.outcome IS DISTINCT FROM '{Outcome.CLAIMED}'
                        WHEN '{Forward.SENDING}' THEN r.outcome IS DISTINCT FROM '{Outcome.SENDING}'
                        WHEN '{Forward.IN_DOUBT}' THEN r.outcome IS DISTINCT FROM '{Outcome.IN_DOUBT}'
                        WHEN '{Forward.REVIEW}' THEN r.outcome IS DISTINCT FROM '{Outcome.IN_DOUBT}'
                        WHEN '{Forward.REFUNDED}' THEN r.outcome NOT IN ({sql_list((Outcome.IN_DOUBT, Outcome.PLACED))})
                        WHEN '{Forward.PLACED}' THEN r.outcome IS DISTINCT FROM '{Outcome.PLACED}'
                        ELSE r.outcome IS NOT NULL END""",
                "'order ' || r.id",
                "format('it is %s, its live attempt is %s', r.forward_state, coalesce(r.outcome, 'none'))",
            ),
        ),
    ),
    Equation(
        "attempts_follow_proof",
        "attempt n + 1 exists only if attempt n was released, proven unsent, refused, or not placed",
        _ATTEMPTS,
        f"""
        SELECT 'order ' || a.order_id, format('attempt %s is %s, but attempt %s exists', a.n, a.outcome, b.n)
        FROM orders_forwardattempt b JOIN orders_forwardattempt a ON a.order_id = b.order_id AND a.n = b.n - 1
        WHERE b.n > 1
          AND NOT coalesce((a.outcome = '{Outcome.NOT_SENT}' AND a.send_calls = 0)
               OR a.outcome IN ({sql_list((Outcome.RELEASED, Outcome.REFUSED))})
               OR (a.outcome = '{Outcome.NOT_PLACED}' AND (a.evidence ? 'bracket' OR a.decided_by IS NOT NULL)), false)
        ORDER BY a.order_id, a.n
        """,
    ),
    Equation(
        "one_open_refill",
        "each order: at most one open refill; each refill: at most one live attempt",
        "SELECT count(*) FROM orders_refill",
        f"""
        SELECT 'order ' || order_id, count(*) || ' open refills' FROM orders_refill
        WHERE state IN ({sql_list(REFILL_OPEN)}) GROUP BY order_id HAVING count(*) > 1
        UNION ALL
        SELECT 'refill ' || refill_id, count(*) || ' live attempts' FROM orders_refillattempt
        WHERE outcome IN {_LIVE} GROUP BY refill_id HAVING count(*) > 1 ORDER BY 1
        """,
    ),
    Equation(
        "children_belong_to_one_parent",
        "each child order: its parent is placed at the same provider, and no order has its id",
        "SELECT count(*) FROM orders_childorder",
        f"""
        SELECT 'child order ' || c.id, format('order %s is %s; order %s has its id', p.id, p.forward_state, o.id)
        FROM orders_childorder c JOIN orders_order p ON p.id = c.parent_id
        LEFT JOIN orders_order o ON o.provider_id = c.provider_id AND o.upstream_id = c.upstream_id
        WHERE p.provider_id <> c.provider_id OR p.forward_state <> '{Forward.PLACED}' OR o.id IS NOT NULL ORDER BY c.id
        """,
    ),
    Equation(
        "one_open_cancellation",
        "each order: at most one open request to cancel it, and none once it is over",
        "SELECT count(*) FROM orders_cancellation",
        f"""
        SELECT 'order ' || o.id, count(*) || ' open requests; it is ' || o.progress
        FROM orders_cancellation c JOIN orders_order o ON o.id = c.order_id
        WHERE c.state IN ({sql_list(CANCEL_OPEN)})
        GROUP BY o.id, o.progress HAVING count(*) > 1 OR bool_or({terminal("o")}) ORDER BY o.id
        """,
    ),
    Equation(
        "provider_books",
        "each provider, when last quiet: opening balance + entries − charges = what it reports, or there is a row",
        "SELECT count(DISTINCT provider_id) FROM orders_balancereading WHERE is_quiet",
        f"""
        SELECT 'provider ' || r.provider_id, format('reading %s reports %s, ours was %s − %s; the row says %s',
               r.id, trim_scale(r.amount), trim_scale(e.entered), trim_scale(r.charges),
               coalesce(trim_scale(b.amount)::text, 'nothing'))
        FROM (SELECT DISTINCT ON (provider_id) * FROM orders_balancereading WHERE is_quiet
              ORDER BY provider_id, id DESC) r
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS entered FROM orders_providerentry
                            WHERE provider_id = r.provider_id AND currency = r.currency AND at <= r.at) e
        LEFT JOIN orders_reconciliationbreak b ON b.provider_id = r.provider_id AND b.kind = '{BreakKind.BALANCE}'
              AND b.facts->>'reading' = r.id::text
        WHERE r.entries <> e.entered
           OR r.amount - (e.entered - r.charges) <> coalesce(b.amount, 0)
        ORDER BY r.provider_id
        """,
    ),
    guards(
        "orders",
        {
            "orders_order_guard": "orders_order",
            "orders_forwardattempt_guard": "orders_forwardattempt",
            "orders_refillattempt_guard": "orders_refillattempt",
            "orders_forwardattempt_new": "orders_forwardattempt",
            "orders_ownid_guard": "orders_ownid",
            "orders_providerexchange_append_only": "orders_providerexchange",
            "orders_orderevent_append_only": "orders_orderevent",
            "orders_providerentry_append_only": "orders_providerentry",
            "orders_balancereading_append_only": "orders_balancereading",
            "orders_break_guard": "orders_reconciliationbreak",
            "orders_thawscan_append_only": "orders_thawscan",
            "orders_forwardattempt_repeated": "orders_forwardattempt",
            "orders_repeatattempt_guard": "orders_repeatattempt",
            "orders_requestidtest_kept": "orders_requestidtest",
            "orders_repeatattempt_no_truncate": "orders_repeatattempt",
            "orders_requestidtest_no_truncate": "orders_requestidtest",
            "orders_order_no_truncate": "orders_order",
            "orders_forwardattempt_no_truncate": "orders_forwardattempt",
            "orders_refillattempt_no_truncate": "orders_refillattempt",
            "orders_ownid_no_truncate": "orders_ownid",
            "orders_providerexchange_no_truncate": "orders_providerexchange",
            "orders_orderevent_no_truncate": "orders_orderevent",
            "orders_providerentry_no_truncate": "orders_providerentry",
            "orders_balancereading_no_truncate": "orders_balancereading",
            "orders_reconciliationbreak_no_truncate": "orders_reconciliationbreak",
            "orders_thawscan_no_truncate": "orders_thawscan",
        },
    ),
]
