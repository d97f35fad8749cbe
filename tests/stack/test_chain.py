"""Two shops in a chain: the test's own is the child, a second installation its provider, the simulator behind both."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from accounts.models import User
from billing.models import Hold
from catalog.models import Provider, Service
from catalog.sync.run import sync_provider
from core.clock import database_now
from orders import cancellations, refills, sweep
from orders.checkout.placement import place_order
from orders.following import poll
from orders.forwarding import dispatch, refill_sends
from orders.models import Order, Refill
from orders.refills import request_refill
from orders.states import Forward, Progress, RefillState
from tests.orders.cast import balance, customer
from tests.orders.conftest import ROWS
from tests.roles import superuser_session
from tests.stack.lossy_door import lossy_door
from tests.stack.running import QUICK, ROOT, Stack, database_url, running, until
from upstream.simulator.catalog import Catalog
from upstream.simulator.running import RunningSimulator, running_simulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.walk]


class Parent:
    """The other installation: processes and a database of its own, reached by its commands and its API alone."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.stack = stack
        self.key = key

    @property
    def url(self) -> str:
        return f"{self.stack.url}/api/v2"

    def links(self) -> list[str]:
        """Return the links of all orders it has, oldest first."""
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as c:
            return [link for (link,) in c.execute("SELECT link FROM orders_order ORDER BY id")]


def _manage(env: dict[str, str], *words: str) -> str:
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "DATABASE_OWNER_URL": "", **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def quick_child(settings: Any) -> None:
    settings.FORWARD_DEADLINE_SECONDS, settings.FORWARD_LEASE_SECONDS = 5, 15
    settings.POLL_SECONDS, settings.POLL_CALLS_PER_MINUTE = 1, 60_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(catalog=Catalog.from_rows(ROWS), seconds=2) as provider:
        yield provider


@pytest.fixture(scope="module")
def parent_database(django_db_setup: None) -> Iterator[str]:
    """The URL of a database named after the test's own and copied from it, which is empty between two tests."""
    own = urlsplit(database_url())
    source, name = own.path.lstrip("/"), f"{own.path.lstrip('/')}_parent"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
    connection.close()
    with superuser_session("postgres", autocommit=True) as c:
        c.execute(drop)
        # Only a database that nobody uses can be copied, and a thread of an earlier test may have left a session.
        c.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [source])
        c.execute(copy)
        yield own._replace(path=f"/{name}").geturl()
        c.execute(drop)


@pytest.fixture(scope="module")
def parent(
    parent_database: str, simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Parent]:
    env = {**QUICK, "DATABASE_URL": parent_database, "REDIS_URL": "redis://127.0.0.1:9/0"}
    _manage(env, "add_provider", "Simulator", "--url", simulator.url, "--key", simulator.key, "--open")
    _manage(env, "sync_catalog")
    with psycopg.connect(parent_database) as c:
        c.execute("UPDATE catalog_provider SET can_cancel = true")
    made = _manage(env, "create_customer", "child@example.com", "--credit", "100", "--with-key", "--json")
    folder = tmp_path_factory.mktemp("parent")
    with running(folder, env["REDIS_URL"], DATABASE_URL=parent_database, API_RATE_PER_MINUTE="100000") as stack:
        stack.web()
        stack.start("sweep", "django", "sweep", "--loop", DJANGO_SETTINGS_MODULE="storefront.settings")
        yield Parent(stack, json.loads(made)["api_key"])
        _audit_passes(_manage(env, "audit", "--json"))


@pytest.fixture
def alice(db: None) -> User:
    return customer()


def child_of(parent: Parent, url: str = "") -> Service:
    """Make the parent this shop's provider, take over its list, and sell its followers."""
    provider = Provider(name="Parent", url=url or parent.url, currency="USD", can_cancel=True, new_services="shown")
    provider.set_key(parent.key)
    provider.save()
    sync_provider(provider, now=database_now())
    return Service.objects.on_sale().get(name="Followers")


def buy(who: User, service: Service, link: str, quantity: int = 1000) -> Order:
    fields = {"link": link, "quantity": str(quantity)}
    return place_order(customer=who, service_id=service.pk, fields=fields, now=database_now()).order


def links_at(simulator: RunningSimulator, story: str) -> list[str]:
    """Return the links of one story's orders as the simulator has accepted them; all stories share it."""
    return [row["link"] for row in simulator.orders() if f"/{story}/" in row["link"]]


