"""Providers with a field for the key of a request: one honours it, one says so and ignores it. Both lose answers.

The owner's test order comes first, as in a shop: it proves the one and not the other, so that only the one is sent a
request twice. Its own number, or two of them, are no order's.
"""

import time
import uuid
from typing import Any

from catalog.models import Provider, ProviderService
from core.clock import database_now
from core.staff_actions import Actor
from orders.forwarding import request_tests
from orders.models import RequestIdTest
from tests.battery.chaos import figures, quiet, selling
from tests.battery.chaos.calm import ambiguous
from tests.battery.chaos.cast import gather
from tests.battery.chaos.deck import plain
from tests.battery.chaos.fleet import sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import ACTOR, Owner
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import SETTLE
from tests.battery.chaos.world import World
from tests.stack.running import until

HOW = ("honoured", "ignored")
WALLETS, LIMIT, LOST = 10, 90.0, 0.4
TEST_LINK = "https://example.com/test"
_REPEATS = "SELECT provider_id, count(*) FILTER (WHERE sent_at IS NOT NULL) FROM orders_repeatattempt GROUP BY 1"


def run(world: World, report: Report, *, orders: int) -> None:
    cast = gather(world, wallets=WALLETS)
    for sim, how in zip(world.providers, HOW, strict=True):
        sim.control(request_id=how, fates={"completed": 1})
    Provider.objects.update(dialect={"request_id_field": "request_id"})
    with sailing(world, report) as fleet:
        fleet.sail(web=False, forwarders=2, others=2, beats=1)
        bench = Bench(world, cast)
        bench.truth.foreign = frozenset({TEST_LINK})
        bench.wait_for_opening()
        with report.stage("testing"):
            tests = _test_orders(world)
        for number, sim in enumerate(world.providers):
            sim.control(faults=ambiguous(LOST), actions=["add"], seed=report.seed + number)
        crowd, owner = selling.Crowd(cast, "", threads=2, most_waiting=20), Owner()
        planned = plain(tuple(range(len(HOW))), wallets=WALLETS, seed=report.seed)
        try:
            with report.stage("selling"), owner.at_hand(world):
                crowd.sell([next(planned) for _ in range(orders)])
                until(lambda: not quiet.left(world).queued, LIMIT, "everything was sent")
            world.control(calm=True)
            with report.stage("doubts"):
                quiet.settle_doubts(world, owner, sell_one=lambda: crowd.sell([next(planned)]), limit=LIMIT)
        finally:
            crowd.go_home()
        with report.stage("following"):
            quiet.settle_doubts(world, owner, sell_one=lambda: None, limit=LIMIT)
            quiet.follow_to_the_end(world, calm_since=0.0, limit=LIMIT)
        bench.at_rest(crowd.receipts, report)
        report.tell(tests=tests, profiles=_profiles(world), truth=figures.against_truth(_without_tests(world)))
    report.faults(figures.faults(world))


def _test_orders(world: World) -> dict[str, str]:
    """Order one test at each provider and wait for its end; the state of each."""
    for pk in world.shop_ids:
        source = ProviderService.objects.select_related("provider").filter(provider=pk).first()
        assert source is not None
        actor = Actor(code=ACTOR.code, name=ACTOR.name)
        request_tests.order_test(
            source, link=TEST_LINK, quantity=500, key=uuid.uuid4(), actor=actor, now=database_now()
        )
    until(lambda: not RequestIdTest.objects.filter(finished_at=None).exists(), LIMIT + SETTLE, "the tests are over")
    time.sleep(0.1)
    states = dict(RequestIdTest.objects.values_list("provider_id", "state"))
    return {how: states[pk] for how, pk in zip(HOW, world.shop_ids, strict=True)}


def _profiles(world: World) -> dict[str, Any]:
    with world.connect() as c:
        sent = dict(c.execute(_REPEATS).fetchall())
    told = {}
    for how, pk, sim in zip(HOW, world.shop_ids, world.providers, strict=True):
        links = [order["link"] for order in sim.orders() if order["link"] != TEST_LINK]
        doubts = figures.doubts(world, providers={pk})
        told[how] = {
            **doubts,
            "closed_by_repeat": doubts["how"].get("repeat", 0),
            "repeats": sent.get(pk, 0),
            "bought_twice": len(links) - len(set(links)),
        }
    return told


class _WithoutTests:
    """The world as the comparison with the truth sees it: the owner's test orders are no customer's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def connect(self) -> Any:
        return self._world.connect()

    def logs(self) -> dict[int, list[dict[str, Any]]]:
        found = self._world.logs().items()
        return {pk: [order for order in log if order["link"] != TEST_LINK] for pk, log in found}


def _without_tests(world: World) -> World:
    return _WithoutTests(world)  # type: ignore[return-value]  # it asks nothing else
