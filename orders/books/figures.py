"""What our books know of a provider's account, in the provider's currency, read in one statement."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from core.money import EXACT
from orders.books.orphans import ORPHANS
from orders.states import Forward, Outcome, sql_list

# A charge in another currency is never computed with; its order is a suspect instead. An order that is placed and was
# never heard of cost what we expect, and so did one that was found after its customer had the money back.
#: Rows (amount) that together are Σ charges of provider %(provider)s. Later kinds of charge join here.
CHARGES = f"""
    SELECT coalesce(o.provider_charge, o.expected_charge) AS amount
    FROM orders_order o JOIN catalog_provider p ON p.id = o.provider_id
    WHERE o.provider_id = %(provider)s AND o.forward_state = '{Forward.PLACED}' AND o.provider_currency = p.currency
      AND o.answered_currency IN ('', p.currency)
    UNION ALL
    SELECT o.expected_charge FROM orders_order o JOIN orders_forwardattempt a ON a.order_id = o.id
    WHERE o.provider_id = %(provider)s AND o.forward_state <> '{Forward.PLACED}' AND a.outcome = '{Outcome.PLACED}'
    UNION ALL
    SELECT amount FROM ({ORPHANS}) orphans WHERE amount IS NOT NULL
"""  # noqa: S608 - put together from constants of this room

_UNDER_WAY = sql_list((Outcome.CLAIMED, Outcome.SENDING))

# entries, charges, a text that changes with every send, and whether a send is under way.
_FIGURES = f"""
    SELECT
        (SELECT coalesce(sum(amount), 0) FROM orders_providerentry
         WHERE provider_id = %(provider)s
           AND currency = (SELECT currency FROM catalog_provider WHERE id = %(provider)s)),
        (SELECT coalesce(sum(amount), 0) FROM ({CHARGES}) c),
        (SELECT coalesce(max(id), 0) || ':' || count(sent_at) || ':' || count(*) FILTER
             (WHERE outcome IN ({_UNDER_WAY}))
         FROM orders_forwardattempt WHERE provider_id = %(provider)s),
        EXISTS (SELECT 1 FROM orders_forwardattempt
                WHERE provider_id = %(provider)s AND outcome IN ({_UNDER_WAY}))
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
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"provider": provider_id})
        return Figures(*cursor.fetchone())
