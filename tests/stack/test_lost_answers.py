"""200 orders at once while a fifth of the answers is lost, with real workers, and one of them killed on the way."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from billing.models import Hold
from core.clock import database_now
from orders.checkout.placement import place_order
from orders.forwarding import lanes
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome, Progress
from storefront.embedded.place import ServerPlace
from tests.orders.cast import Shop, customer, provider_at, service_of
from tests.orders.conftest import ROWS
from tests.stack.running import kill_group, running, until
from upstream.simulator.catalog import Catalog
from upstream.simulator.running import RunningSimulator, running_simulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.walk]

ORDERS = 200


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator(catalog=Catalog.from_rows(ROWS), seconds=2) as provider:
        yield provider


@pytest.fixture
def shop(simulator: RunningSimulator) -> Shop:
    provider = provider_at(simulator)
    provider.probing_enabled = False  # these stories count what is lost; tests/battery tells how it is found again
    provider.save(update_fields=["probing_enabled"])
    return Shop(simulator, provider, service_of(provider))


def redis_url(place: ServerPlace) -> str:
    redis = place.redis(durable=False)
    redis.start()
    return redis.url


def test_lost_answers_and_a_worker_killed_in_mid_send_are_the_only_doubts(
    shop: Shop, own_place: ServerPlace, tmp_path: Path
) -> None:
    shop.simulator.control(every=5, fault="close_no_answer", actions=["add"])
    buyers = [customer(f"buyer{n}@example.com") for n in range(4)]
    with running(tmp_path, redis_url(own_place)) as stack:
        worker = stack.worker()
        stack.beat()
        place_at_once(shop, buyers)
        until(lambda: len(shop.accepted()) >= ORDERS // 4, 60, "a quarter was accepted")
        shop.simulator.hold_next_add()
        [held] = shop.simulator.wait_for_held()
        kill_group(worker)  # the provider has read the order, and its answer reaches nobody
        shop.simulator.release()
        stack.worker()
        until(_quiet, 120, "every order is settled or in doubt")

    accepted = Counter(order["link"] for order in shop.accepted())
    assert max(accepted.values()) == 1
    assert len(accepted) == ORDERS
    killed = Order.objects.get(link=held["link"])
    assert killed.forward_state == Forward.IN_DOUBT
    lost = set(Order.objects.filter(forward_state=Forward.IN_DOUBT).values_list("link", flat=True))
    assert len(lost) == shop.simulator.record()["faults"]["close_no_answer"] + 1
    assert Order.objects.filter(forward_state=Forward.PLACED).count() == ORDERS - len(lost)
    _check_money_and_ids(shop)


def test_orders_placed_while_redis_is_down_leave_when_it_is_back(
    shop: Shop, own_place: ServerPlace, tmp_path: Path
) -> None:
    redis = own_place.redis(durable=False)
    redis.start()
    alice = customer()
    with running(tmp_path, redis.url) as stack:
        stack.worker()
        stack.beat()
        shop.buys(alice, link="https://example.com/p/before")
        until(lambda: len(shop.accepted()) == 1, 30, "the shop forwards")
        redis.kill()
        until(lambda: "Connection to broker lost" in stack.log_of("worker"), 30, "the worker misses its broker")
        # What rang before may still be at work: a lane takes whatever is due until it finds nothing.
        until(lambda: not held_lanes(), 30, "every lane was given back")
        shop.buys(alice, link="https://example.com/p/while-down")
        assert Order.objects.filter(forward_state=Forward.QUEUED).count() == 1
        redis.start()
        until(lambda: len(shop.accepted()) == 2, 60, "the order left by itself")
        until(_quiet, 60, "both orders are settled")
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 2


def test_a_shop_without_any_broker_runs_on_the_sweep_alone(shop: Shop, tmp_path: Path) -> None:
    alice = customer()
    with running(tmp_path, "redis://127.0.0.1:9/0") as stack:
        for number in range(3):
            shop.buys(alice, link=f"https://example.com/p/{number}?fate=partial:157")
        stack.start("sweep", "django", "sweep", "--loop", DJANGO_SETTINGS_MODULE="storefront.settings")
        until(_quiet, 60, "the orders are settled")
    assert Order.objects.filter(progress=Progress.PARTIAL).count() == 3


def held_lanes() -> int:
    """How many lanes to providers are held by sessions of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND l.classid = %s AND d.datname = current_database()",
            [lanes.NAMESPACE],
        )
        [count] = cursor.fetchone()
    return int(count)


def place_at_once(shop: Shop, buyers: list[User]) -> None:
    barrier, wrong = threading.Barrier(20), []

    def buy(first: int) -> None:
        try:
            barrier.wait()
            for number in range(first, first + ORDERS // 20):
                place_order(
                    customer=buyers[number % len(buyers)],
                    service_id=shop.service.pk,
                    fields={"link": f"https://example.com/p/{number}?fate=completed", "quantity": "100"},
                    nonce=f"n{number}",
                    now=database_now(),
                )
        except BaseException as problem:  # noqa: BLE001 - shown by the assertion below
            wrong.append(problem)
        finally:
            connection.close()

    crowd = [threading.Thread(target=buy, args=(first,)) for first in range(0, ORDERS, ORDERS // 20)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert not wrong
    assert Order.objects.count() == ORDERS


def _quiet() -> bool:
    """Nothing is under way any more: each order is in doubt, or placed and at its end."""
    open_orders = Order.objects.exclude(forward_state=Forward.IN_DOUBT)
    return not open_orders.exclude(forward_state=Forward.PLACED, finished_at__isnull=False).exists()


def _check_money_and_ids(shop: Shop) -> None:
    ours = dict(Order.objects.filter(forward_state=Forward.PLACED).values_list("upstream_id", "link"))
    theirs = {str(order["order"]): order["link"] for order in shop.accepted()}
    assert ours.items() <= theirs.items()
    for hold in Hold.objects.all():
        in_doubt = Order.objects.get(pk=hold.reference.removeprefix("order:")).forward_state == Forward.IN_DOUBT
        assert (hold.earned, hold.refunded) == ((0, 0) if in_doubt else (hold.charged, 0))
    assert not ForwardAttempt.objects.filter(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]).exists()
    out = StringIO()
    call_command("audit", "--json", stdout=out)
    assert json.loads(out.getvalue())["ok"] is True
