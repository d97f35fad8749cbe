"""What an order is made of, read at once: the service and its price for this customer, the wallet, and the order that
was placed with the same nonce, if there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from billing.ledger import WALLET_SQL
from catalog.prices.terms import WIDTH, Terms, known_terms, terms_sql
from core.prepared import Part, read

#: The customer's id as an expression, where it is a value.
CUSTOMER = "%(customer)s::bigint"


@dataclass(frozen=True)
class Purse:
    """A customer's wallet and the account that holds money of open orders, None until there is one.

    ``spendable`` is the balance without deposits that are held.
    """

    balance: Decimal
    spendable: Decimal
    is_frozen: bool
    held_id: int | None


@dataclass(frozen=True)
class Offer:
    """``terms`` is None for what is not on sale, ``purse`` for a customer who never had money.

    ``first_id`` is the order that was placed with the same nonce.
    """

    terms: Terms | None
    purse: Purse | None
    first_id: int | None


@cache
def offer_sql(customer: str) -> str:
    """Return SQL that gives one row for the service %(service)s and the nonce %(nonce)s.

    ``customer`` is an SQL expression of the customer's id. `sale` are the terms, `purse` is the wallet; either may be
    missing.
    """
    return f"""
        SELECT sale.*, purse.balance, purse.spendable, purse.is_frozen, purse.held_id,
               (SELECT o.id FROM orders_order o WHERE o.customer_id = {customer} AND o.nonce = %(nonce)s::text)
        FROM (SELECT 1) AS one
        LEFT JOIN LATERAL ({terms_sql(customer)}) AS sale ON true
        LEFT JOIN LATERAL ({WALLET_SQL.format(customer=customer)}) AS purse ON true
    """  # noqa: S608 - constants of ours


def offer_part(customer: str, *, service_id: int | None, nonce: str | None) -> Part:
    """Return the offer as a part of a larger statement; ``customer`` is an SQL expression of the customer's id."""
    return Part(offer_sql(customer), {"service": None if service_id is None else str(service_id), "nonce": nonce})


def read_offer(*, customer_id: int | None, service_id: int, nonce: str | None = None) -> Offer:
    """Read the offer of a service to a customer, or to somebody who has no account."""
    part = offer_part(CUSTOMER, service_id=service_id, nonce=nonce)
    customer = None if customer_id is None else str(customer_id)
    return offer_of(read(part.sql, {**part.values, "customer": customer})[0], customer_id)


def offer_of(row: Sequence[Any], customer_id: int | None) -> Offer:
    """Return the offer to a customer in a row of :func:`offer_sql`."""
    balance, spendable, is_frozen, held_id, first_id = row[WIDTH : WIDTH + 5]
    purse = None if balance is None else Purse(balance, spendable, is_frozen, held_id)
    return Offer(known_terms(row, customer_id), purse, first_id)


def read_purse(customer_id: int) -> Purse | None:
    """Return a customer's wallet as placing sees it, None for a customer who never had money."""
    wallet = WALLET_SQL.format(customer=CUSTOMER)
    statement = f"SELECT w.balance, w.spendable, w.is_frozen, w.held_id FROM ({wallet}) AS w"  # noqa: S608 - our own words
    rows = read(statement, {"customer": str(customer_id)})
    return Purse(*rows[0]) if rows else None
