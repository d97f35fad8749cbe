"""D1: the same orders with every doorbell heard, with none, and with each rung three times. The money ends the same."""

import time
from typing import Any

from tests.battery.chaos import figures, quiet, selling
from tests.battery.chaos.cast import gather
from tests.battery.chaos.deck import PlannedOrder, deal, trickle
from tests.battery.chaos.fleet import Fleet, sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import Owner
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.tripled import triple_doorbells
from tests.battery.chaos.world import World

VARIANTS = ("heard", "dropped", "tripled")
PROVIDERS, WALLETS, LIMIT = 4, 30, 200.0
#: These may end in two right ways: an unknown text is a refusal or a doubt by what else moved the balance just then,
#: and a provider that takes back what it said is believed as far as somebody asked in between.
_TWO_WAYS = (
    *("error_unknown", "latin1", "error_empty"),
    *("canceled_then_completed", "partial_then_completed", "partial_changing"),
)
_FINAL = """
    SELECT o.link, o.forward_state, h.charged::text, h.earned::text, h.refunded::text
    FROM orders_order o JOIN billing_hold h ON h.reference = 'order:' || o.id
"""
_WALLETS = "SELECT name, balance::text FROM billing_account WHERE kind = 'wallet' ORDER BY name"


def run(world: World, report: Report, *, variant: str, orders: int) -> None:
    # The last wallet is the one of orders that only keep the shop going: how many there are is a matter of time.
    cast = gather(world, wallets=WALLETS + 1)
    world.control(fates={"completed": 1})
    planned = [
        w
        for w in deal(orders, providers=PROVIDERS, wallets=WALLETS, faulted=0.2, seed=report.seed, by_http=0.0)
        if w.fault not in _TWO_WAYS
    ]
    dead = {"REDIS_URL": "redis://127.0.0.1:9/0"} if variant == "dropped" else {}
    with sailing(world, report, **dead) as fleet:
        _set_sail(fleet, variant)
        bench = Bench(world, cast)
        bench.wait_for_opening()
        crowd, owner = selling.Crowd(cast, ""), Owner()
        try:
            with report.stage("selling"):
                crowd.sell(planned)
            more = iter(range(orders, 100 * orders))

            def sell_one() -> None:
                number = next(more)
                crowd.sell([trickle(number, providers=PROVIDERS, wallet=WALLETS)])

            world.control(calm=True)
            calm_since = time.time()
            with report.stage("doubts"):
                quiet.settle_doubts(world, owner, sell_one=sell_one, limit=LIMIT)
        finally:
            crowd.go_home()
        with report.stage("following"):
            quiet.settle_doubts(world, owner, sell_one=lambda: None, limit=LIMIT)
            quiet.follow_to_the_end(world, calm_since=calm_since, limit=LIMIT)
        bench.at_rest(crowd.receipts, report)
    report.tell(variant=variant, final=_final(world, planned), truth=figures.against_truth(world))
    report.faults(figures.faults(world))


def _set_sail(fleet: Fleet, variant: str) -> None:
    if variant == "dropped":
        fleet.run("sweep", "django", "sweep", "--loop")
        return
    if variant == "tripled":
        triple_doorbells()
        fleet.celery = "tests.battery.chaos.tripled"
    fleet.sail(web=False, others=2, beats=1)


def _final(world: World, planned: list[PlannedOrder]) -> dict[str, Any]:
    mine = {order.link for order in planned}
    with world.connect() as c:
        orders = {row[0]: list(row[1:]) for row in c.execute(_FINAL).fetchall() if row[0] in mine}
        wallets = dict(c.execute(_WALLETS).fetchall())
    wallets.pop(max(wallets, key=lambda name: int("".join(filter(str.isdigit, name)) or 0)))
    return {"orders": dict(sorted(orders.items())), "wallets": wallets}
