"""The database itself refuses: for each constraint and trigger of money and orders, the row it must not take.

The list is compared with what the database has, so that a new guard asks for its bad row, and a lost one is missed.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import Error, connection

from core.clock import database_now
from orders.models import (
    BreakerState,
    Cancellation,
    ChildOrder,
    CustomerMoneyDay,
    ForwardAttempt,
    Job,
    JobItem,
    MassOrder,
    MoneyDay,
    MoneyHour,
    Order,
    PollSchedule,
    ProbePass,
    ProbeSchedule,
    ProviderExchange,
    ReconciliationSchedule,
    Refill,
    RefillAttempt,
    RepeatAttempt,
)
from storefront.embedded.postgres import OWNER_ROLE, SUPERUSER
from tests.billing import (
    bad_books,  # noqa: F401  # Importing the rows puts them on the list.
    bad_deposits,  # noqa: F401
    bad_documents,  # noqa: F401
    bad_doubts,  # noqa: F401
    bad_drafts,  # noqa: F401
    bad_jobs,  # noqa: F401
    bad_limits,  # noqa: F401
    bad_money,  # noqa: F401
    bad_money_days,  # noqa: F401
    bad_notes,  # noqa: F401
    bad_orders,  # noqa: F401
    bad_repeats,  # noqa: F401
    bad_topups,  # noqa: F401
    bad_vouchers,  # noqa: F401
    cast,
)
from tests.billing.bad_rows import BAD_ROWS, BadRow, Shop
from tests.billing.cast import money
from tests.roles import as_role, unguarded

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    alice, bob, service = cast.customer(), cast.customer("bob@example.com"), cast.service()
    return Shop(alice, bob, service, cast.order(alice, service))


CASES = [(name, make) for name, makers in BAD_ROWS.items() for make in makers]


def test_each_bad_row_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    """One shop for all of them, since each is rolled back: a shop takes longer than a row."""
    for name, make in CASES:
        with subtests.test(f"{name}-{getattr(make, '__name__', '')}"):
            assert refusal_of(make, shop) == name


def refusal_of(make: BadRow, shop: Shop) -> str:
    for known in (shop.alice, shop.bob, shop.service, shop.order):
        known.refresh_from_db()
    # Not even the owner of the table may.
    with pytest.raises(Error) as refusal, as_role(OWNER_ROLE):
        make(shop)
    return constraint_of(refusal.value)


def constraint_of(problem: BaseException) -> str:
    diagnosis = getattr(problem.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or repr(problem)


_GUARDS = """
    SELECT conname FROM pg_constraint
    WHERE contype IN ('c', 'u')
      AND conrelid::regclass::text ~ '^(billing_|orders_|accounts_(staffl|money)|support_customern)'
    UNION
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text ~ '^(billing_|orders_|accounts_(staffl|money))'
    UNION
    SELECT found[1] FROM pg_proc, regexp_matches(prosrc, 'CONSTRAINT = ''(\\w+)''', 'g') found
    WHERE proname ~ '^(billing|orders)_'
