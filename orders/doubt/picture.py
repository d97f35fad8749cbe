"""What is known about the doubts at one provider, as plain values. No row, no clock and no call is behind them.

Moments are seconds since the epoch on the database's clock, ids are the provider's counter as whole numbers, charges
are in the provider's currency.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from orders.states import Explanation, Shape


def as_datetime(seconds: float) -> datetime:
    """A moment of a picture as a datetime."""
    return datetime.fromtimestamp(seconds, UTC)


class Standing(StrEnum):
    """How an attempt stands whose request may have been carried out under an id that we do not know.

    Restored: the rows around it came back from a dump, so that what they do not say proves nothing. A person decides.
    Named: a repeat of its request was answered with an order number, which `named` judges.
    """

    IN_DOUBT = "in_doubt"
    REVIEW = "review"
    REFUNDED_OPEN = "refunded_open"
    SENDING = "sending"
    SAID_NOT_PLACED = "said_not_placed"
    RESTORED = "restored"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The first readable answer about an id, or the first that names its charge, where earlier ones did not.

    ``charge`` None is unknown, and so is 0 while it runs; ``remains`` None says nothing.
    """

    state: str
    charge: Decimal | None
    shape: Shape = Shape.PLAIN
    runs: int | None = None
    remains: int | None = None


@dataclass(frozen=True, slots=True)
class SeenId:
    """An id that answers to our key.

    ``answer`` is None while none could be read, ``explained`` while its order is unknown. ``asked_at`` is
    when it was last asked about again, None if it never was.
    """

    number: int
    first_seen: float
    answer: FirstAnswer | None
    explained: Explanation | None = None
    asked_at: float | None = None
    #: The attempt whose repeated request was answered with this id: no other one placed it.
    named_for: int | None = None


@dataclass(frozen=True, slots=True)
class PriceReading:
    """What an attempt's order would cost at the rate that was read then; None when its service was not listed."""

    at: float
    charge: Decimal | None


@dataclass(frozen=True, slots=True)
class UncertainAttempt:
    """A send that may own an id.

    ``low`` is the greatest own id known before the send; ``high`` an own id whose send began T_settle or more after
    its request left for the last time. None where there is none. ``readings`` are those since the order was priced,
    oldest first; the same charge read several times in a row is one, of the last moment.
    """

    key: int
    standing: Standing
    sent_at: float
    low: int | None
    high: int | None
    expected: Decimal
    quantity: int
    shape: Shape = Shape.PLAIN
    runs: int | None = None
    readings: tuple[PriceReading, ...] = ()
    #: The balance fell by exactly the cost: no proof, but it forbids to call this "not placed".
    was_paid_for: bool = False
    #: When its last repeat left, None if there was none; what a repeat was answered with, and when.
    repeated_at: float | None = None
    named: int | None = None
    named_at: float = 0.0
    #: What a repeat was answered with contradicts something else that is known: a person decides.
    is_contradicted: bool = False

    @property
    def last_sent(self) -> float:
        """When its request left for the last time: nothing of it takes effect later than T_settle after that."""
        return self.sent_at if self.repeated_at is None else max(self.sent_at, self.repeated_at)

    @property
    def is_open(self) -> bool:
        """A doubt that a verdict can close."""
        return self.standing in (Standing.IN_DOUBT, Standing.REVIEW, Standing.REFUNDED_OPEN)


@dataclass(frozen=True, slots=True)
class Parent:
    """A drip-feed or subscription, in doubt or attached, whose runs appear as ids of their own.

    One run costs between ``cheapest`` and ``dearest``. ``number`` is None while it is in doubt, and ``key`` is the
    attempt's. ``polled_at`` is the latest answer that listed its children, None at a provider that lists none.
    """

    key: int
    sent_at: float
    cheapest: Decimal
    dearest: Decimal
    number: int | None = None
    polled_at: float | None = None
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class SearchPass:
    """One search. ``ranges`` ascend and were asked for whole, both bounds exclusive; ``new`` are ids it saw first."""

    key: int
    started: float
    finished: float
    ranges: tuple[tuple[int, int], ...]
    new: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: T_settle, the owner's patience after it, between two passes, and the first looks after the send."""

    settle: float = 600
    review: float = 1800
    gap: float = 60
    looks: tuple[float, ...] = (60, 180)


@dataclass(frozen=True, slots=True)
class Picture:
    """``unit`` is one unit of the last decimal this provider shows; ``widest`` is how many ids a pass may ask for.

    ``drip_shapes`` are those in which it may show a drip-feed: as a parent with its runs, or as one plain order.
    ``remains_are_reliable`` if what it says is left was never more than was ordered, and all of that while pending.
    """

    now: float
    unit: Decimal
    ids: tuple[SeenId, ...]
    attempts: tuple[UncertainAttempt, ...]
    parents: tuple[Parent, ...] = ()
    passes: tuple[SearchPass, ...] = ()
    times: Times = field(default_factory=Times)
    widest: int = 20 * 98
    drip_shapes: frozenset[Shape] = frozenset({Shape.DRIP, Shape.PLAIN})
    remains_are_reliable: bool = False


@dataclass(frozen=True, slots=True)
class ProvenPlaced:
    """The attempt placed this id."""

    attempt: int
    number: int


@dataclass(frozen=True, slots=True)
class ProvenNotPlaced:
    """Nothing was placed: both passes saw the whole bracket. ``excused`` ids belong to somebody else."""

    attempt: int
    low: int
    high: int
    first: SearchPass
    second: SearchPass
    excused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Not decided yet; look again."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class AskOwner:
    """Time or budget are spent: the owner is asked, and the search goes on."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A person said "not placed", and yet only this attempt can have placed this id."""

    attempt: int
    number: int


Verdict = ProvenPlaced | ProvenNotPlaced | Wait | AskOwner | Contradiction
