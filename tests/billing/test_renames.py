"""The migrations that rename columns and tables keep every value, on a shop with rows of each kind.

That each guard still refuses its bad row is shown by test_schema: its database comes out of the same migrations.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.clock import database_now
from orders.models import (
    BreakerState,
    Cancellation,
    ChildOrder,
    PollSchedule,
    ProbeSchedule,
    ProviderExchange,
    ReconciliationSchedule,
)
from orders.states import Outcome, Progress
from storefront.embedded.postgres import OWNER_ROLE
from tests.billing import cast

# Some migrations build indexes concurrently, which no transaction may do.
pytestmark = pytest.mark.django_db(transaction=True)

#: The state before the renames.
BEFORE = ("orders", "0011_probing_pace")

#: Table and columns before, table and columns now.
RENAMED = [
    ("orders_order", "returned heard_at heard_currency", "orders_order", "refunded answered_at answered_currency"),
    ("orders_childorder", "heard_at", "orders_childorder", "answered_at"),
    ("orders_forwardattempt", "heard_id", "orders_forwardattempt", "unconfirmed_id"),
    ("orders_refillattempt", "heard_id", "orders_refillattempt", "unconfirmed_id"),
    ("orders_providerexchange", "said", "orders_providerexchange", "transcript"),
    (
        "orders_sendinggate", "shut_at shut_because opened_at streak",
        "orders_breakerstate", "tripped_at tripped_because reset_at streak",
    ),
    ("orders_polldesk", "next_call_at busy halvings", "orders_pollschedule", "next_call_at busy halvings"),
    ("orders_probedesk", "id next_at scanned_to", "orders_probeschedule", "id next_at scanned_to"),
    ("orders_reconciliationdesk", "id next_at tries", "orders_reconciliationschedule", "id next_at tries"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def all_migrations(transactional_db: None) -> Iterator[None]:
    """Leave the database as it was, whatever the test did to it."""
    yield
    migrate()


@pytest.fixture
def shop() -> None:
    """A row in every renamed table, and a value in every renamed column."""
    alice, bob, service, now = cast.customer(), cast.customer("bob@example.com"), cast.service(), database_now()
    provider = service.source.provider
    partial = cast.order(alice, service)
    cast.placed(partial, "5001", progress=Progress.PARTIAL, remains=250, answered_at=now, answered_currency="USD")
    cast.settled(partial, "0.25")
    attempt = cast.doubted(cast.order(bob, service))
    type(attempt).objects.filter(pk=attempt.pk).update(unconfirmed_id="5002")
    refill_attempt = cast.refill_attempt(cast.refill(partial))
    cast.end(refill_attempt, Outcome.SENDING, unconfirmed_id="77")
    cast.end(refill_attempt, Outcome.IN_DOUBT)
    ProviderExchange.objects.create(
        provider=provider, action="add", transcript={"body": "{}"}, forward_attempt=attempt, send_calls=1
    )
    ChildOrder.objects.create(parent=partial, provider=provider, upstream_id="5003", answered_at=now)
    Cancellation.objects.create(order=cast.order(alice, service), provider=provider)
    BreakerState.objects.create(provider=provider, tripped_at=now, tripped_because="doubts", reset_at=now, streak=3)
    PollSchedule.objects.create(provider=provider, next_call_at=now, busy=[now], halvings=2)
    ProbeSchedule.objects.create(provider=provider, next_at=now, scanned_to=5001)
    ReconciliationSchedule.objects.create(provider=provider, next_at=now, tries=4)


def migrate(*targets: tuple[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks left for the commit cannot be altered
        cursor.execute(f"SET ROLE {OWNER_ROLE}")
        try:
            executor = MigrationExecutor(connection)
            executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())
        finally:
            cursor.execute("RESET ROLE")


def rows(table: str, columns: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns.split())} FROM {table} ORDER BY 1")
        return cursor.fetchall()


@pytest.mark.walk
def test_renames_keep_every_value_and_the_audit_stays_clean(shop: None) -> None:
    now = [rows(table, columns) for _old, _columns, table, columns in RENAMED]
    assert all(found and all(any(column) for column in zip(*found, strict=True)) for found in now), "nothing is empty"
    migrate(BEFORE)
    assert [rows(table, columns) for table, columns, _new, _columns in RENAMED] == now
    migrate()
    assert [rows(table, columns) for _old, _columns, table, columns in RENAMED] == now
    call_command("audit")