"""


_COUNTING = (
    Order,
    Refill,
    ForwardAttempt,
    RefillAttempt,
    RepeatAttempt,
    ProviderExchange,
    Cancellation,
    ChildOrder,
    PollSchedule,
    ProbePass,
    ProbeSchedule,
    ReconciliationSchedule,
    BreakerState,
    Job,
    JobItem,
    MassOrder,
    MoneyHour,
    MoneyDay,
    CustomerMoneyDay,
)


def not_below_zero() -> Iterator[tuple[str, str, str]]:
    """Table, column and name of the checks that come with every positive number."""
    for model in _COUNTING:
        for field in model._meta.local_fields:
            if field.get_internal_type() in ("PositiveIntegerField", "PositiveSmallIntegerField"):
                table = model._meta.db_table
                yield table, field.column, f"{table}_{field.column}_check"


def truncated() -> Iterator[tuple[str, str]]:
    """Every table that has a guard against changes of its rows, and what refuses to truncate it."""
    for table in (
        "account",
        "transfer",
        "hold",
        "walletline",
        "topup",
        "topuppayment",
        "topupevent",
        "helddeposit",
        "voucher",
        "transferreview",
    ):
        yield f"billing_{table}", "money_is_never_truncated"
    for table in (
        *("order", "forwardattempt", "refillattempt", "ownid", "providerexchange", "orderevent"),
        *("providerentry", "balancereading", "reconciliationbreak", "thawscan", "repeatattempt", "requestidtest"),
    ):
        yield f"orders_{table}", "orders_are_never_truncated"


@pytest.mark.parametrize(("table", "name"), list(truncated()))
def test_no_role_truncates_a_table_with_a_guard(table: str, name: str) -> None:
    with pytest.raises(Error) as refusal, as_role(SUPERUSER), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")
    assert constraint_of(refusal.value) == name


def test_every_table_whose_rows_cannot_be_deleted_cannot_be_truncated() -> None:
    """A guard that is called before a DELETE, and refuses it, has one beside it that is called before a TRUNCATE."""
    with connection.cursor() as cursor:
        # 8 and 32: called on DELETE, on TRUNCATE.
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger t WHERE NOT tgisinternal AND tgtype & 8 > 0"
            " AND NOT EXISTS (SELECT 1 FROM pg_trigger o WHERE o.tgrelid = t.tgrelid AND o.tgtype & 32 > 0)"
        )
        assert cursor.fetchall() == []


def test_no_guard_is_without_its_bad_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        there = {row[0] for row in cursor.fetchall()}
    assert there == set(BAD_ROWS) | {row[-1] for row in (*not_below_zero(), *truncated())}


def test_no_count_is_below_zero(shop: Shop, subtests: pytest.Subtests) -> None:
    attempt = cast.attempt(shop.order)
    cast.refill_attempt(cast.refill(shop.order))
    cast.repeat(attempt)
    provider, now = shop.order.provider, database_now()
    ProviderExchange.objects.create(provider=provider, action="add", transcript={}, forward_attempt=attempt)
    Cancellation.objects.create(order=shop.order, provider=provider)
    ChildOrder.objects.create(parent=shop.order, provider=provider, upstream_id="7")
    ProbePass.objects.create(provider=provider, started_at=now, finished_at=now)
    PollSchedule.objects.create(provider=provider, next_call_at=now)
    ProbeSchedule.objects.create(provider=provider)
    ReconciliationSchedule.objects.create(provider=provider, next_at=now)
    BreakerState.objects.create(provider=provider)
    job = Job.objects.create(kind="refill", customer=shop.alice, actor="a", nonce="n", total=1, created_at=now)
    JobItem.objects.create(job=job, object_id=1)
    MassOrder.objects.create(
        customer=shop.alice, nonce="n", numbers=[1], lines=[1], charge=money("1"), left=0, created_at=now
    )
    nothing: dict[str, Any] = dict.fromkeys(("orders", "ended", "earned", "refunded", "late_refunds", "cost"), 0)
    MoneyDay.objects.create(day=now.date(), service=shop.service, provider=provider, **nothing)
    CustomerMoneyDay.objects.create(day=now.date(), customer=shop.alice, **nothing)
    names = [field.name for field in MoneyHour._meta.local_fields if field.name != "hour"]
    MoneyHour.objects.create(hour=now, **dict.fromkeys(names, 0))
    for table, column, name in not_below_zero():
        with subtests.test(name):
            # The row's own guards would refuse first; this is about the check alone.
            with pytest.raises(Error) as refusal, unguarded(), connection.cursor() as cursor:
                cursor.execute(f'UPDATE {table} SET "{column}" = -1')
            assert constraint_of(refusal.value) == name


def test_no_amount_is_compared_with_a_number_that_is_converted_for_each_statement(shop: Shop) -> None:
    """What a row is checked against on the way of every order; elsewhere it does not matter."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'c' AND conrelid::regclass::text = ANY (%s)
            """,
            [["orders_order", "billing_account", "billing_transfer", "billing_hold"]],
        )
        rules = cursor.fetchall()
    assert rules
    assert [name for name, rule in rules if ")::numeric" in rule] == []
