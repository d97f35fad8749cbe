"""Quiescence: faults are off, and neither the shop nor a provider has anything left to do or to say."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.battery.chaos.owner import Owner
from tests.battery.chaos.world import World, forgiving

_UNDER_WAY = """
    SELECT count(*) FILTER (WHERE forward_state IN ('queued', 'claimed', 'sending')),
           count(*) FILTER (WHERE forward_state = 'in_doubt'),
           count(*) FILTER (WHERE forward_state = 'review')
    FROM orders_order
"""
#: When each placed order was asked about last.
_ASKED = """
    SELECT provider_id, upstream_id, extract(epoch FROM asked_at)::float FROM orders_order
    WHERE forward_state = 'placed'
"""
_DUE_NOW = """
    UPDATE orders_order SET next_poll_at = statement_timestamp()
    WHERE provider_id = %s AND upstream_id = %s AND next_poll_at > statement_timestamp()
"""
#: A life with a second end takes so many times as long as a plain one.
_SECOND_END = 3


class NeverQuiet(AssertionError):
    """The limit is over and something still moves: such a run proves nothing."""


@dataclass(frozen=True)
class Left:
    queued: int
    doubts: int
    reviews: int

    @property
    def any(self) -> bool:
        return bool(self.queued or self.doubts or self.reviews)


def left(world: World, database: str = "shop") -> Left:
    with world.connect(database) as c:
        row = c.execute(_UNDER_WAY).fetchone()
    assert row is not None
    return Left(*row)


def settle_doubts(
    world: World, owner: Owner, *, sell_one: Callable[[], None], limit: float, only_doubts: bool = False
) -> float:
    """Go on selling until no doubt is left to the shop, then let the owner decide the rest; how many seconds it took.

    A sale now and then is what a real shop has, and the only thing that gives a doubt the upper end of its bracket.
    """
    began = time.monotonic()
    while (now := left(world)).any and (now.doubts or now.reviews or not only_doubts):
        if time.monotonic() - began > limit:
            raise NeverQuiet(f"after {limit} s there are still {now}; the owner was refused {owner.refusals[-3:]}")
        with forgiving():
            owner.lift_parkings(world)
            if now.reviews:
                owner.empty_the_queue(world)
        if now.doubts or now.reviews:
            sell_one()
        time.sleep(0.25)
    return time.monotonic() - began


def follow_to_the_end(world: World, *, calm_since: float, limit: float) -> None:
    """Wait until every placed order was asked about after its provider's last word, and after faults were off.

    What the timetable asks of old orders is tried elsewhere; here, once an order's life is over, it is due at once.
    """
    end, hurried = time.monotonic() + limit, set[tuple[int, str]]()
    while unheard := _unheard(world, calm_since):
        if time.monotonic() > end:
            raise NeverQuiet(f"after {limit} s {len(unheard)} placed orders were not asked about again")
        over = {which for which, ended in unheard.items() if ended <= time.time()} - hurried
        _hurry(world, over)
        hurried |= over
        time.sleep(0.25)


def _unheard(world: World, calm_since: float) -> dict[tuple[int, str], float]:
    """When the life of each order was over that was not asked about since, by provider and number there."""
    over = {
        (pk, str(order["order"])): order["arrived"] + _length(order["fate"]) * world.lives.get(pk, world.seconds)
        for pk, log in world.logs().items()
        for order in log
    }
    with world.connect() as c:
        rows = c.execute(_ASKED).fetchall()
    ends = {(pk, number): over.get((pk, number), 0.0) for pk, number, _asked in rows}
    return {
        (pk, number): ends[pk, number]
        for pk, number, asked in rows
        if (asked or 0.0) <= max(calm_since, ends[pk, number])
    }


def _hurry(world: World, orders: Iterable[tuple[int, str]]) -> None:
    with world.connect() as c, c.cursor() as cursor:
        cursor.executemany(_DUE_NOW, list(orders))


def _length(fate: str) -> int:
    return _SECOND_END if "_then_" in fate or "changing" in fate else 1


def reconciled_after(world: World, moment: object, *, limit: float) -> bool:
    """Whether each account was quiet and compared after ``moment`` within the limit. It need not wait for its hour."""
    end = time.monotonic() + limit
    with world.connect() as c:
        c.execute("UPDATE orders_reconciliationschedule SET next_at = statement_timestamp(), tries = 0")
    query = "SELECT count(DISTINCT provider_id) FROM orders_balancereading WHERE is_quiet AND at > %s"
    while time.monotonic() < end:
        with world.connect() as c:
            row = c.execute(query, [moment]).fetchone()
        if row is not None and row[0] >= len(world.shop_ids):
            return True
        time.sleep(0.25)
    return False
