"""Threads behind one barrier, and what a race needs around them: a judge, a customer with money, time enough."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from billing.ledger import NotEnoughMoney
from core.refusals import Refusal
from tests.battery import counts
from tests.battery.judge import Judge, Truth
from tests.orders.cast import Shop, customer

ROUNDS = counts.sized(3, 20, 200)
#: The largest crowd.
THREADS = 40
Operation = Callable[[], object]


class Crowd:
    """Threads that keep their database sessions from round to round: opening them is most of what a round costs."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    def __call__(self, operations: Sequence[Operation]) -> list[Any]:
        """What each of them returned, or the refusal or the mishap of the database it met instead."""
        barrier = threading.Barrier(len(operations))

        def run(operation: Operation) -> object:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            try:
                return operation()
            except (Refusal, NotEnoughMoney, psycopg.Error) as problem:
                return problem

        return list(self._threads.map(run, operations))


@pytest.fixture
def all_at_once(db: None) -> Iterator[Crowd]:
    with ThreadPoolExecutor(THREADS) as threads:
        crowd = Crowd(threads)
        yield crowd
        crowd([lambda: connection.close()] * THREADS)  # Late bound: each thread has a connection of its own.


@pytest.fixture(autouse=True)
def roomy_leases(quick_timetable: None, settings: Any) -> None:
    """Nothing hangs here, and a busy machine must not make a lease end."""
    settings.FORWARD_DEADLINE_SECONDS = 20
    settings.FORWARD_LEASE_SECONDS = 60


@pytest.fixture
def judge(shop: Shop) -> Iterator[Judge]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
        yield Judge(session, lambda: {shop.provider.pk: shop.accepted()}, Truth())


@pytest.fixture
def rich(db: None) -> User:
    return customer("rich@example.com", money="100000")


def of_round(number: int, more: str = "") -> str:
    return f"https://example.com/p/{number}{more}"
