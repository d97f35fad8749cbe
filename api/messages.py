"""What goes out: the answers of panel API v2, numbers as text where that contract has text."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Amount = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$", description="An exact decimal, never in exponents")]
Count = Annotated[str, Meta(pattern=r"^-?[0-9]+$", description="A whole number")]
StateWord = Literal["Pending", "Processing", "In progress", "Completed", "Partial", "Canceled", "Active", "Expired"]
RefillWord = Literal["Pending", "In progress", "Completed", "Rejected"]


class ErrorAnswer(msgspec.Struct):
    """The call, or one item of it, is refused. Nothing was done."""

    error: str


class ServiceEntry(msgspec.Struct, omit_defaults=True):
    """One service on sale. ``rate`` is the caller's price per 1,000, or per package. ``dripfeed`` is there if true.

    ``average_time`` is what 1,000 usually take, in words, as measured here or else as the shop or its supplier says; it
    is there if any of them is known, and a measured one changes once a day.
    """

    service: int
    name: str
    type: str
    category: str
    rate: Amount
    min: Count
    max: Count
    desc: str
    refill: bool
    cancel: bool
    dripfeed: bool = False
    average_time: str = ""


class PlacedAnswer(msgspec.Struct):
    """The number of the new order."""

    order: int


class StatusAnswer(msgspec.Struct, omit_defaults=True):
    """``charge`` is what the caller pays as it stands: all of it while the order runs, 0 when it is canceled.

    A drip-feed has ``runs``, those that are done, and a subscription ``posts``, those that were served, and ``expiry``:
    there are panels that refund their customers by these alone, in full where they are missing. "Active" and "Expired"
    are said of subscriptions alone, to keys that want SmartPanel's words.
    """

    charge: Amount
    start_count: Count
    status: StateWord
    remains: Count
    currency: str
    runs: int | None = None
    posts: int | None = None
    expiry: str | None = None


class RefillAccepted(msgspec.Struct):
    refill: Count


class RefillItem(msgspec.Struct):
    order: int | str
    refill: int | ErrorAnswer


class RefillStatusAnswer(msgspec.Struct):
    status: RefillWord


class RefillStatusItem(msgspec.Struct):
    refill: int | str
    status: RefillWord | ErrorAnswer


class CancelItem(msgspec.Struct):
    """``cancel`` 1 says that the request was taken; only the status says whether the order is canceled."""

    order: int | str
    cancel: int | ErrorAnswer


class BalanceAnswer(msgspec.Struct):
    balance: Amount
    currency: str


class TicketOpened(msgspec.Struct):
    """``status`` is a number here and a word in every other answer: that is how panel API v2 has it."""

    status: Literal[200]
    ticket_id: Count
    message: str


def exact(amount: Decimal) -> str:
    """An amount with all of its five places."""
    return f"{amount:.5f}"


def short(amount: Decimal) -> str:
    """A price with at least two places and no more than it needs."""
    whole, _point, rest = f"{amount:.5f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
