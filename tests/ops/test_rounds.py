"""What a round asks of the database while there is nothing to do; the beginnings and ends of transactions count."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from storefront.rounds import ring_round, work_round
from tests.orders.cast import provider_at, service_of
from upstream.simulator.running import running_simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("do", "most"), [(ring_round, 36), (partial(work_round, seconds=1), 66)], ids=["with workers", "alone"]
)
def test_a_round_with_nothing_to_do_asks_little(
    do: Callable[[], Any], most: int, django_assert_max_num_queries: Any
) -> None:
    with running_simulator() as simulator:
        for number in range(3):
            service_of(provider_at(simulator, f"provider {number}"))
        for _round in range(3):  # what is due at first
            work_round(seconds=1)
        with django_assert_max_num_queries(most):
            do()
