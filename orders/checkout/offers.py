"""What an order is made of, read at once: the service and its price for this customer, the wallet, an earlier twin."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from billing.ledger import WALLET_SQL
from catalog.prices.terms import WIDTH, Terms, known_terms, terms_sql
from core.prepared import Part, Values, read

#: The customer's id as an expression, where it is a value.
CUSTOMER = "%(customer)s::bigint"


@dataclass(frozen=True)
class Purse:
    """A customer's wallet and the account that holds money of open orders, None until there is one."""

    balance: Decimal
    is_frozen: bool
    held_id: int | None


@dataclass(frozen=True)
class Offer:
    """``terms`` is None for what is not on sale, ``purse`` for whoever never had money, and ``first_id`` the order
    that was placed with the same nonce."""

    terms: Terms | None
    purse: Purse | None
    first_id: int | None


@cache
def offer_sql(customer: str) -> str:
    """One row for the service %(service)s and the nonce %(nonce)s; ``customer`` is an SQL expression."""
    return f"""
        SELECT sale.*, purse.balance, purse.is_frozen, purse.held_id,
               (SELECT o.id FROM orders_order o WHERE o.customer_id = {customer} AND o.nonce = %(nonce)s::text)
        FROM (SELECT 1) AS one
        LEFT JOIN LATERAL ({terms_sql(customer)}) AS sale ON true
        LEFT JOIN LATERAL ({WALLET_SQL.format(customer=customer)}) AS purse ON true
    """  # noqa: S608 - constants of ours


def offer_values(service_id: int | None, nonce: str | None) -> Values:
    return {"service": None if service_id is None else str(service_id), "nonce": nonce}


def offer_beside(who: str, *, service_id: int | None, nonce: str | None) -> Part:
    """The offer as a part of another statement, in which the customer's id is the expression ``who``."""
    return Part(offer_sql(who), offer_values(service_id, nonce))


def read_offer(*, customer_id: int | None, service_id: int, nonce: str | None = None) -> Offer:
    values = {"customer": None if customer_id is None else str(customer_id), **offer_values(service_id, nonce)}
    return offer_of(read(offer_sql(CUSTOMER), values)[0])


def offer_of(row: Sequence[Any]) -> Offer:
    """What :func:`offer_sql` answered."""
    balance, is_frozen, held_id, first_id = row[WIDTH : WIDTH + 4]
    purse = None if balance is None else Purse(balance, is_frozen, held_id)
    return Offer(known_terms(row), purse, first_id)
