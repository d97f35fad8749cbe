"""The queries that would otherwise read every order, attempt or hold find an index made for them.

The tables of a test are empty, and Postgres would read them whole; told not to, it shows whether an index fits.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Length

from billing.models import Hold, Transfer
from catalog.models import Provider
from core.clock import database_now
from orders.checkout import waiting
from orders.doubt.evidence import may_own
from orders.models import ForwardAttempt, Order, OwnId, Refill
from orders.models.order import DEARER, NOT_OVER, PARENTS
from orders.pages import tabs
from orders.states import Explanation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_in_a_new_database")]


def plan_of(sql: str, params: Any = None) -> str:
    with connection.cursor() as cursor:
        for way in ("seqscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


Ask = Callable[[Provider], QuerySet[Any]]

QUERIES: dict[str, Ask] = {
    "order_to_look_at": lambda _p: Order.objects.exclude(needs_review=""),
    "order_dearer": lambda p: Order.objects.filter(DEARER, provider=p),
    # One column: in an empty table each index of parents costs the same for a whole row.
    "order_with_children": lambda p: (
        Order.objects.filter(PARENTS, provider=p, finished_at=None).order_by("finished_at").values_list("finished_at")
    ),
    "order_parent_in_list": lambda _p: Order.objects.filter(PARENTS, customer=1).values_list("runs", "pk"),
    "order_in_list": lambda _p: Order.objects.filter(customer=1).values_list("service", "created_at", "pk"),
    "refill_of_customer": lambda _p: Refill.objects.filter(customer=1),
    "order_completed": lambda _p: (
        Order.objects.filter(progress="completed", finished_at__gt=database_now())
        .order_by("finished_at")
        .values_list("finished_at", "created_at")
    ),
    "order_ended_otherwise": lambda _p: Order.objects.filter(progress="partial").order_by("-id"),
    "order_not_over": lambda _p: Order.objects.filter(NOT_OVER).order_by("-id"),
    "forward_attempt_may_own": lambda _p: ForwardAttempt.objects.filter(may_own()).order_by(),
    "own_id_of_child": lambda p: OwnId.objects.filter(provider=p, explained=Explanation.CHILD).order_by(),
    "hold_newest": lambda _p: Hold.objects.order_by(Length("reference").desc(), "-reference"),
    "transfer_of_rare_code": lambda _p: Transfer.objects.filter(code="chargeback").order_by("-id"),
}


@pytest.mark.parametrize("index", QUERIES)
def test_each_has_an_index(index: str) -> None:
    sql, params = QUERIES[index](Provider(pk=1))[:26].query.sql_with_params()
    assert index in plan_of(sql, params)


def test_releasing_waiting_orders_reads_them_and_those_of_their_links_alone() -> None:
    plan = plan_of(waiting._RELEASE, [database_now()])
    assert "Seq Scan" not in plan
    assert "order_waits_for_order" in plan
    assert "Anti Join" in plan, "the earlier orders of each link are looked up only when the one before has ended"


def test_counting_the_tabs_reads_no_more_than_its_limit_of_each_state() -> None:
    plan = plan_of(tabs._COUNTS, {"customer": 1})
    assert "Seq Scan" not in plan
    assert plan.count("Limit") == sum(map(len, tabs.STATES.values()))
