from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from orders.models import Order
from tests.orders.answers import placed
from tests.orders.cast import RATE, Shop, customer, provider_at, service_of
from tests.orders.staff import PASSWORD, signed_in
from upstream.simulator.catalog import Catalog
from upstream.simulator.running import RunningSimulator, running_simulator

ROWS = [
    {
        "service": 1,
        "name": "Followers",
        "type": "Default",
        "category": "Instagram",
        "rate": str(RATE),
        "min": "1",
        "max": "100000",
        "refill": True,
        "cancel": True,
        "dripfeed": True,
    },
    {
        "service": 2,
        "name": "Comments",
        "type": "Custom Comments",
        "category": "Instagram",
        "rate": "8",
        "min": "1",
        "max": "100",
        "refill": False,
        "cancel": True,
    },
    {
        "service": 3,
        "name": "Likes for new posts",
        "type": "Subscriptions",
        "category": "Instagram",
        "rate": str(RATE),
        "min": "10",
        "max": "1000",
        "refill": False,
        "cancel": False,
    },
]
#: More services like the first, for stories in which orders have to differ in it.
MORE_ROWS = [{**ROWS[0], "service": number} for number in range(11, 16)]


@pytest.fixture(autouse=True)
def quick_timetable(settings: Any) -> None:
    """Times of the shop scaled down and kept in proportion, and no broker to ring."""
    settings.FORWARD_DEADLINE_SECONDS = 0.6
    settings.FORWARD_LEASE_SECONDS = 1.5
    settings.READ_DEADLINE_SECONDS = 5
    settings.POLL_SECONDS = 1
    settings.POLL_CALLS_PER_MINUTE = 60_000


@pytest.fixture
def unhurried(settings: Any) -> None:
    """A machine that is busy with other things must not turn answers into doubts."""
    settings.FORWARD_DEADLINE_SECONDS, settings.FORWARD_LEASE_SECONDS = 10, 25


@pytest.fixture
def quick_probing(settings: Any) -> None:
    """The search for a lost order waits for nothing between two calls."""
    settings.PROBE_INTERVAL_SECONDS = 0.001


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(catalog=Catalog.from_rows([*ROWS, *MORE_ROWS]), seconds=10) as running:
        yield running


@pytest.fixture
def shop(db: None, simulator: RunningSimulator) -> Shop:
    provider = provider_at(simulator)
    return Shop(simulator, provider, service_of(provider))


@pytest.fixture
def alice(db: None) -> User:
    return customer()


@pytest.fixture
def drip(shop: Shop, alice: User) -> Order:
    """Three runs of 100, placed at a panel that lists them."""
    shop.simulator.control(capabilities={"drip_children": True})
    return placed(shop, shop.drips(alice))


@pytest.fixture
def owner(db: None) -> Client:
    """The owner's browser, fit for decisions about money."""
    return signed_in(User.objects.create_superuser("owner@example.com", PASSWORD))
