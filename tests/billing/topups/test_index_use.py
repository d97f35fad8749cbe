"""What staff see of a million top-ups is found by indexes: with some thousands, none of it reads the table whole."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from billing.models import TopUp, TopUpPayment, TopUpState, TransferNotice
from core.clock import database_now
from storefront.cockpit.todo import _of_topups
from tests.billing.cast import customer
from tests.billing.topups.cast import method, started
from tests.roles import superuser_session
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 4_000


@pytest.fixture
def waiting() -> dict[str, TopUp]:
    """Two top-ups that wait for staff, among some thousands that are paid or only pending."""
    alice, bob = customer(has="0"), customer("bob@example.com", has="0")
    by = method("manual", name="Bank")
    now = database_now()
    first, second = started(alice, by), started(alice, by)
    common = {"method": by, "is_live": True, "credit_amount": 10, "pay_amount": 10, "pay_currency": "USD"}
    rows = TopUp.objects.bulk_create(
        TopUp(
            customer=bob, nonce=uuid4().hex, remote_id=f"m-{n}", expires_at=now, watch_until=now, **common,
            state=TopUpState.EXPIRED if n % 10 else TopUpState.PENDING,
        )
        for n in range(MANY)
    )  # fmt: skip
    TopUpPayment.objects.bulk_create(
        TopUpPayment(topup=row, method=by, payment_id=f"p-{row.pk}", amount=10, currency="USD", seen_at=now)
        for row in rows
    )
    TransferNotice.objects.create(topup=first, sender="Alice", at=now)
    TopUp.objects.filter(pk=second.pk).update(state=TopUpState.HELD)
    above = rows[9]
    TopUp.objects.filter(pk=above.pk).update(state=TopUpState.PAID, received=14, credited=10)
    TopUpPayment.objects.filter(topup=above).update(amount=14)
    with superuser_session(autocommit=True) as session:
        for table in ("topup", "topuppayment", "transfernotice"):
            session.execute(f"ANALYZE billing_{table}")
    return {"sent": first, "held": second, "paid": rows[7], "above": above}


def scans(queries: Any) -> list[str]:
    """The plans of those questions about top-ups that read the whole table, or every entry of an index of it."""
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            if "billing_topup" not in query["sql"] or not query["sql"].startswith("SELECT"):
                continue
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            if "Seq Scan on billing_topup" in plan or "SubPlan" in plan:
                found.append(f"{query['sql']}\n{plan}")
    return found


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


def listed(boss: Client, **asked: str) -> tuple[set[int], list[str]]:
    with CaptureQueriesContext(connection) as done:
        answer = boss.get(reverse("admin:billing_topup_changelist"), asked)
    # The whole number of all rows is one that every list of the admin shows.
    counted = [q for q in done.captured_queries if "WHERE" in q["sql"]]
    return {row.pk for row in answer.context["cl"].result_list}, scans(counted)


def test_what_waits_for_staff(waiting: dict[str, TopUp], boss: Client) -> None:
    found, whole = listed(boss, decide="1")
    assert found == {waiting["sent"].pk, waiting["held"].pk}
    assert whole == []
    with CaptureQueriesContext(connection) as done:
        lines = list(_of_topups(database_now()))
    assert [line.count for line in lines] == [2, 1]
    assert scans(done.captured_queries) == []
    assert listed(boss, decide="uncredited") == ({waiting["above"].pk}, [])


def test_the_search(waiting: dict[str, TopUp], boss: Client) -> None:
    paid, sent = waiting["paid"], waiting["sent"]
    for text, expected in (
        (paid.number, {paid.pk}),
        (paid.remote_id, {paid.pk}),
        (paid.reference, {paid.pk}),
        (f"p-{paid.pk}", {paid.pk}),
        (sent.customer.email, {sent.pk, waiting["held"].pk}),
    ):
        assert listed(boss, q=text) == (expected, []), text
        assert listed(boss, q=f"{text} nothing")[0] == set(), text
