"""Equations that say whether orders, their attempts and their money agree: plain SQL, like those of `billing.audit`."""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from billing.equations import Equation, Part, Together, guards
from orders.audit_money import MONEY, terminal
from orders.models import BreakKind
from orders.states import CANCEL_OPEN, LIVE, REFILL_OPEN, Forward, Outcome, sql_list

_ORDER = "r.id IS NOT NULL"
_ATTEMPTS = "SELECT count(*) FROM orders_forwardattempt"
_LIVE = f"({sql_list(LIVE)})"


#: Each order with its live attempt, and once more with each further one.
_SENDING = f"""
    SELECT o.id, o.forward_state, o.upstream_id, a.outcome, a.upstream_id AS attempt_id, coalesce(s.n, 1) AS sharing
    FROM orders_order o
    LEFT JOIN orders_forwardattempt a ON a.order_id = o.id AND a.outcome IN {_LIVE}
    LEFT JOIN (SELECT provider_id, upstream_id, count(*) AS n FROM orders_order
               WHERE upstream_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) s
           ON s.provider_id = o.provider_id AND s.upstream_id = o.upstream_id
"""


EQUATIONS: list[Equation | Together] = [
    MONEY,
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
