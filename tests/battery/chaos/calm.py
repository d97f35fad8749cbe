"""Doubts and nothing else: how many the shop resolves by itself, on an ordinary day, in an outage, and where charges
come late.

Nobody dies here and every setting but the times is the default, the breaker's among them, so this is also where the
bound on what may be in doubt (F7) is watched. Orders come at the pace that the time scale gives: at each provider one
every 20 seconds of the shop's own time.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.battery.chaos import figures, quiet, selling
from tests.battery.chaos.cast import Cast, gather
from tests.battery.chaos.deck import DEAREST, DOUBTFUL, PlannedOrder, plain
from tests.battery.chaos.fleet import Fleet, sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import Owner
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import PACE, REVIEW, SCALE, SETTLE
from tests.battery.chaos.world import World
from tests.orders.cast import RATE

CAP = Decimal(100)
#: What two cores may take for themselves: a second of theirs is a minute of the shop's scaled time. The model, which
#: has no machine, takes 12.7 s of this scale for 95 of 100 doubts; the sweeps of twelve providers take as long again.
MACHINE_SECONDS = 12.0
WALLETS = 50
#: Doubts of the ordinary day: of so many one may go to a person without missing the goal of 97 %.
ENOUGH = 34


@dataclass(frozen=True)
class Profile:
    """``providers`` are those it concerns; of their sends so many are ambiguous.

    An outage leaves about a tenth to a person: of fifty doubts too few to tell that from a sixth, of a hundred enough.
    ``pace`` is in orders a second at each provider. ``lives`` are what orders take in seconds, where it is not the
    usual time, and ``charges`` how the providers name late charges, in turn.
    """

    name: str
    providers: tuple[int, ...]
    ambiguous: float
    pace: float = PACE
    lives: float | None = None
    charges: tuple[dict[str, Any], ...] = ()


#: After five minutes, as 0 until the order is done, and at its end only.
LATE = (
    {"share": 1, "shown": "null", "after": 300 / SCALE},
    {"share": 1, "shown": "zero", "after": None},
    {"share": 1, "shown": "null", "after": None},
)
#: Days of their own: all eighteen providers at once are more than two cores can follow in scaled time.
DAYS = {
    "ordinary": (Profile("default", (0, 1, 2, 3, 4, 5, 6, 7), 0.02), Profile("outage", (8, 9, 10, 11), 0.2)),
    # Fewer orders, of which more are lost: as many doubts meet as on the ordinary day, for a third of the work.
    "late": (Profile("late charges", (0, 1, 2, 3, 4, 5), 0.1, PACE / 3, 2400 / SCALE, LATE),),
}


def run(world: World, report: Report, *, day: str, seconds: float) -> None:
    cast = gather(world, wallets=WALLETS)
    with sailing(world, report) as fleet:
        _sell_and_settle(world, cast, fleet, report, DAYS[day], seconds)
    report.faults(figures.faults(world))


def _sell_and_settle(
    world: World, cast: Cast, fleet: Fleet, report: Report, profiles: tuple[Profile, ...], seconds: float
) -> None:
    fleet.sail(web=False, forwarders=sum(len(profile.providers) for profile in profiles), beats=1)
    bench = Bench(world, cast, cap=CAP, dearest=Decimal(DEAREST) * RATE / 1000)
    bench.wait_for_opening()
    sales, owner = [_Sale(world, cast, profile, report.seed) for profile in profiles], Owner()
    try:
        with report.stage("selling"), owner.at_hand(world):
            _watch(bench, world, profiles[0], seconds)
        world.control(calm=True)
        with report.stage("doubts"):
            # The shop has its own time for each doubt; what it gave to its owner then counts as theirs.
            _wait_for_the_shop(world, bench, limit=SETTLE + 2 * REVIEW)
            told = {profile.name: _figures(world, profile) for profile in profiles}
            quiet.settle_doubts(world, owner, sell_one=lambda: None, limit=60, only_doubts=True)
    finally:
        for sale in sales:
            sale.end()
    with report.stage("following"):
        quiet.settle_doubts(world, owner, sell_one=lambda: None, limit=120)
        # No answer about an order was spoiled here: one look after its end is all there is to hear.
        quiet.follow_to_the_end(world, calm_since=0.0, limit=120 + max(world.lives.values(), default=0))
    receipts = selling.together(sale.crowd.receipts for sale in sales)
    bench.at_rest(receipts, report)
    report.tell(
        profiles=told,
        p95_limit=SETTLE + 5 * 60 / SCALE + MACHINE_SECONDS,
        orders=len(receipts.orders),
        truth=figures.against_truth(world),
        sends=figures.sends(world, world.add_requests()),
        owner={"decided": owner.decided, "put_off": owner.put_off},
        sockets=figures.sockets(world),
    )


class _Sale:
    """Sells at the providers of one profile, at their pace, until it is ended."""

    def __init__(self, world: World, cast: Cast, profile: Profile, seed: int) -> None:
        self._ended = threading.Event()
        fates = {"completed": 11, "canceled": 1} if profile.charges else {"completed": 1}
        for place, number in enumerate(profile.providers):
            provider = world.providers[number]
            provider.control(faults=ambiguous(profile.ambiguous), actions=["add"], seed=seed + number, fates=fates)
            if profile.lives is not None:
                provider.control(seconds=profile.lives)
                world.lives[world.shop_ids[number]] = profile.lives
            if profile.charges:
                provider.control(late_charges=profile.charges[place % len(profile.charges)])
        only = [world.shop_ids[number] for number in profile.providers]
        self.crowd = selling.Crowd(cast, "", threads=2, most_waiting=5 * len(only), only=only, lines=1)
        planned = plain(profile.providers, wallets=WALLETS, seed=seed)
        pace = {"a_second": profile.pace * len(only)}
        self._thread = threading.Thread(target=self.crowd.sell, args=(self._until_ended(planned),), kwargs=pace)
        self._thread.start()

    def _until_ended(self, planned: Iterator[PlannedOrder]) -> Iterator[PlannedOrder]:
        while not self._ended.is_set():
            yield next(planned)

    def end(self) -> None:
        self._ended.set()
        self.crowd.leave()
        self._thread.join()


def ambiguous(share: float) -> dict[str, float]:
    """Half of what is lost was placed, and a tenth of that a little later."""
    late = share * 0.05
    return {"late_place": late} | dict.fromkeys(DOUBTFUL, (share - late) / len(DOUBTFUL))


def _watch(bench: Bench, world: World, first: Profile, seconds: float) -> None:
    """For so long, and up to half as long again until there are doubts enough that one says little."""
    began = time.monotonic()
    while (spent := time.monotonic() - began) < 1.5 * seconds:
        bench.each_step_now_and_then()
        time.sleep(0.1)
        if spent >= seconds and _figures(world, first)["all"] >= ENOUGH:
            return


def _wait_for_the_shop(world: World, bench: Bench, *, limit: float) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end and quiet.left(world).doubts:
        bench.each_step_now_and_then()
        time.sleep(0.25)


def _figures(world: World, profile: Profile) -> dict[str, Any]:
    return figures.doubts(world, providers={world.shop_ids[number] for number in profile.providers})
