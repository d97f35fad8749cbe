"""Any number of finished orders in minutes: copies of a dozen that were placed, sent and followed, with all their rows.

The rows are written past the guards, by the superuser, as the guards themselves would leave them. Whether they agree
with each other says the audit, which is one of the figures.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.placing import place_one
from bench.stage import Stage
from bench.stock import Stocked
from upstream.simulator.running import RunningSimulator

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from orders.models import Order

#: How the dozen ends at the provider.
ENDS = ("completed",) * 10 + ("partial:157", "canceled")
_LIFE = 600
#: One link is ordered three times.
_ORDERS_OF_A_LINK = 3

# What each new order takes the place of: an order of the dozen, which has one attempt, its customer and its wallet.
# One customer has a tenth of all orders, the others take turns; each has all ends in turn.
_COPIES = """
    CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
    SELECT n, example, attempt, wallet AS example_wallet, %(order)s + n AS order_id, %(attempt)s + n AS attempt_id,
        %(upstream)s + n AS upstream_id, 'example.com/p/' || (n / %(of_a_link)s) AS link,
        customer_id, account_id, (%(count)s - n) * interval '365 days' / %(count)s + %(days)s * interval '1 day' AS age
    FROM generate_series(1, %(count)s::bigint) n
    JOIN unnest(%(customers)s::bigint[], %(accounts)s::bigint[]) WITH ORDINALITY AS c(customer_id, account_id, turn)
        ON c.turn = CASE WHEN n * %(large)s / %(count)s > (n - 1) * %(large)s / %(count)s THEN 1
            ELSE 2 + n %% (cardinality(%(customers)s::bigint[]) - 1) END
    JOIN unnest(%(examples)s::bigint[], %(attempts)s::bigint[], %(wallets)s::bigint[])
        WITH ORDINALITY AS e(example, attempt, wallet, turn)
        ON e.turn = 1 + n / cardinality(%(customers)s::bigint[]) %% cardinality(%(examples)s::bigint[])
"""
# Of the completed copies of the large customer: a twentieth are drip-feeds, as many subscriptions, each with four
# child orders that ended, and as many were refilled. Their runs ended long ago, so that nobody asks for them again.
_KINDS = """
    CREATE TEMPORARY TABLE kinds ON COMMIT DROP AS
    SELECT o.id, o.upstream_id, o.provider_id, o.customer_id, o.total, o.finished_at,
        row_number() OVER (ORDER BY o.id) %% 20 AS kind
    FROM copies c JOIN orders_order o ON o.id = c.order_id
    WHERE c.customer_id = %(large)s AND o.progress = 'completed' AND c.age > interval '30 days';
    UPDATE orders_order o SET quantity = o.total / 4, runs = 4, "interval" = 60,
        fields = o.fields || '{"quantity": "250", "runs": "4", "interval": "60"}'
    FROM kinds k WHERE k.id = o.id AND k.kind = 1;
    UPDATE orders_order o SET service_type = 'subscriptions', quantity = o.total / 4,
        fields = '{"username": "bench", "posts": "4", "min": "250", "max": "250", "delay": "0"}'
    FROM kinds k WHERE k.id = o.id AND k.kind = 2;
    INSERT INTO orders_childorder (parent_id, provider_id, upstream_id, quantity, progress, raw_state, remains,
        needs_review, created_at, finished_at, poll_misses)
    SELECT id, provider_id, upstream_id || '-' || n, total / 4, 'completed', 'Completed', 0,
        '', finished_at, finished_at, 0 FROM kinds, generate_series(1, 4) n WHERE kind IN (1, 2) ORDER BY id, n;
    INSERT INTO orders_refill (order_id, customer_id, provider_id, state, tries, upstream_id, raw_state, refusal,
        created_at, finished_at, poll_misses)
    SELECT id, customer_id, provider_id, 'completed', 1, 'r' || id, 'Completed', '', finished_at, finished_at, 0
    FROM kinds WHERE kind = 3 ORDER BY id
