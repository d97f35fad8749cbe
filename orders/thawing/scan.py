"""Asking a provider which ids of a range answer to our key: everything it received since the dump lies there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from orders import id_search
from orders.pace import Pace
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import ItemError, Missing, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

#: A range above this is a typing error, or a panel so busy that asking would take days.
LONGEST = 200_000
#: In these states the charge may have changed: it does not show which order of ours this is.
_MOVED = (
    ProviderOrderState.PARTIAL,
    ProviderOrderState.CANCELED,
    ProviderOrderState.REFUNDED,
    ProviderOrderState.FAILED,
)


class ScanFailed(Exception):
    """The provider's answers allow no conclusion; ``str()`` says what it did."""


@dataclass(frozen=True)
class Found:
    """An id that is not known to be another customer's. ``is_clear`` if its charge shows which orders it cannot be.

    ``answer`` is None if none could be read or two differed. ``is_ours`` is False for an id that was left out, or
    refused in unknown words: it may be anybody's.
    """

    upstream_id: str
    charge: Decimal | None
    state: str
    is_clear: bool
    answer: OrderStatus | None = None
    is_ours: bool = True


@dataclass
class ScanRange:
    """The ids from ``known``, 0 for none, up to ``recent``. Both are ours, and serve as the controls of each call."""

    known: int
    recent: int
    found: dict[str, Found] = field(default_factory=dict)

    @property
    def ids(self) -> range:
        return range(max(self.known, 1), self.recent + 1)

    @property
    def controls(self) -> set[int]:
        return {number for number in (self.known, self.recent) if number > 0}

    def note(self, number: int, item: StatusItem) -> None:
        """Keep what one answer shows. Of two answers about an id, the one that rules out less is kept."""
        if id_search.is_refused(item):
            return
        upstream_id = str(number)
        if isinstance(item, OrderStatus):
            is_clear = item.charge is not None and item.charge > 0 and item.state not in _MOVED
            is_clear = is_clear and item.children is None and "currency_differs" not in item.flags
            found = Found(upstream_id, item.charge, item.state.value, is_clear, item)
        else:
            is_ours = not isinstance(item, ItemError | Missing)
            found = Found(upstream_id, None, type(item).__name__.lower(), is_clear=False, is_ours=is_ours)
        first = self.found.get(upstream_id)
        if first is None:
            self.found[upstream_id] = found
        elif first.answer is not None and found.is_clear and may_get_charge(first.answer):
            self.found[upstream_id] = found  # the second pass met the charge that the first did not name yet
        elif not first.is_ours and found.is_ours:
            self.found[upstream_id] = Found(upstream_id, None, "unclear", is_clear=False)
        elif first.is_clear and not found.is_clear:
            self.found[upstream_id] = found
        elif first.is_clear and found.charge != first.charge:
            self.found[upstream_id] = Found(upstream_id, None, "unclear", is_clear=False)


def may_get_charge(answer: OrderStatus) -> bool:
    """True if a later answer may name the charge of this order: it ran, or was done, without one."""
    return not answer.charge and answer.state not in _MOVED and answer.children is None and not answer.flags


def scan(client: ProviderClient, between: ScanRange, *, per_minute: float, pause: Callable[[], None]) -> None:
    """Ask for the whole range twice, since one answer in a thousand may wrongly say "not yours"; note what was found.

    ``pause`` waits between the two passes. Raises ScanFailed. Must not run inside a transaction.
    """
    width = between.recent - between.known - 1
    if width > LONGEST:
        raise ScanFailed(f"{width} ids lie between {between.known} and {between.recent}: too many to ask")
    pace = Pace(per_minute)
    size = max(1, client.dialect.batch_size - 2)

    def ask(ids: Sequence[str]) -> dict[str, StatusItem]:
        pace.wait(float("inf"))
        return _ask(client, ids, pace)

    def answers_about(ids: Sequence[int]) -> dict[int, StatusItem]:
        # Every answer counts, also "left out": it is noted as an id that may be anybody's.
        calls = id_search.search(ask, ids, between.controls, ids_per_call=lambda: size, is_answer=lambda _item: True)
        return {number: item for answers in calls for number, item in answers.items()}

    try:
        # 1. A newer order of ours just above the owner's id means that the owner read the wrong line. Only a refusal or
        #    a gap says that it is not ours: an order in a state that nobody knows was sent as well.
        for number, item in answers_about(range(between.recent + 1, between.recent + 1 + size)).items():
            if not isinstance(item, ItemError | Missing):
                raise ScanFailed(f"order {number} of yours is newer than {between.recent}: give the newest one")
        # 2. The range, twice.
        for is_second in (False, True):
            if is_second:
                pause()
            for number, item in answers_about(between.ids).items():
                between.note(number, item)
    except id_search.NoProof as problem:
        raise ScanFailed(str(problem)) from problem


def _ask(client: ProviderClient, ids: Sequence[str], pace: Pace) -> dict[str, StatusItem]:
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
