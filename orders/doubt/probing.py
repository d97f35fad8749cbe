"""Searching ranges of order ids at a provider for those that are ours: few calls, far apart, checked by control ids.

Probing asks for ids that are mostly other customers'. It can be switched off per provider, makes at most one call every
PROBE_INTERVAL_SECONDS, and stops when the provider asks for less.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from catalog.models import Provider
from catalog.providers.account import confirm_shut_out
from catalog.providers.connection import client_for
from core.clock import SteadyClock, elapsed_clock
from orders import id_search, own_ids
from orders.doubt.evidence import ids_per_call
from orders.doubt.intervals import search_lifetime
from orders.doubt.planning import Range
from orders.models import UNEXPLAINED, OwnId, ProbePass, ProbeSchedule
from orders.pace import Pace
from upstream.client import ProviderClient
from upstream.errors import SHUT_OUT, ErrorClass, Unavailable
from upstream.messages import Ignored, OrderStatus, StatusItem

log = logging.getLogger(__name__)

OUT_OF_TIME = "time"
#: Of so many unknown ids, more than half cannot be ours: this provider shows others' orders.
_SUSPICIOUS = 10


class ForeignIdsShown(Exception):
    """The provider answers for ids of others as well, so an answer does not show that an id is ours."""


class ProbeStopped(Exception):
    """No more calls now: the provider asked for fewer, is away, or the time is over. ``str()`` is the reason."""


@dataclass
class Probe:
    """The calls of one round at one provider. ``until`` is on the clock of this process."""

    provider: Provider
    clock: SteadyClock
    until: float
    calls: int = 0
    #: Calls that counted and said of some id whether it is ours.
    useful_calls: int = 0
    #: Unknown ids asked for, and those of them answered as ours, since the two were last compared.
    unknown: int = 0
    shown: int = 0
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        """A round may be shorter than the pause between two calls, so the pause counts from the round before."""
        asked_at = ProbeSchedule.objects.filter(provider=self.provider).values_list("asked_at", flat=True).first()
        pause = settings.PROBE_INTERVAL_SECONDS
        past = pause if asked_at is None else max(0.0, (self.clock.now() - asked_at).total_seconds())
        self.pace = Pace(60.0 / pause, after=max(0.0, pause - past))

    def statuses(self, ids: Sequence[str]) -> dict[str, StatusItem]:
        """Ask about ``ids`` in one call and return the answers. Raises ProbeStopped; Unavailable if it is unusable."""
        return self._call(lambda client: client.statuses(ids), len(ids))

    def status(self, upstream_id: str) -> StatusItem:
        """Return the answer about one id, which need not be a number. Raises ProbeStopped and Unavailable."""
        return self._call(lambda client: client.status(upstream_id), 1)

    def _call[T](self, ask: Callable[[ProviderClient], T], number_of_ids: int) -> T:
        if not self.pace.wait(self.until) or elapsed_clock() >= self.until:
            raise ProbeStopped(OUT_OF_TIME)
        self.calls += 1
        # Before the call, so that the pause is kept after a process that dies in it.
        ProbeSchedule.objects.filter(provider=self.provider).update(asked_at=self.clock.now())
        try:
            return ask(client_for(self.provider, deadline=settings.READ_DEADLINE_SECONDS))
        except Unavailable as failure:
            if failure.error_class is ErrorClass.RATE_LIMITED:
                raise ProbeStopped("rate_limited") from failure
            if failure.error_class in SHUT_OUT:
                confirm_shut_out(self.provider, now=self.clock.now())
                raise ProbeStopped(failure.error_class.value) from failure
            if failure.error_class is ErrorClass.BATCH_TOO_LARGE and self.provider.batch_size > 3:
                self.provider.batch_size = max(3, min(self.provider.batch_size, number_of_ids) // 2)
                Provider.objects.filter(pk=self.provider.pk).update(batch_size=self.provider.batch_size)
            raise


def search(probe: Probe, ranges: Sequence[Range], *, newest: int) -> ProbePass:
    """Ask for every unknown id in ``ranges``, one range after the other; return the stored pass.

    The pass names the ranges that were searched whole. A pass that ran out of time lately is continued instead, since a
    pass may take longer than a run. ``newest`` is an own id, the upper control where a range does not end with one.
    Raises ForeignIdsShown.
    """
    last = ProbePass.objects.filter(provider=probe.provider).order_by("-id").first()
    lately = probe.clock.now() - search_lifetime()
    if last is not None and last.stopped_by == OUT_OF_TIME and last.finished_at >= lately:
        done = last
    else:
        todo = [[low, high, low] for low, high in ranges]
        done = ProbePass(provider=probe.provider, started_at=probe.clock.now(), todo=todo)
    done.stopped_by, calls, useful_calls = "", probe.calls, probe.useful_calls
    try:
        while done.todo:
            _search_range(probe, done, newest)
            low, high, _asked_to = done.todo.pop(0)
            done.ranges.append([low, high])
    except id_search.NoProof:
        done.stopped_by = "void"
    except ProbeStopped as reason:
        done.stopped_by = str(reason)
    finally:
        done.finished_at = probe.clock.now()
        done.calls += probe.calls - calls
        done.voids += probe.calls - calls - (probe.useful_calls - useful_calls)
        done.save()
    return done


def _search_range(probe: Probe, done: ProbePass, newest: int) -> None:
    """Ask for the rest of the first range in ``done.todo``, noting there after each call how far it got."""
    low, high, asked_to = todo = done.todo[0]
    known = OwnId.objects.filter(provider=probe.provider, number__gt=asked_to, number__lt=high)
    known = known.exclude(answered_at=None, explained__in=UNEXPLAINED)
    skipped = set(known.values_list("number", flat=True))
    unknown = [number for number in range(asked_to + 1, high) if number not in skipped]
    is_own_id = OwnId.objects.filter(provider=probe.provider, number=high).exists()
    controls = (low, high if is_own_id else newest)
    search = id_search.search(probe.statuses, unknown, controls, ids_per_call=lambda: ids_per_call(probe.provider))
    for answers in search:
        done.new_ids += _keep(probe, answers)
        decided = {number for number, item in answers.items() if id_search.is_decided(item)}
        unknown = [number for number in unknown if number not in decided]
        todo[2] = unknown[0] - 1 if unknown else high - 1


def _keep(probe: Probe, answers: id_search.Answers) -> list[int]:
    """Store the first answer about each id that is ours; return the ids not seen before. Raises ForeignIdsShown."""
    ours = {number: item for number, item in sorted(answers.items()) if id_search.is_ours(item)}
    known = OwnId.objects.filter(provider=probe.provider, number__in=ours).count()
    probe.useful_calls += any(map(id_search.is_decided, answers.values()))
    # Compared over as many calls as it takes: some panels answer for a few ids at a time.
    probe.unknown += len(answers)
    probe.shown += len(ours) - known
    if probe.unknown >= _SUSPICIOUS:
        if probe.shown * 2 > probe.unknown:
            raise ForeignIdsShown
        probe.unknown = probe.shown = 0
    seen_at, new_ids = probe.clock.now(), []
    with transaction.atomic():
        for number, item in ours.items():
            assert isinstance(item, OrderStatus | Ignored)  # noqa: S101 - that is what makes it ours
            if own_ids.note_seen(probe.provider.pk, str(number), item, now=seen_at):
                new_ids.append(number)
    return new_ids
