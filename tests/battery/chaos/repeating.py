"""Providers with a field for the key of a request: two honour it, one says so and ignores it. All lose answers.

The owner's test order comes first, as in a shop: it proves the two and not the third, so that only they are sent a
request twice. Its own number, or two of them, are no order's. One of the two numbers its orders, so that searches close
most doubts there and repeats some; ids of the other are no numbers, so that the shop closes doubts by repeats only.
"""

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from catalog.models import Provider, ProviderService
from core.clock import database_now
from core.staff_actions import Actor
from orders.forwarding import request_tests
from orders.models import RequestIdTest
from tests.battery.chaos import figures, quiet, selling
from tests.battery.chaos.cast import gather
from tests.battery.chaos.deck import DOUBTFUL, PlannedOrder, plain
from tests.battery.chaos.fleet import sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import ACTOR, Owner
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import SETTLE
from tests.battery.chaos.world import World
from tests.stack.running import until

#: What each provider does with the key, and which ids its orders get.
HOW = {
    "honoured": {"request_id": "honoured", "ids": "growing"},
    "honoured, text ids": {"request_id": "honoured", "ids": "text"},
    "ignored": {"request_id": "ignored", "ids": "growing"},
}
WALLETS, LIMIT = 10, 90.0
#: Orders a second over all providers: doubts that come one by one leave each time for its repeat.
SPEED = 6.0
#: Of the orders at each provider one in so many loses the answer to its send; of those one in so many that to its
#: repeat, too.
LOST, LOST_AGAIN = 2, 5
LOSING = (*DOUBTFUL, "late_place")
TEST_LINK = "https://example.com/test"
_REPEATS = "SELECT provider_id, count(*) FILTER (WHERE sent_at IS NOT NULL) FROM orders_repeatattempt GROUP BY 1"


def run(world: World, report: Report, *, orders: int) -> None:
    cast = gather(world, wallets=WALLETS)
    for sim, how in zip(world.providers, HOW.values(), strict=True):
        sim.control(**how, fates={"completed": 1})
    Provider.objects.update(dialect={"request_id_field": "request_id"})
    with sailing(world, report) as fleet:
        fleet.sail(web=False, forwarders=3, others=3, beats=1)
        bench = Bench(world, cast)
        bench.truth.foreign = frozenset({TEST_LINK})
        bench.wait_for_opening()
        with report.stage("testing"):
            tests = _test_orders(world)
        crowd, owner = selling.Crowd(cast, "", threads=2, most_waiting=20, lines=1), Owner()
        planned = plain(tuple(range(len(HOW))), wallets=WALLETS, seed=report.seed)
        try:
            with report.stage("selling"), owner.at_hand(world):
                crowd.sell(_losing([next(planned) for _ in range(orders)]), a_second=SPEED)
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


def _losing(planned: Iterable[PlannedOrder]) -> Iterator[PlannedOrder]:
    """Give faults to a share of the orders, at each provider each kind as often as the others."""
    for place, order in enumerate(planned):
        turn, is_kept = divmod(place // len(HOW), LOST)
        if is_kept:
            yield order
        else:
            sends = 1 if (turn + 1) % LOST_AGAIN else 2
            yield replace(order, fault=LOSING[turn % len(LOSING)], sends=sends)


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
