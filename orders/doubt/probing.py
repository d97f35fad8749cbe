"""Asking a provider which order numbers are ours: bounded, paced, each call checked by two ids that must answer.

Probing asks for numbers that are mostly other customers'. It can be switched off per provider, makes at most one call
every PROBE_INTERVAL_SECONDS, and stops when the provider says that it is too much.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from catalog.models import Provider
from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import elapsed_clock
from orders import own_ids
from orders.doubt.clock import Clock
from orders.doubt.evidence import ids_per_call
from orders.doubt.intervals import search_lifetime
from orders.doubt.planning import Range
from orders.models import UNEXPLAINED, OwnId, ProbePass, ProbeSchedule
from orders.pace import Pace
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import Ignored, ItemError, OrderStatus, StatusItem

log = logging.getLogger(__name__)

#: In a row; then the provider has something else to do.
_VOIDS = 3
TIME_IS_OVER = "time"
#: Of so many unknown ids, more than half cannot be ours: this provider shows others' orders.
_SUSPICIOUS = 10
_KNOWN_ALL_THE_SAME = ("unknown_state", "contradictory")


class ForeignIdsShown(Exception):
    """The provider answers for ids that are not ours, or refuses a whole call for one of them: no id can be told."""


class Stopped(Exception):
    """No more calls now: the provider asked for less, is away, or the time is over. ``args[0]`` says which."""


@dataclass
class Search:
    """One search under way. ``until`` is on the clock of this process."""

    provider: Provider
    clock: Clock
    until: float
    calls: int = 0
    voids: int = 0
    voids_in_a_row: int = 0
    #: Unknown ids that were asked for since it was last judged whether too many of them are shown, and those shown.
    strange: int = 0
    shown: int = 0
    new_ids: list[int] = field(default_factory=list)
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        """A round may be shorter than the pause between two calls: the schedule knows of the last one before it."""
        asked_at = ProbeSchedule.objects.filter(provider=self.provider).values_list("asked_at", flat=True).first()
        pause = settings.PROBE_INTERVAL_SECONDS
        past = pause if asked_at is None else max(0.0, (self.clock.now() - asked_at).total_seconds())
        self.pace = Pace(60.0 / pause, after=max(0.0, pause - past))


def search(this: Search, ranges: Sequence[Range], *, newest: int) -> ProbePass:
    """Ask for every unknown id in ``ranges``, one range after the other; what was asked for whole is written down.

    A search that ran out of time is gone on with instead: a pass may take longer than a run. ``newest`` is an own id
    that serves as the upper control where a range does not end with one. Raises ForeignIdsShown.
    """
    done = _unfinished(this) or ProbePass(
        provider=this.provider, started_at=this.clock.now(), todo=[[low, high, low] for low, high in ranges]
    )
    before, this.new_ids, done.stopped_by = this.calls, [], ""
    try:
        while done.todo:
            _search_range(this, done.todo[0], newest)
            low, high, _asked_to = done.todo.pop(0)
            done.ranges.append([low, high])
    except Stopped as reason:
        done.stopped_by = str(reason)
    finally:
        done.finished_at = this.clock.now()
        done.new_ids += this.new_ids
        done.calls += this.calls - before
        done.voids += this.voids
        done.save()
    return done


def _unfinished(this: Search) -> ProbePass | None:
    """The last search, when only its time was over and not long ago."""
    last = ProbePass.objects.filter(provider=this.provider).order_by("-id").first()
    lately = this.clock.now() - search_lifetime()
    return last if last and last.stopped_by == TIME_IS_OVER and last.finished_at >= lately else None


def _search_range(this: Search, todo: list[int], newest: int) -> None:
    """Ask for one range; ``todo`` keeps how far that got."""
    low, high, asked_to = todo
    known = OwnId.objects.filter(provider=this.provider, number__gt=asked_to, number__lt=high)
    known = known.exclude(answered_at=None, explained__in=UNEXPLAINED)
    skipped = set(known.values_list("number", flat=True))
    unknown = [number for number in range(asked_to + 1, high) if number not in skipped]
    is_own_id = OwnId.objects.filter(provider=this.provider, number=high).exists()
    controls = (low, high if is_own_id else newest)
    while unknown:
        answered = _ask(this, unknown[: ids_per_call(this.provider)], controls)
        unknown = [number for number in unknown if number not in answered]
        todo[2] = unknown[0] - 1 if unknown else high - 1


def _ask(this: Search, batch: Sequence[int], controls: tuple[int, int]) -> set[int]:
    """One call; the ids whose answer counts. None does in a call whose controls are not known to the provider."""
    answers = call(this, sorted({*batch, *controls}))
    if answers is None or not all(is_own(answers[str(control)]) for control in controls):
        _void(this)
        return set()
    found = {number for number in batch if is_own(answers[str(number)])}
    known = OwnId.objects.filter(provider=this.provider, number__in=found).count()
    _watch(this, shown=len(found) - known, of=len(batch))
    _write_down(this, sorted(found), answers)
    answered = found | {number for number in batch if is_refused(answers[str(number)])}
    this.voids_in_a_row = 0
    if not answered:
        _void(this)
    return answered


def _watch(this: Search, *, shown: int, of: int) -> None:
    """Count over as many calls as it takes: some panels answer for a few ids at a time."""
    this.strange, this.shown = this.strange + of, this.shown + shown
    if this.strange < _SUSPICIOUS:
        return
    if this.shown * 2 > this.strange:
        raise ForeignIdsShown
    this.strange = this.shown = 0


def _write_down(this: Search, found: Sequence[int], answers: dict[str, StatusItem]) -> None:
    seen_at = this.clock.now()
    with transaction.atomic():
        for number in found:
            item = answers[str(number)]
            assert isinstance(item, OrderStatus | Ignored)  # noqa: S101 - that is what makes it ours
            if own_ids.note_seen(this.provider.pk, str(number), item, now=seen_at):
                this.new_ids.append(number)


def call(this: Search, numbers: Sequence[int]) -> dict[str, StatusItem] | None:
    """The answers about ``numbers`` as text ids, None when the call was answered with nothing usable.

    Raises Stopped when no further call should be made now.
    """
    return _asked(this, lambda client: client.statuses([str(number) for number in numbers]), len(numbers))


def call_one(this: Search, upstream_id: str) -> StatusItem | None:
    """The answer about one id, which need not be a number. Raises Stopped."""
    return _asked(this, lambda client: client.status(upstream_id), 1)


def _asked[T](this: Search, ask: Callable[[ProviderClient], T], number: int) -> T | None:
    if not this.pace.wait(this.until) or elapsed_clock() >= this.until:
        raise Stopped(TIME_IS_OVER)
    this.calls += 1
    # Before the call: a process that dies in it must not be forgotten.
    ProbeSchedule.objects.filter(provider=this.provider).update(asked_at=this.clock.now())
    try:
        return ask(client_for(this.provider, deadline=settings.READ_DEADLINE_SECONDS))
    except Unavailable as failure:
        if failure.error_class is ErrorClass.RATE_LIMITED:
            raise Stopped("rate_limited") from failure
        if failure.error_class in (ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED):
            health.park(this.provider.pk, reason=failure.error_class.value, now=this.clock.now())
            raise Stopped(failure.error_class.value) from failure
        if failure.error_class is ErrorClass.BATCH_TOO_LARGE and this.provider.batch_size > 3:
            this.provider.batch_size = max(3, min(this.provider.batch_size, number) // 2)
            Provider.objects.filter(pk=this.provider.pk).update(batch_size=this.provider.batch_size)
        return None


def is_own(item: StatusItem) -> bool:
    """The provider knows this id under our key, even when its state is a word that we do not know."""
    return isinstance(item, OrderStatus) or (isinstance(item, Ignored) and item.reason in _KNOWN_ALL_THE_SAME)


def is_refused(item: StatusItem) -> bool:
    """The one answer that says "not yours". A gap, or any other error, says nothing."""
    return isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER


def _void(this: Search) -> None:
    this.voids += 1
    this.voids_in_a_row += 1
    if this.voids_in_a_row >= _VOIDS:
        raise Stopped("void")