def follow_until(order: Order, ends: Progress) -> Order:
    def has_ended() -> bool:
        Order.objects.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())
        poll.follow_due(seconds=5)
        return Order.objects.get(pk=order.pk).progress == ends

    until(has_ended, 60, f"order {order.pk} is {ends}")
    return Order.objects.get(pk=order.pk)


def _audit_passes(said: str) -> None:
    assert json.loads(said)


def test_the_child_sells_what_the_parent_sells_at_a_markup(parent: Parent) -> None:
    service = child_of(parent)
    source = service.source
    assert (source.rate, source.type, source.min, source.max) == (Decimal("1.17"), "default", 1, 100_000)
    assert (source.refill, source.cancel) == (True, True)
    assert service.price == Decimal("1.521")


def test_an_order_goes_through_both_and_its_money_comes_back_through_both(
    parent: Parent, alice: User, simulator: RunningSimulator
) -> None:
    service = child_of(parent)
    done = buy(alice, service, "https://example.com/both/1?fate=completed")
    part = buy(alice, service, "https://example.com/both/2?fate=partial:157")
    off = buy(alice, service, "https://example.com/both/3?fate=canceled")
    assert dispatch.forward_due(seconds=20) == 3
    follow_until(done, Progress.COMPLETED)
    part, off = follow_until(part, Progress.PARTIAL), follow_until(off, Progress.CANCELED)
    assert links_at(simulator, "both") == [done.link, part.link, off.link]
    assert (part.remains, off.refunded) == (157, off.charge)
    assert balance(alice) == 100 - done.charge - part.net_charge

    refill = request_refill(order=done, actor="alice", now=database_now())
    refill_sends.send_due(seconds=10)

    def is_refilled() -> bool:
        Refill.objects.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())
        refills.follow_due(seconds=5)
        return Refill.objects.get(pk=refill.pk).state == RefillState.COMPLETED

    until(is_refilled, 60, "the refill is done")
    out = StringIO()
    call_command("audit", "--json", stdout=out)
    _audit_passes(out.getvalue())


def test_a_running_order_is_canceled_through_both(parent: Parent, alice: User, simulator: RunningSimulator) -> None:
    service = child_of(parent)
    order = buy(alice, service, "https://example.com/canceled/1?fate=never_moves")
    assert dispatch.forward_due(seconds=20) == 1
    until(lambda: links_at(simulator, "canceled") == [order.link], 30, "the parent has sent it")
    cancellations.request_cancel(order=Order.objects.get(pk=order.pk), actor="alice", now=database_now())

    def is_canceled() -> bool:
        Order.objects.filter(next_poll_at__isnull=False).update(next_poll_at=database_now())
        sweep.do_due(now=database_now(), seconds=5)
        return Order.objects.get(pk=order.pk).progress == Progress.CANCELED

    until(is_canceled, 60, "the order is canceled")
    assert balance(alice) == 100


def test_lost_answers_between_the_shops_double_no_order(
    parent: Parent, alice: User, simulator: RunningSimulator
) -> None:
    with lossy_door(parent.url, loses=lambda action, number: action == "add" and number % 3 == 0) as door:
        service = child_of(parent, url=door.url)
        bought = [buy(alice, service, f"https://example.com/lost/{n}?fate=completed", 100) for n in range(9)]
        until(lambda: dispatch.forward_due(seconds=20) == 0 and not _is_queued(), 60, "all orders were tried")
        placed = [o for o in Order.objects.all() if o.forward_state == Forward.PLACED]
        for order in placed:
            follow_until(order, Progress.COMPLETED)
    doubts = Order.objects.filter(forward_state=Forward.IN_DOUBT)
    assert len(placed) + doubts.count() == len(bought)
    assert doubts.count() == door.lost > 0
    links = [link for link in parent.links() if "/lost/" in link]
    assert len(links) == len(set(links)) == len(bought)
    until(lambda: len(links_at(simulator, "lost")) == len(bought), 30, "the parent has sent all of them")
    for order in doubts:
        assert Hold.objects.get(reference=order.reference).refunded == 0


def _is_queued() -> bool:
    return Order.objects.filter(forward_state=Forward.QUEUED, provider__parked_at=None).exists()
