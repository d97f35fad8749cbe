"""A shop that knows its place, and one that was put back from a dump: what the stories of both begin with."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from billing import audit as money
from billing.audit import check
from core.clock import database_now
from orders import audit as orders_audit
from orders import freezing, refills
from orders.models import Refill, ShopState
from tests.orders.cast import Shop
from tests.roles import superuser_session

__all__ = ["dump", "no_waiting", "settled"]  # the fixtures


@pytest.fixture(autouse=True)
def no_waiting(settings: Any) -> None:
    settings.DOUBT_SETTLE_SECONDS = settings.BREAKER_TRIAL_SECONDS = settings.RUNS_SETTLE_SECONDS = 0
    settings.PROBE_PASS_GAP_SECONDS = 0


@pytest.fixture
def settled(shop: Shop) -> Shop:
    """A shop that has looked at itself once, as every shop has after its first round."""
    assert freezing.check(now=database_now()) is False
    return shop


def asks_for_a_refill(shop: Shop, who: User) -> Refill:
    """Of an order that was placed and ended well; nothing has been sent of it yet."""
    order = shop.buys(who, link="https://example.com/p/1?fate=completed&after=1")
    shop.forwards()
    shop.simulator.control(advance=30)
    shop.follows()
    order.refresh_from_db()
    return refills.request_refill(order=order, actor="alice", now=database_now())


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def thaw(shop: Shop, recent: str, *more: str) -> str:
    return run("thaw", "--provider", shop.provider.name, "--recent-order-id", recent, "--reason", "dump of 3 am", *more)


def state() -> ShopState:
    return ShopState.objects.get()


def newest(shop: Shop) -> str:
    return str(shop.accepted()[-1]["order"])


def audit() -> list[str]:
    return [f"{f.name}: {f.rows}" for f in check([*money.EQUATIONS, *orders_audit.EQUATIONS]) if not f.holds]


@contextmanager
def dumped_and_put_back() -> Iterator[None]:
    """Copy the database now; after the block, the shop runs on the copy, as after a restore of it."""
    name = str(connection.settings_dict["NAME"])
    copy = f"{name}_dump"
    connection.close()
    with superuser_session("postgres", autocommit=True) as server:
        # The lane that is kept, and threads of earlier tests that have nothing more to do here.
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    yield
    connection.close()
    connection.settings_dict["NAME"] = copy


@pytest.fixture
def dump() -> Iterator[Any]:
    name = str(connection.settings_dict["NAME"])
    yield dumped_and_put_back
    connection.close()
    connection.settings_dict["NAME"] = name
    with superuser_session("postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}_dump" WITH (FORCE)')
