"""Equations about the money of orders: each with its hold, its refunds and its provider's charge."""

# ruff: noqa: S608  # Statements are put together from constants of this project; nothing from outside reaches them.

from django.conf import settings

from billing.equations import Part, Together
from orders.models import BreakKind
from orders.states import FINAL, Forward, Progress, sql_list


def never_placed(row: str) -> str:
    return f"{row}.forward_state IN ({sql_list((Forward.REFUSED, Forward.REFUNDED))})"


def all_back(row: str) -> str:
    return f"{row}.progress IN ({sql_list((Progress.CANCELED, Progress.REFUNDED))})"


def terminal(row: str) -> str:
    return f"""({never_placed(row)}
        OR ({row}.forward_state = '{Forward.PLACED}' AND {row}.progress IN ({sql_list(FINAL)})))"""


#: Each order with its hold and its provider's last check, and each hold without an order. ``missing_now`` is for one
#: settled by hand: a later answer that owes more is paid and leaves its own number; one that owes less changes neither.
_MONEY = f"""
    SELECT o.id, o.charge, o.refunded, o.customer_id, o.forward_state, o.progress, o.total, o.missing_by_hand,
           o.refunded_by_hand,
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
#: What so many units of an order cost, rounded down: a quotient of whole numbers, which Postgres does not round.
_SHARE = "div(r.charge * {} * 100000, r.total) / 100000"

#: From a question about an order until its answer is applied: the call, and those that the same turn asked before it.
_LONGEST_ANSWER = 4 * settings.READ_DEADLINE_SECONDS
_ORDER = "r.id IS NOT NULL"

MONEY = Together(
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
            "each order settled by hand: refunded = charge × missing ÷ quantity, as decided or answered since,"
            " or what was refunded by hand if that is more; never less",
            "r.missing_by_hand IS NOT NULL",
            f"""r.missing_by_hand IS NOT NULL
                AND NOT coalesce({terminal("r")}
                                 AND r.given_back = greatest({_SHARE.format("r.missing_now")}, r.refunded_by_hand)
                                 AND r.given_back >= {_SHARE.format("r.missing_by_hand")}, false)""",
            "'order ' || r.id",
            """format('a person said that %s of %s are missing; it is %s, %s are missing, %s of %s was refunded',
                      r.missing_by_hand, r.total, coalesce(nullif(r.progress, ''), 'open'), r.missing_now,
                      r.given_back, r.charge)""",
        ),
        Part(
            "refunds_by_hand_are_paid",
            "each order refunded by hand: refunded in all at least as much",
            "r.refunded_by_hand > 0",
            "r.refunded_by_hand > 0 AND NOT coalesce(r.given_back >= r.refunded_by_hand, false)",
            "'order ' || r.id",
            "format('%s was to be refunded by hand, and %s is', r.refunded_by_hand, r.given_back)",
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
)
