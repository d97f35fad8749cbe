"""A dump of a busy day is put back later: frozen, thawed, and still nothing is bought or credited twice."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from core.clock import database_now
from orders import freezing
from orders.models import Order, ShopState
from storefront.embedded.postgres import OWNER_ROLE
from tests.battery.chaos import figures, quiet, selling
from tests.battery.chaos.cast import gather
from tests.battery.chaos.deck import deal, trickle
from tests.battery.chaos.fleet import sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import Owner
from tests.battery.chaos.paying import Payers
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.times import SETTLE
from tests.battery.chaos.world import World
from tests.stack.running import until

PROVIDERS, WALLETS, LIMIT = 2, 20, 120.0


def run(world: World, report: Report, *, orders: int) -> None:
    cast = gather(world, wallets=WALLETS)
    planned = deal(orders, providers=PROVIDERS, wallets=WALLETS, faulted=0.1, seed=report.seed, by_http=0.0)
    dump = world.folder / "night.dump"
    with sailing(world, report, "before") as fleet:
        fleet.sail(web=False, forwarders=2, others=2, beats=1)
        Bench(world, cast).wait_for_opening()
        crowd = selling.Crowd(cast, "", threads=3, most_waiting=40)
        payers = Payers(cast, world.folder / "vouchers.log")
        with report.stage("selling"):
            payers.before_the_dump()
            crowd.sell(planned[: orders // 2])
            until(_every_provider_is_known, LIMIT, "something was placed at every provider")
            _dump(world, dump)
            payers.since_the_dump()
            crowd.sell(planned[orders // 2 :])
            crowd.go_home()
            until(lambda: not quiet.left(world).queued, LIMIT, "everything was sent")
    sent_before = sum(counts.total() for counts in world.add_requests().values())
    connection.close()
    _put_back(world, dump)
    payers.while_away()
    with sailing(world, report, "after") as fleet:
        fleet.sail(web=False, forwarders=2, others=2, beats=1)
        with report.stage("frozen"):
            assert freezing.is_frozen(), "before anybody looked, nothing may leave"
            waiting = quiet.left(world).queued
            until(_has_settled, 60 + SETTLE, "a sweep noticed the restore, and the owner's ten minutes are over")
            payers.while_frozen(LIMIT)
        sent_while_frozen = sum(counts.total() for counts in world.add_requests().values()) - sent_before
        with report.stage("thawing"):
            marked = payers.marked()
            words = _thaw(world)
            payers.after_the_thaw(LIMIT)
        _go_on(world, report, fleet_cast=cast, first=orders)
    report.tell(
        waiting_in_the_dump=waiting,
        sent_while_frozen=sent_while_frozen,
        thaw=words,
        payments={**payers.facts(), "marked": marked},
        truth=figures.against_truth(world),
        doubts=figures.doubts(world),
    )
    report.faults(figures.faults(world))


def _has_settled() -> bool:
    since = ShopState.objects.values_list("frozen_at", flat=True).get(pk=1)
    return since is not None and (database_now() - since).total_seconds() > SETTLE


def _every_provider_is_known() -> bool:
    return Order.objects.filter(forward_state="placed").values("provider").distinct().count() == PROVIDERS


def _dump(world: World, path: Path) -> None:
    world.tool("pg_dump", "--format=custom", f"--file={path}", "shop")


def _put_back(world: World, path: Path) -> None:
    with world.connect("postgres") as c:
        c.execute("DROP DATABASE shop WITH (FORCE)")
        c.execute(f"CREATE DATABASE shop OWNER {OWNER_ROLE}")
    world.tool("pg_restore", "--no-owner", "--dbname=shop", str(path))


def _thaw(world: World) -> list[str]:
    words = []
    for number, sim in enumerate(world.providers):
        newest = max(int(order["order"]) for order in sim.orders())
        words.append(_say("thaw", provider=f"Provider {number}", recent_order_id=str(newest), reason="battery"))
    words.append(_say("thaw", reason="battery"))
    return words


def _say(command: str, **options: str) -> str:
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def _go_on(world: World, report: Report, *, fleet_cast: selling.Cast, first: int) -> None:
    crowd, owner = selling.Crowd(fleet_cast, "", threads=2), Owner()
    numbers = iter(range(first, 100 * first))
    try:
        with report.stage("going on"):
            world.control(calm=True)

            def sell_one() -> None:
                crowd.sell([trickle(next(numbers), providers=PROVIDERS, wallet=0)])

            quiet.settle_doubts(world, owner, sell_one=sell_one, limit=LIMIT)
    finally:
        crowd.go_home()
    report.tell(owner={"decided": owner.decided, "put_off": owner.put_off, "refusals": owner.refusals[-3:]})
