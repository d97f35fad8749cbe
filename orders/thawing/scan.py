"""Asking a provider which ids of a range answer to our key: everything it received since the dump lies there."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orders.pace import Pace
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import ItemError, Missing, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

log = logging.getLogger(__name__)

_TRIES = 3
#: A range above this is a typing error, or a panel so busy that asking would take days.
LONGEST = 200_000
#: Such an order may have shown another charge before: no order of ours can be told from it.
_MOVED = (
    ProviderOrderState.PARTIAL,
    ProviderOrderState.CANCELED,
    ProviderOrderState.REFUNDED,
    ProviderOrderState.FAILED,
)


class ScanFailed(Exception):
    """The provider did not answer so that anything could be concluded; ``str()`` says what it did."""


@dataclass(frozen=True)
class Found:
    """An id that is not known to be another's. ``is_clear`` when its charge tells which orders it cannot be.

    ``heard`` is the answer, None when it could not be read or two answers differed. ``answers`` when it was told of as
    an order of our key; one that was left out, or refused in odd words, may still be anybody's.
    """

    upstream_id: str
    charge: Decimal | None
    state: str
    is_clear: bool
    heard: OrderStatus | None = None
    answers: bool = True


@dataclass
class Range:
    """The ids after ``known`` up to ``recent``; both are ours and are asked in each call, as its proof."""

    known: int
    recent: int
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def controls(self) -> list[str]:
        return [str(n) for n in {self.known, self.recent} if n > 0]

    @property
    def inner(self) -> range:
        return range(self.known + 1, self.recent)


def ask(client: ProviderClient, between: Range, *, per_minute: float, pause: Callable[[], None]) -> Range:
    """Ask about the whole range twice: one answer in a thousand may wrongly say "not yours". Raises ScanFailed.

    ``pause`` waits between the two passes. Must not run inside a transaction.
    """
    if len(between.inner) > LONGEST:
        raise ScanFailed(f"{len(between.inner)} ids lie between {between.known} and {between.recent}: too many to ask")
    pace = Pace(per_minute)
    size = max(1, client.dialect.batch_size - 2)
    _demand_newest(client, between, size, pace)
    for is_second in (False, True):
        if is_second:
            pause()
        for first in range(between.inner.start, max(between.inner.stop, between.inner.start + 1), size):
            chunk = [str(n) for n in range(first, min(first + size, between.inner.stop))]
            for number, item in _chunk(client, chunk, between.controls, pace).items():
                _note(between, number, item)
    return between


def _demand_newest(client: ProviderClient, between: Range, size: int, pace: Pace) -> None:
    """A newer order of ours just above the owner's id means that the owner read the wrong line.

    Only a refusal or a gap says that it is not ours: an order whose state is a word nobody knows is as newly sent.
    """
    above = [str(n) for n in range(between.recent + 1, between.recent + 1 + size)]
    for number, item in _chunk(client, above, between.controls, pace).items():
        if number in above and not isinstance(item, ItemError | Missing):
            raise ScanFailed(f"order {number} of yours is newer than {between.recent}: give the newest one")


def _note(between: Range, number: str, item: StatusItem) -> None:
    if isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER:
        return
    if isinstance(item, OrderStatus):
        clear = item.charge is not None and item.charge > 0 and item.state not in _MOVED and item.children is None
        clear = clear and "currency_differs" not in item.flags
        found = Found(number, item.charge, item.state.value, clear, item)
    else:
        answers = not isinstance(item, ItemError | Missing)
        found = Found(number, None, type(item).__name__.lower(), is_clear=False, answers=answers)
    first = between.found.get(number)
    if first is not None and not first.answers and found.answers:
        between.found[number] = Found(number, None, "unclear", is_clear=False)
        return
    # Of two answers the one that rules out less is kept.
    if first is None or (first.is_clear and not (found.is_clear and found.charge == first.charge)):
        between.found[number] = found if first is None or not found.is_clear else Found(number, None, "unclear", False)


def _chunk(client: ProviderClient, chunk: Sequence[str], controls: list[str], pace: Pace) -> dict[str, StatusItem]:
    """The answers about ``chunk``, from a call whose controls were answered as ours."""
    problem = "it did not know its own orders"
    for _try in range(_TRIES):
        pace.wait(float("inf"))
        try:
            answers = _all(client, [*chunk, *(c for c in controls if c not in chunk)], pace)
        except Unavailable as failure:
            problem = str(failure)
            continue
        if all(isinstance(answers[c], OrderStatus) for c in controls):
            return {number: answers[number] for number in [*chunk, *controls]}
    raise ScanFailed(problem)


def _all(client: ProviderClient, ids: Sequence[str], pace: Pace) -> dict[str, StatusItem]:
    """One call, or one for each id where a panel fails the whole call for an id that is not ours."""
    if len(ids) == 1:
        return {ids[0]: client.status(ids[0])}
    try:
        return client.statuses(ids)
    except Unavailable as failure:
        if failure.error_class not in (ErrorClass.UNKNOWN_ORDER, ErrorClass.BATCH_TOO_LARGE):
            raise
    answers: dict[str, StatusItem] = {}
    for number in ids:
        pace.wait(float("inf"))
        answers[number] = client.status(number)
    return answers
