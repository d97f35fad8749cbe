"""The rows that the judge looks at, read in one snapshot, and the provider's log."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_loads

LIVE = ("claimed", "sending", "in_doubt", "placed")
FINAL = ("completed", "partial", "canceled", "refunded", "expired")

_QUERIES = {
    "accounts": "SELECT id, kind, name, balance, customer_id FROM billing_account ORDER BY id",
    "transfers": """SELECT id, key, code, source_id, target_id, amount, reference FROM billing_transfer ORDER BY id""",
    "holds": "SELECT reference, wallet_id, charged, earned, refunded FROM billing_hold ORDER BY reference",
    "orders": """
        SELECT id, customer_id, provider_id, external_service_id, link, quantity, runs, total, fields, charge,
               expected_cost, expected_charge, provider_currency, forward_state, next_at, tries, upstream_id, progress,
               ended_as, remains, provider_charge, answered_currency, refunded, needs_review, service_type,
               last_refusal, answered_at, missing_by_hand, refunded_by_hand
        FROM orders_order ORDER BY id""",
    "attempts": """
        SELECT id, order_id, n, provider_id, outcome, upstream_id, send_calls, sent_at, claimed_at, expected_cost,
               decided_by, evidence ? 'bracket' AS has_bracket, unconfirmed_id,
               evidence ? 'restored' AS is_restored, is_trial
        FROM orders_forwardattempt ORDER BY order_id, n""",
    "refills": "SELECT id, order_id, provider_id, state, upstream_id FROM orders_refill ORDER BY id",
    "refill_attempts": """
        SELECT id, refill_id, n, outcome, upstream_id, send_calls, decided_by, evidence ? 'bracket' AS has_bracket
        FROM orders_refillattempt ORDER BY refill_id, n""",
    "exchanges": """
        SELECT id, provider_id, action, forward_attempt_id, refill_attempt_id, http_status, send_calls, transcript
        FROM orders_providerexchange ORDER BY id""",
    "own_ids": "SELECT id, provider_id, upstream_id, explained, attempt_id, decided_by FROM orders_ownid ORDER BY id",
    "children": "SELECT id, parent_id, provider_id, upstream_id, charge, progress FROM orders_childorder ORDER BY id",
    "breaks": """
        SELECT id, provider_id, kind, order_id, upstream_id, amount, state FROM orders_reconciliationbreak
        ORDER BY id""",
    "providers": "SELECT id, currency, parked_at, parked_reason, is_active FROM catalog_provider ORDER BY id",
    "entries": "SELECT provider_id, amount, currency FROM orders_providerentry ORDER BY id",
    "clock": "SELECT statement_timestamp() AS now",
}


@dataclass
class Rows:
    """Each table as a list of named tuples, and the looks-up that several checks share."""

    accounts: list[Any]
    transfers: list[Any]
    holds: list[Any]
    orders: list[Any]
    attempts: list[Any]
    refills: list[Any]
    refill_attempts: list[Any]
    exchanges: list[Any]
    own_ids: list[Any]
    children: list[Any]
    breaks: list[Any]
    providers: list[Any]
    entries: list[Any]
    clock: list[Any]
    attempts_of: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    hold_of: dict[int, Any] = field(default_factory=dict)
    order_at: dict[tuple[int, str], Any] = field(default_factory=dict)
    order_of: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for attempt in self.attempts:
            self.attempts_of[attempt.order_id].append(attempt)
        holds = {hold.reference: hold for hold in self.holds}
        for order in self.orders:
            self.order_of[order.id] = order
            self.order_at[order.provider_id, target_of(order)] = order
            if (hold := holds.get(f"order:{order.id}")) is not None:
                self.hold_of[order.id] = hold

    @property
    def now(self) -> Any:
        return self.clock[0].now

    def was_decided(self, order: Any) -> int:
        """How often a person said that this order was not placed: an opinion, which may be wrong."""
        return sum(
            a.outcome == "not_placed" and a.decided_by is not None and not a.has_bracket
            for a in self.attempts_of[order.id]
        )


def target_of(order: Any) -> str:
    """What the provider's log calls the link: of a subscription, its account."""
    return order.link or str(order.fields.get("username", ""))


def read_rows(connection: "psycopg.Connection[Any]") -> Rows:
    """All of them in one snapshot."""
    # A session with Django's settings hands JSON over as text.
    set_json_loads(json.loads, connection)
    with connection.transaction(), psycopg.Cursor(connection, row_factory=namedtuple_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = {}
        for name, query in _QUERIES.items():
            cursor.execute(query)
            found[name] = cursor.fetchall()
    return Rows(**found)


@dataclass
class Upstream:
    """What the providers accepted. Runs and posts that a provider made of a parent are not orders of ours."""

    orders: dict[tuple[int, str], Mapping[str, Any]]
    by_link: dict[tuple[int, str], list[Mapping[str, Any]]]
    children: dict[tuple[int, str], Mapping[str, Any]]

    @classmethod
    def of(cls, logs: Mapping[int, Sequence[Mapping[str, Any]]]) -> "Upstream":
        orders, children = {}, {}
        by_link: dict[tuple[int, str], list[Mapping[str, Any]]] = defaultdict(list)
        for provider, log in logs.items():
            for row in log:
                number = str(row["order"])
                if row.get("parent") is not None:
                    children[provider, number] = row
                    continue
                orders[provider, number] = row
                by_link[provider, str(row["link"])].append(row)
        return cls(orders, by_link, children)

    def of_order(self, order: Any) -> list[Mapping[str, Any]]:
        return self.by_link.get((order.provider_id, target_of(order)), [])

    def covers(self, provider_id: int) -> bool:
        """Whether there is a log of this provider at all; one without any order has none to be compared with."""
        return any(provider == provider_id for provider, _ in self.orders)


def net_charge(row: Mapping[str, Any]) -> Decimal:
    return Decimal(str(row["net_charge"]))
