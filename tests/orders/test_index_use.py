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
from orders.doubt.evidence import may_own
from orders.models import ForwardAttempt, Order, OwnId
from orders.models.order import DEARER, PARENTS
from orders.pages import tabs
from orders.states import Explanation

pytestmark = pytest.mark.django_db


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
    "order_with_children": lambda p: Order.objects.filter(PARENTS, provider=p, finished_at=None).order_by(),
    "order_ended_otherwise": lambda _p: Order.objects.filter(progress="partial").order_by("-id"),
    "forward_attempt_may_own": lambda _p: ForwardAttempt.objects.filter(may_own()).order_by(),
    "own_id_of_child": lambda p: OwnId.objects.filter(provider=p, explained=Explanation.CHILD).order_by(),
    "hold_newest": lambda _p: Hold.objects.order_by(Length("reference").desc(), "-reference"),
    "transfer_of_rare_code": lambda _p: Transfer.objects.filter(code="chargeback").order_by("-id"),
}


@pytest.mark.parametrize("index", QUERIES)
def test_each_has_an_index(index: str) -> None:
    sql, params = QUERIES[index](Provider(pk=1))[:26].query.sql_with_params()
    assert index in plan_of(sql, params)


def test_counting_the_tabs_reads_no_more_than_its_limit_of_each_state() -> None:
    plan = plan_of(tabs._COUNTS, {"customer": 1})
    assert "Seq Scan" not in plan
    assert plan.count("Limit") == sum(map(len, tabs.STATES.values()))
