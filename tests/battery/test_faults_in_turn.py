"""Faults that need a certain state of the shop to be met at all: each in its turn, often enough to be counted.

The machine meets them by chance, and seldom: a refill wants a finished order, a price list is read every few hours.
The judge looks after every step, and once more at rest.
"""

from collections.abc import Callable, Iterator, Sequence

import pytest
from pytest_django import DjangoDbBlocker

from catalog.providers import health
from core.clock import database_now
from tests.battery import counts
from tests.battery import faults_played as played
from tests.battery.happenings import SETTINGS, Happenings
from tests.battery.stage import Stage, the_stage
from upstream.simulator.faults import FAULTS

# The gate plays it, with more turns; in the ordinary tests it would be a twentieth of all.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.walk]

TURNS = counts.sized(normal=1, gate=20, long=60)
_OWN = {name for name, fault in FAULTS.items() if fault.group in ("refill", "cancel", "account")}


@pytest.fixture
def shop(db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Happenings]:
    with the_stage() as stage:
        yield opened(stage)


def opened(stage: Stage) -> Happenings:
    shop: Happenings = type("Shop", (Happenings,), {"stage": stage})()
    shop.opens(SETTINGS[0], "1000")
    return shop


def steps(shop: Happenings, operation: Callable[[int, str], None], faults: Sequence[str], turns: int = TURNS) -> None:
    for turn in range(turns):
        for fault in faults:
            operation(turn, fault)
            shop.is_judged()


def sell(shop: Happenings, fate: str, number: int) -> None:
    """So many plain orders at the first panel, placed there and known as what became of them."""
    for _ in range(number):
        shop.buy(0, fate)
    shop.forward()


def own(faults: Sequence[str]) -> list[str]:
    return sorted({fault for fault in faults if fault in _OWN})


@pytest.mark.parametrize("faults", [own(played.REFILL)[::2], own(played.REFILL)[1::2]], ids=["some", "others"])
def test_refills(shop: Happenings, faults: list[str]) -> None:
    sell(shop, "completed", (TURNS + 1) * len(faults))
    shop.advance(1900)
    shop.poll(None, None)
    shop.refill(0, None, None)
    shop.is_judged()

    def refill(turn: int, fault: str) -> None:
        shop.advance(130)  # the one before is asked about again, in the same call or just after
        shop.refill(0, fault, None)

    steps(shop, refill, faults)
    shop.ends()


def test_cancellations(shop: Happenings) -> None:
    faults = own(played.CANCEL)
    sell(shop, "never_moves", TURNS * len(faults))
    steps(shop, lambda turn, fault: shop.cancel(turn * len(faults) + faults.index(fault), fault), faults)
    shop.ends()


def test_readings_of_the_balance(shop: Happenings) -> None:
    def read(turn: int, fault: str) -> None:
        sell(shop, "completed", 1)
        shop.advance(3700)
        shop.reconcile(fault)

    steps(shop, read, own(played.BALANCE))
    shop.ends()


@pytest.mark.parametrize("faults", [played.SERVICES[::2], played.SERVICES[1::2]], ids=["some", "others"])
def test_price_lists(shop: Happenings, faults: Sequence[str]) -> None:
    """One order between the bad list and the good one: it is refused, or sold at a price that holds."""
    shop.sync(None)

    def sync(turn: int, fault: str) -> None:
        shop.sync(fault)
        sell(shop, "completed", 1)
        shop.sync(None)

    # Both panels are read each time, and so each fault is met twice a turn.
    steps(shop, sync, faults, counts.sized(normal=1, gate=10, long=60))
    shop.ends()


def test_a_panel_that_shuts_us_out_and_lets_us_in_again(shop: Happenings) -> None:
    def knock(turn: int, fault: str) -> None:
        shop.send(0, fault, "completed")
        health.unpark(shop.stage.panels[0].pk, now=database_now(), actor="owner")

    steps(shop, knock, ["bad_key", "no_funds"])
    shop.ends()


@pytest.mark.parametrize("part", range(counts.sized(normal=1, gate=4, long=4)))
def test_odd_answers_to_an_order(shop: Happenings, part: int) -> None:
    """Few turns each: the machine and the processes under fire meet them as well."""
    turns = counts.sized(normal=1, gate=8, long=60)
    steps(shop, lambda turn, fault: shop.send(turn, fault, "completed"), played.BODIES[part::4], turns)
    shop.ends()


def test_odd_answers_about_orders(shop: Happenings) -> None:
    """Few turns each here as well."""
    sell(shop, "stuck", 5)
    turns = counts.sized(normal=1, gate=8, long=60)
    steps(shop, lambda _turn, fault: shop.poll(fault, None), played.SPOILED_ANSWERS, turns)
    shop.ends()


def test_what_happens_seldom(shop: Happenings) -> None:
    def all_of_it(turn: int, _fault: str) -> None:
        shop.worker_clock((-86_400, 3_600, 0)[turn % 3])
        shop.crash_at_the_counter(0, ("before_placing", "written", "placed")[turn % 3])
        shop.is_judged()
        shop.claim(0)
        shop.reprice(0, ("1.05", "1", "0.97")[turn % 3])
        shop.is_judged()
        shop.foreign_order(1)
        shop.provider_refund(1, "0.09134")
        shop.double_doorbells()
        shop.ring()
        shop.is_judged()
        shop.drop_doorbells()
        shop.sweep()
        shop.top_up(turn, "1", ("once", "twice", "forged", "nonsense")[turn % 4])
        shop.late_answer(0, "the lease ends")

    steps(shop, all_of_it, [""])
    shop.ends()


@pytest.mark.parametrize("story", range(counts.sized(normal=1, gate=len(played.SHARP), long=60)))
def test_a_shop_put_back_to_an_earlier_moment(shop: Happenings, story: int) -> None:
    """What was sold, lost and placed after the dump is not in the rows that come back."""
    lost = played.SHARP[story % len(played.SHARP)]
    shop.send_into_doubt(0, lost)
    shop.send_honestly(1, "completed")
    shop.place(0, "completed", False)
    shop.dump()
    shop.send_into_doubt(5, lost)
    shop.send_honestly(0, "partial")
    shop.is_judged()
    shop.restore_from_dump()
    shop.is_judged()
    shop.send_honestly(0, "completed")
    shop.work_alone()
    shop.is_judged()
    shop.thaw()
    shop.is_judged()
    shop.ends()
