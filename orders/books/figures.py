"""What our books say about a provider's account, in the provider's currency, read in one statement."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from core.money import EXACT
from orders.books.orphans import ORPHANS
from orders.models import RequestTestState
from orders.states import Explanation, Forward, Outcome, Progress, sql_list

_REFUNDED = sql_list((Progress.CANCELED, Progress.REFUNDED))

#: Rows (amount) that together are Σ charges of provider %(provider)s. Later kinds of charge join here.
#:
#: A charge in another currency is never computed with; its order is a suspect instead. A placed order whose charge is
#: not known yet counts with the expected one, or with nothing once it is canceled; an order that was found after its
#: refund counts with the expected one, too.
CHARGES = f"""
    -- Placed orders, at the charge that the provider named, or else the expected one.
    SELECT coalesce(
        o.provider_charge, CASE WHEN o.progress IN ({_REFUNDED}) THEN 0 ELSE o.expected_charge END
    ) AS amount
    FROM orders_order o JOIN catalog_provider p ON p.id = o.provider_id
    WHERE o.provider_id = %(provider)s AND o.forward_state = '{Forward.PLACED}' AND o.provider_currency = p.currency
      AND o.answered_currency IN ('', p.currency)
    UNION ALL
    -- Orders that were refunded before their attempt was found to be placed.
    SELECT o.expected_charge FROM orders_order o JOIN orders_forwardattempt a ON a.order_id = o.id
    WHERE o.provider_id = %(provider)s AND o.forward_state <> '{Forward.PLACED}' AND a.outcome = '{Outcome.PLACED}'
    UNION ALL
    -- Orders under our key that nobody knows, as far as their charge is known.
    SELECT amount FROM ({ORPHANS}) orphans WHERE amount IS NOT NULL
    UNION ALL
    -- The owner's test orders, at the charge that the provider named first, or else the expected one.
    SELECT coalesce(i.charge, t.expected_charge) FROM orders_requestidtest t
    JOIN catalog_provider p ON p.id = t.provider_id AND p.currency = t.currency
    JOIN orders_ownid i ON i.provider_id = t.provider_id AND i.upstream_id IN (t.first_id, t.second_id)
    WHERE t.provider_id = %(provider)s AND i.explained = '{Explanation.TEST}'
"""  # noqa: S608 - put together from constants of this room

_UNDER_WAY = sql_list((Outcome.CLAIMED, Outcome.SENDING))
_FIGURES = f"""
    SELECT
        -- What the owner entered in the provider's present currency.
        (SELECT coalesce(sum(amount), 0) FROM orders_providerentry
         WHERE provider_id = %(provider)s
           AND currency = (SELECT currency FROM catalog_provider WHERE id = %(provider)s)),
        -- What its orders were charged.
        (SELECT coalesce(sum(amount), 0) FROM ({CHARGES}) c),
        -- A text that differs after anything was claimed or sent.
        (SELECT coalesce(max(id), 0) || ':' || count(sent_at) || ':' || count(*) FILTER
             (WHERE outcome IN ({_UNDER_WAY}))
         FROM orders_forwardattempt WHERE provider_id = %(provider)s)
        || (SELECT coalesce('r' || nullif(count(sent_at), 0), '') FROM orders_repeatattempt
            WHERE provider_id = %(provider)s)
        || (SELECT coalesce('t' || nullif(count(first_sent_at) + count(second_sent_at), 0), '')
            FROM orders_requestidtest WHERE provider_id = %(provider)s),
        -- Whether anything is being sent now.
        EXISTS (SELECT 1 FROM orders_forwardattempt
                WHERE provider_id = %(provider)s AND outcome IN ({_UNDER_WAY}))
        OR EXISTS (SELECT 1 FROM orders_repeatattempt
                   WHERE provider_id = %(provider)s AND outcome IN ({_UNDER_WAY}))
        OR EXISTS (SELECT 1 FROM orders_requestidtest WHERE provider_id = %(provider)s
                   AND state IN ('{RequestTestState.FIRST}', '{RequestTestState.SECOND}'))
"""  # noqa: S608 - put together from constants of this module


@dataclass(frozen=True)
class Figures:
    """``entries`` less ``charges`` is what the provider should report. ``sends`` changes with every send."""

    entries: Decimal
    charges: Decimal
    sends: str
    is_sending: bool

    @property
    def ours(self) -> Decimal:
        return EXACT.subtract(self.entries, self.charges)


def figures_of(provider_id: int) -> Figures:
    """Read our books about one provider's account."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"provider": provider_id})
        return Figures(*cursor.fetchone())
