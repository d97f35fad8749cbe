"""The cast of the bracket machine: what a profile sets, what was really sent and placed, and what is counted."""

from dataclasses import dataclass, field
from decimal import Decimal

from orders.doubt.picture import PriceReading, Standing
from orders.states import Shape

FOREVER = float("inf")


@dataclass(frozen=True)
class Profile:
    """Times in seconds, the rest shares between 0 and 1. ``late`` is applied to lost orders that were placed."""

    name: str
    gap: float = 20.0
    lanes: int = 1
    ambiguous: float = 0.02
    placed: float = 0.5
    three_prices: float = 0.3
    others: float = 1.0
    late: float = 0.1
    late_seconds: tuple[float, float] = (5, 120)
    false_denial: float = 0.001
    repriced: float = 0.0
    unlisted: float = 0.0  # of what is repriced: the list goes on saying the old price
    partial: float = 0.0
    drip: float = 0.0
    drip_plain: bool = False  # the provider shows a drip-feed as one plain order
    places: int = 5
    foreign_gap: float = 0.0
    person_errs: float = 0.0
    scan_every: float = 86_400.0
    settle: float = 600.0


@dataclass
class Own:
    """An order at the provider under our key: the truth about it."""

    number: int
    at: float
    charge: Decimal
    shape: Shape = Shape.PLAIN
    runs: int | None = None
    ends_at: float = FOREVER
    children: list["Own"] = field(default_factory=list)


@dataclass
class Send:
    """One attempt of the shop, and what it really came to."""

    key: int
    sent_at: float
    expected: Decimal
    charge: Decimal
    listed: Decimal  # what the price list says since, which a provider need not charge
    shape: Shape
    runs: int | None
    low: int | None
    high: int | None = None
    standing: Standing | None = Standing.SENDING
    number: int | None = None
    readings: list[PriceReading] = field(default_factory=list)
    asked: bool = False
    is_carried_out: bool = False  # now or later, whether anybody knows it yet or not


@dataclass
class Tally:
    doubts: int = 0
    right: int = 0
    people: int = 0
    doubled: int = 0
    wrong_id: int = 0
    calls: int = 0
    minutes: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return self.doubled + self.wrong_id

    @property
    def share(self) -> float:
        return 100 * self.right / max(1, self.doubts)
