"""Whether a provider's order ids can prove anything: one growing counter (A1), others' ids refused (A2).

Measured when the first order is known there, again every day, and watched in every search. Where it fails, the search
by id is off, and doubts go to the owner.
"""

from datetime import datetime, timedelta

from catalog.models import Provider
from notices import causes
from notices.alerts import raise_alert
from orders import id_search
from orders.doubt.evidence import ids_per_call
from orders.doubt.habits import learn_decimals
from orders.doubt.probing import Probe
from orders.models import OwnId, ProbeSchedule
from orders.states import Explanation
from upstream.errors import Unavailable

REPEAT_AFTER = timedelta(days=1)
_COMPARED = 200
#: So many ids around our newest are asked for at least, in as many calls as that takes.
_LEAST_ASKED = 20
#: One id and the two controls that must answer: with less, no answer can be believed.
_LEAST_BATCH = 3


def is_usable(provider: Provider) -> bool:
    """True if a search by id may decide anything here. What was not measured yet counts as no."""
    return is_measurable(provider) and provider.ids_grow is not False and provider.foreign_ids_refused is True


def is_measurable(provider: Provider) -> bool:
    """True if searching is allowed here, and enough ids fit in one call."""
    return provider.probing_enabled and provider.batch_size >= _LEAST_BATCH


def calibrate(probe: Probe, schedule: ProbeSchedule) -> None:
    """Measure again what is due, and store it with the provider. Not inside a transaction. Raises ProbeStopped."""
    provider, now = probe.provider, probe.clock.now()
    _store(provider, now, ids_grow=ids_grow(provider), charge_decimals=learn_decimals(provider))
    is_due = schedule.calibrated_at is None or schedule.calibrated_at <= now - REPEAT_AFTER
    if not is_measurable(provider) or not (is_due or provider.foreign_ids_refused is None):
        return
    refused = foreign_ids_refused(probe)
    if refused is not None:
        _store(provider, now, foreign_ids_refused=refused)
        ProbeSchedule.objects.filter(pk=schedule.pk).update(calibrated_at=now)


def ids_grow(provider: Provider) -> bool | None:
    """Return whether A1 holds for what we placed: each id is greater than all known before its send. None for fewer
    than two.
    """
    rows = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT).order_by("-id")[:_COMPARED]
    facts = list(rows.values_list("number", "first_seen_at", "attempt__sent_at"))
    if any(number is None for number, _seen, _sent in facts):
        return False
    if len(facts) < 2:
        return None
    placed = [(number, seen, sent) for number, seen, sent in facts if number is not None and sent is not None]
    by_seen = sorted(placed, key=lambda fact: fact[1])
    greatest, position = 0, 0
    for number, _seen, sent in sorted(by_seen, key=lambda fact: fact[2]):
        while position < len(by_seen) and by_seen[position][1] <= sent:
            greatest = max(greatest, by_seen[position][0])
            position += 1
        if number <= greatest:
            return False
    return True


def foreign_ids_refused(probe: Probe) -> bool | None:
    """Return whether A2 holds for the ids around our newest: all are answered, and few are ours.

    None if they could not be asked for. Raises ProbeStopped.
    """
    provider = probe.provider
    ours = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT, number__isnull=False)
    newest = ours.order_by("-number").values_list("number", flat=True).first()
    if newest is None:
        return None
    size = ids_per_call(provider)
    half = max(size, _LEAST_ASKED) // 2
    around = [number for number in range(max(1, newest - half), newest + half + 1) if number != newest]
    answers: id_search.Answers = {}
    for first in range(0, len(around), size):
        try:
            chunk = id_search.ask_with_controls(probe.statuses, around[first : first + size], [newest])
        except Unavailable:
            return None
        if chunk is None:
            return None
        answers |= chunk
    known = set(OwnId.objects.filter(provider=provider, number__in=around).values_list("number", flat=True))
    unknown = {number: item for number, item in answers.items() if number not in known}
    if not all(map(id_search.is_decided, unknown.values())):
        return False
    # Above our newest there may be no orders yet, so the ids below it are judged by themselves as well.
    below = [item for number, item in unknown.items() if number < newest]
    return all(sum(map(id_search.is_ours, items)) * 2 <= len(items) for items in (below, unknown.values()))


def note_foreign_ids_shown(provider: Provider, *, now: datetime) -> None:
    """Store that a search met ids of others: it outweighs the calibration."""
    _store(provider, now, foreign_ids_refused=False)


def _store(provider: Provider, now: datetime, **facts: bool | int | None) -> None:
    """Store the facts that changed; alert the owner when ids prove nothing here from now on."""
    changed = {name: value for name, value in facts.items() if getattr(provider, name) != value}
    if not changed:
        return
    Provider.objects.filter(pk=provider.pk).update(**changed)
    for name, value in changed.items():
        setattr(provider, name, value)
    if False in (changed.get("ids_grow"), changed.get("foreign_ids_refused")):
        raise_alert(causes.IDS_PROVE_NOTHING, now=now, provider=provider.pk, name=provider.name)
