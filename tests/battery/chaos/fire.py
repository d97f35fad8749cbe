"""The main profile: thousands of orders, a fifth of them with a fault, while processes die and servers restart."""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count

from tests.battery.chaos import figures, jobs, mails, quiet, selling
from tests.battery.chaos.cast import Cast, gather
from tests.battery.chaos.deck import BALANCE_FAULTS, MOVED_BALANCES, SERVICES_FAULTS, STATUS_FAULTS, deal, trickle
from tests.battery.chaos.fleet import Fleet, sailing
from tests.battery.chaos.judging import Bench
from tests.battery.chaos.owner import Owner
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.sale import Sale
from tests.battery.chaos.trouble import LONG, Plan, Trouble
from tests.battery.chaos.world import World
from tests.mail_server import mail_server


@dataclass(frozen=True)
class Size:
    """How much of everything; the gate's figures are the default."""

    orders: int = 3000
    wallets: int = 200
    providers: int = 4
    faulted: float = 0.2
    plan: Plan = Plan()
    selling_limit: float = 900.0
    limit: float = 240.0


def size_of(orders: int, *, is_long: bool) -> Size:
    return Size(orders, plan=LONG, selling_limit=3600.0) if is_long else Size(orders)


def run(world: World, report: Report, size: Size) -> None:
    cast = gather(world, wallets=size.wallets)
    with mail_server() as post:
        with sailing(world, report, **mails.environment(post)) as fleet:
            queued = _under_fire(size, world, cast, fleet, report)
        report.tell(mails=mails.at_rest(post, queued))
    report.faults(figures.faults(world))


def _under_fire(size: Size, world: World, cast: Cast, fleet: Fleet, report: Report) -> Counter[str]:
    """Everything of the profile; return the notices that were queued meanwhile, by key."""
    seed = report.seed
    fleet.sail()
    bench = Bench(world, cast)
    bench.wait_for_opening()
    planned = deal(size.orders, providers=size.providers, wallets=size.wallets, faulted=size.faulted, seed=seed)
    crowd = selling.Crowd(cast, fleet.url)
    trouble = Trouble(world, fleet, seed)
    owner = Owner()
    world.control(faults=_rates())
    more = (trickle(n, providers=size.providers, wallet=n % size.wallets) for n in count(size.orders))
    sale = Sale(planned, more, trouble.deck(size.plan))
    try:
        with report.stage("selling"), owner.at_hand(world), jobs.asked(cast.customers), mails.notices() as queued:
            sellers = threading.Thread(target=crowd.sell, args=(sale,), name="sale")
            sellers.start()
            sale.disturb(trouble.happen, bench.each_step_now_and_then, limit=size.selling_limit, sellers=sellers)
        with report.stage("doubts"):
            world.control(calm=True)
            calm_since = time.time()
            quiet.settle_doubts(world, owner, sell_one=lambda: crowd.sell([next(more)]), limit=size.limit)
        crowd.go_home()
        with report.stage("following"):
            quiet.settle_doubts(world, owner, sell_one=lambda: None, limit=size.limit)
            quiet.follow_to_the_end(world, calm_since=calm_since, limit=size.limit)
        asked = jobs.at_rest(limit=size.limit)
    except BaseException:
        sale.called_off.set()
        crowd.leave()
        raise
    bench.at_rest(crowd.receipts, report)
    report.tell(
        jobs=asked,
        orders=len(crowd.receipts.orders),
        by_http=crowd.receipts.by_http,
        tries_that_failed=crowd.receipts.failed,
        faulted_sends=sum(w.is_faulted for w in planned),
        planned=sale.planned,
        trouble=trouble.as_facts(),
        doubts=figures.doubts(world),
        truth=figures.against_truth(world),
        sends=figures.sends(world, world.add_requests()),
        owner={
            "decided": owner.decided,
            "put_off": owner.put_off,
            "unparked": owner.unparked,
            "deposits": owner.deposits,
        },
        sockets=figures.sockets(world),
    )
    return queued


def _rates() -> dict[str, float]:
    """Faults of questions and of connections: each seldom, so that together they do not stop the shop."""
    return (
        # Silent for twice as long as a send may take, and closed well before the sockets are counted.
        {"rst_on_accept": 0.002, "close_on_accept": 0.002, "never_read:1": 0.002}
        | dict.fromkeys(STATUS_FAULTS, 0.02)
        | dict.fromkeys(BALANCE_FAULTS, 0.03)
        # Few links ask for no fault and no odd life, and only those are left to chance.
        | dict.fromkeys(MOVED_BALANCES, 0.12)
        | dict.fromkeys(SERVICES_FAULTS, 0.03)
    )
