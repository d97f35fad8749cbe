"""Asking several queries at once whether they find a row."""

from typing import Any

import pytest

from core.clock import database_now
from core.existence import any_exists
from notices.heartbeats import beat
from notices.models import Alert, Heartbeat

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", [0, 1], ids=["in the first", "in the last"])
def test_one_row_in_one_of_the_queries_is_enough(order: int, django_assert_num_queries: Any) -> None:
    queries = [Alert.objects.all(), Heartbeat.objects.order_by("-at")]
    first, last = queries[order], queries[1 - order]
    assert not any_exists(first, last)
    beat("sweep", now=database_now())
    with django_assert_num_queries(1):
        assert any_exists(first, last)


def test_a_query_that_can_find_nothing_is_left_out() -> None:
    beat("sweep", now=database_now())
    assert any_exists(Alert.objects.none(), Heartbeat.objects.filter(part__in=[]), Heartbeat.objects.all())
    assert not any_exists(Alert.objects.none())
