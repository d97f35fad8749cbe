"""The cast of the bracket machine: what a profile sets, what was really sent and placed, and what is counted."""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from orders.doubt.picture import FirstAnswer, PriceReading, Standing
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
    # Of this share of the orders the charge is named late: so many seconds after they were placed, or when they end, as
    # they all do after ``life`` seconds. Before, it is "null", "zero" or "" (absent). Canceled ones then cost nothing.
    uncharged: float = 0.0
    uncharged_as: str = "null"
    charged_after: tuple[float, float] | None = None
    life: tuple[float, float] = (FOREVER, FOREVER)
    canceled: float = 0.0
    # What is said to remain: "reliable" is the truth and found to be, "unknown" the truth and not found to be, "none"
    # nothing, "wrong" of a third of the orders what remains of another size.
    remains: str = "reliable"


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
    quantity: int = 1000  # as far as what remains shows it; 0 where nothing is said to remain
    charged_at: float = 0.0
    uncharged_as: str = "null"
    done_at: float = FOREVER
    is_canceled: bool = False

    def answer(self, now: float, unit: Decimal) -> FirstAnswer:
        """What the provider says of it now."""
        if self.shape is Shape.DRIP:
            return FirstAnswer("in_progress", None, Shape.DRIP, self.runs, None)
        state, share, left = self._stand(now)
        charge: Decimal | None = self.charge.quantize(unit, ROUND_DOWN) * share
        if now < self.charged_at or (state == "canceled" and self.charged_at):
            charge = Decimal(0) if self.uncharged_as == "zero" else None
        return FirstAnswer(state, charge, remains=round(left * self.quantity) if self.quantity else None)

    def _stand(self, now: float) -> tuple[str, Decimal, float]:
        """Its state, the share of its charge that is kept, and the share of its quantity that is left."""
        if now >= self.ends_at:
            return "partial", Decimal("0.5"), 0.5
        if now >= self.done_at:
            return ("canceled", Decimal(0), 0.0) if self.is_canceled else ("completed", Decimal(1), 0.0)
        begins_at = self.at + 0.15 * (self.done_at - self.at)
        if now < begins_at or self.done_at == FOREVER:
            return "pending", Decimal(1), 1.0
        return "in_progress", Decimal(1), (self.done_at - now) / (self.done_at - begins_at)


def quantity_of(charge: Decimal) -> int:
    """How much an order of this charge buys: orders of one price are of one size."""
    return 1000 + int(charge * 100_000) % 22_000


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
    quantity: int = 1000


@dataclass
class Tally:
    doubts: int = 0
    right: int = 0
    people: int = 0
    doubled: int = 0
    wrong_id: int = 0
    calls: int = 0
    again: int = 0  # ids asked about again, since their charge was unknown
    minutes: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return self.doubled + self.wrong_id

    @property
    def share(self) -> float:
        return 100 * self.right / max(1, self.doubts)