"""
#: A provider that charges nothing for what was canceled, so that no copy is a difference in its account.
_CHARGE = "CASE t.progress WHEN 'canceled' THEN 0 ELSE t.provider_charge END"
_OF_THE_ORDER = "substr(t.key, length('order:' || c.example) + 1)"
_BALANCES = """
    UPDATE billing_account a SET balance = s.balance FROM (
        SELECT account_id, sum(amount) AS balance FROM (
            SELECT target_id, amount FROM billing_transfer UNION ALL SELECT source_id, -amount FROM billing_transfer
        ) moved(account_id, amount) GROUP BY account_id
    ) s WHERE s.account_id = a.id AND a.kind = 'wallet'
"""
_LINES = """
    UPDATE billing_account a SET lines = l.n
    FROM (SELECT wallet_id, count(*) AS n FROM billing_walletline GROUP BY wallet_id) l WHERE l.wallet_id = a.id
"""


@dataclass
class Dozen:
    """Finished orders to copy, in the order of ENDS."""

    stocked: Stocked
    orders: "list[Order]"

    @property
    def customers(self) -> list[Any]:
        return self.stocked.customers

    @property
    def large(self) -> Any:
        """The customer who has a tenth of all orders."""
        return self.customers[0]


def finish_a_dozen(panel: RunningSimulator) -> Dozen:
    """Place one order for each of ENDS, send it to the simulated provider and follow it to its end."""
    import json
    import urllib.request
    from contextlib import closing
    from urllib.parse import urlencode

    from core.clock import database_now
    from orders.following import poll
    from orders.forwarding import dispatch
    from orders.models import Order

    stocked = Stocked("Growth", panel.url, panel.key)
    form = urlencode({"key": panel.key, "action": "services"}).encode()
    with closing(urllib.request.urlopen(panel.url, form)) as answer:  # noqa: S310
        number = next(row["service"] for row in json.load(answer) if row["type"] == "Default")
    panel.control(rates={str(number): str(stocked.service.source.rate)})
    source = stocked.service.source
    source.external_id = str(number)
    source.save()
    for end, customer in zip(ENDS, stocked.customers, strict=True):
        panel.control(fates={end: 1}, seconds=_LIFE)
        place_one(customer, stocked.service)
        assert dispatch.forward_due(seconds=30) == 1
    for part in (0.5, 0.6):
        panel.control(advance=_LIFE * part)
        Order.objects.filter(provider=stocked.provider).update(next_poll_at=database_now())
        assert poll.follow_due(seconds=60) == len(ENDS)
    orders = list(Order.objects.filter(provider=stocked.provider).order_by("pk"))
    assert all(order.is_final for order in orders), [str(order.face.word) for order in orders]
    return Dozen(stocked, orders)


def add_copies(stage: Stage, dozen: Dozen, count: int, *, days: int) -> float:
    """Add ``count`` finished orders of the year that ended ``days`` days ago; return the seconds it took.

    A tenth of all copies, with what the dozen and the copies before have of them, are the large customer's.
    """
    from billing.migrations import _filling
    from billing.models import Account, Hold, Transfer, WalletLine
    from orders.models import ChildOrder, ForwardAttempt, Order, OrderEvent, OwnId, ProviderExchange, Refill

    began = time.perf_counter()
    examples = [order.pk for order in dozen.orders]
    copies = Order.objects.filter(provider=dozen.stocked.provider).count() - len(examples)
    large = (copies + count) // 10 - Order.objects.filter(customer=dozen.large).count()
    attempts = dict(ForwardAttempt.objects.filter(order__in=examples).values_list("order_id", "pk"))
    accounts = dict(Account.objects.filter(customer__in=dozen.customers).values_list("customer_id", "pk"))
    with stage.connect("shop") as c, c.cursor() as cursor:
        newest = [_newest(cursor, model) for model in (Order, ForwardAttempt)]
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            _COPIES,
            {
                "order": newest[0], "attempt": newest[1], "upstream": 100_000_000 + newest[0], "count": count,
                "large": max(0, large),
                "days": days, "of_a_link": _ORDERS_OF_A_LINK, "customers": [p.pk for p in dozen.customers],
                "accounts": [accounts[p.pk] for p in dozen.customers], "examples": examples,
                "attempts": [attempts[pk] for pk in examples],
                "wallets": [accounts[order.customer_id] for order in dozen.orders],
            },
        )  # fmt: skip
        link, reference = "'https://' || c.link", "'order:' || c.order_id"
        _copy(
            cursor, Order, "t.id = c.example", id="c.order_id", customer_id="c.customer_id", nonce="NULL", link=link,
            link_key="c.link", fields=f"jsonb_set(t.fields, '{{link}}', to_jsonb({link}))",
            upstream_id="c.upstream_id::text", next_poll_at="NULL", provider_charge=_CHARGE,
        )  # fmt: skip
        _copy(
            cursor, Transfer, "t.reference = 'order:' || c.example", reference=reference,
            key=f"{reference} || {_OF_THE_ORDER}", source_id=_account("source_id"), target_id=_account("target_id"),
        )  # fmt: skip
        _copy(cursor, Hold, "t.reference = 'order:' || c.example", reference=reference, wallet_id=_account("wallet_id"))
        _copy(cursor, OrderEvent, "t.order_id = c.example", order_id="c.order_id")
        _copy(
            cursor, ForwardAttempt, "t.id = c.attempt", id="c.attempt_id", order_id="c.order_id",
            token="gen_random_uuid()",  # noqa: S106 - no password: a new one for each attempt
            upstream_id="c.upstream_id::text",
        )  # fmt: skip
        _copy(cursor, ProviderExchange, "t.forward_attempt_id = c.attempt", forward_attempt_id="c.attempt_id")
        _copy(
            cursor, OwnId, "t.attempt_id = c.attempt", attempt_id="c.attempt_id", number="c.upstream_id",
            upstream_id="c.upstream_id::text",
        )  # fmt: skip
        for statement in _KINDS.split(";"):
            cursor.execute(statement, {"large": dozen.large.pk})
        cursor.execute(_BALANCES)
        # The histories of the wallets are written anew, as a migration wrote those of older transfers.
        cursor.execute("DELETE FROM billing_walletline")
        cursor.execute(_filling._FILL, {"wallets": list(accounts.values()), "after": 0, "bound": _filling._LAST})
        cursor.execute(_LINES)
        for model in (Order, ForwardAttempt):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'),"  # noqa: S608 - our own table
                f" (SELECT max(id) FROM {model._meta.db_table}))"
            )
    of_orders = (OrderEvent, ForwardAttempt, ProviderExchange, OwnId, ChildOrder, Refill)
    for grown in (Order, *of_orders, Transfer, Hold, Account, WalletLine):
        stage.analyze(grown._meta.db_table)
    return time.perf_counter() - began


def _newest(cursor: Any, model: "type[Model]") -> int:
    cursor.execute(f"SELECT max(id) FROM {model._meta.db_table}")  # noqa: S608 - our own table
    [number] = cursor.fetchone()
    return int(number)


def _account(column: str) -> str:
    """The wallet of the copy's customer where the original has its own customer's, else the same account."""
    return f"CASE t.{column} WHEN c.example_wallet THEN c.account_id ELSE t.{column} END"


def _copy(cursor: Any, model: "type[Model]", belongs: str, **given: str) -> None:
    """Copy the rows of ``model`` that belong to each example; times move with the age of the copy.

    ``given`` has SQL for the columns that differ; a column that a later version adds is copied as it is.
    """
    values = {
        str(field.column): given.get(str(field.column)) or _value(field)
        for field in model._meta.concrete_fields
        if not field.primary_key or field.column in given
    }
    order = "c.n" if "id" in given or model._meta.pk.name != "id" else "c.n, t.id"
    table, columns = model._meta.db_table, ", ".join(values)
    rows = f"SELECT {', '.join(values.values())} FROM copies c JOIN {table} t ON {belongs} ORDER BY {order}"  # noqa: S608
    cursor.execute(f"INSERT INTO {table} ({columns}) {rows}")  # noqa: S608 - names and SQL of this module


def _value(field: "Field[Any, Any]") -> str:
    from django.db.models import DateTimeField

    return f"t.{field.column} - c.age" if isinstance(field, DateTimeField) else f"t.{field.column}"
