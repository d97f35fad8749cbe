"""The contents of a provider's answers as plain values. Money is Decimal, ids are text in canonical form."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, Protocol

from upstream.errors import ErrorClass
from upstream.exchange import Exchange
from upstream.states import ProviderOrderState, ProviderRefillState


class ServiceListRow(NamedTuple):
    """One service. `rate` is per 1,000 (per package for packages) in the currency of our account there.

    `quarantine` holds reasons not to sell it, each a machine word, a colon and a sentence; empty means accepted.
    `type` is our name of a known type, else empty. Texts are as received, only trimmed: hostile until escaped.
    `raw` is the row as JSON text, fit for a database column.
    """

    external_id: str
    name: str
    type: str
    raw_type: str
    category: str
    rate: Decimal | None
    min: int | None
    max: int | None
    description: str
    refill: bool
    cancel: bool
    dripfeed: bool
    average_time: str | None
    quarantine: tuple[str, ...] = ()
    raw: str = "{}"


class ListEntry(Protocol):
    """What a list says of one service, not read yet. Entries of equal digest give equal rows, so none is read twice."""

    @property
    def external_id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    def read(self) -> ServiceListRow: ...


@dataclass(frozen=True)
class ServiceList:
    """A list in the provider's order, an entry for each id.

    `skipped` counts rows that were no services or repeats of an id; `reports` are sentences for the owner, about the
    entries read so far.
    """

    entries: list[ListEntry]
    skipped: int = 0
    noise: bool = False
    reports: list[str] = field(default_factory=list)
    exchange: Exchange | None = field(default=None, compare=False, repr=False)

    @cached_property
    def rows(self) -> list[ServiceListRow]:
        """Every entry, read."""
        return [entry.read() for entry in self.entries]


@dataclass(frozen=True)
class AcceptedOrder:
    """The provider accepted the order. `charge` is our cost as information, never the customer's price."""

    order_id: str
    charge: Decimal | None = None
    noise: bool = False
    exchange: Exchange | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class OrderStatus:
    """One order's state. None means unknown, never zero.

    `remains` is as received (it may be negative or above the quantity); `remains_raw` is its text if given.
    `children` is None unless the provider listed child orders. Flags: `charge_unreadable`, `charge_negative`,
    `remains_unreadable`, `start_unreadable`, `currency_differs`, `children_unreadable`.
    """

    state: ProviderOrderState
    raw_state: str
    charge: Decimal | None = None
    start_count: int | None = None
    remains: int | None = None
    remains_raw: str = ""
    currency: str | None = None
    children: tuple[str, ...] | None = None
    runs: int | None = None
    posts: int | None = None
    noise: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ItemError:
    """The provider answered an error for this one item. It says nothing about money: keep the state."""

    error_class: ErrorClass
    text: str = ""


@dataclass(frozen=True)
class Ignored:
    """An answer that changes nothing.

    Reasons: `unknown_state`, `no_state`, `contradictory`, `other_order`, `not_an_object`, `conflicting_duplicates`.
    """

    reason: str
    raw_state: str = ""


@dataclass(frozen=True)
class Missing:
    """The id was asked for and not answered."""


@dataclass(frozen=True)
class RefillStatus:
    state: ProviderRefillState
    raw_state: str = ""
    noise: bool = False


StatusItem = OrderStatus | ItemError | Ignored | Missing
RefillItem = RefillStatus | ItemError | Ignored | Missing


@dataclass(frozen=True)
class Refilled:
    refill_id: str
    noise: bool = False
    exchange: Exchange | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RefusedItem:
    error_class: ErrorClass
    text: str = ""


@dataclass(frozen=True)
class InDoubtItem:
    """The batch was answered, this item was not, or not clearly."""

    reason: str = "missing"


@dataclass(frozen=True)
class CancelRequested:
    """The provider received the request. The order is canceled only when its status says so."""


@dataclass(frozen=True)
class ProviderBalance:
    """Our account at the provider. `currency` is upper case, None if the answer names none."""

    amount: Decimal
    currency: str | None
    noise: bool = False


@dataclass(frozen=True)
class RecentOrder:
    """A row of the unofficial list of recent orders: evidence for orders in doubt, nothing else."""

    order_id: str
    service: str
    link: str
    quantity: int | None
    raw_state: str
    charge: Decimal | None
    date: str


CancelOutcome = CancelRequested | RefusedItem | InDoubtItem
