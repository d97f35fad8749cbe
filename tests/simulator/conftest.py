"""A provider on sockets for the tests that need one, and one without sockets for those that set the clock."""

from collections.abc import Iterator

import pytest

from tests.simulator.fake_time import ROWS, Clock
from upstream.simulator import Catalog, RunningSimulator, Simulator, running_simulator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> Simulator:
    """Catalog of five rows, an order takes 100 seconds, 10,000 USD at the provider."""
    return Simulator(Catalog.from_rows(ROWS), clock=clock, seconds=100)


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningSimulator]:
    with running_simulator(catalog=Catalog.from_rows(ROWS), seconds=100) as running:
        yield running
