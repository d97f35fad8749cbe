"""Whether a provider's order numbers can prove anything: one growing counter (A1), others' ids refused (A2).

Tested when the first order is known there, again every day, and watched in every search. Where it fails, the search by
order number is off, and doubts go to the owner.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from catalog.models import Provider
from notices.alerts import raise_alert
from notices.models import Severity
from orders.doubt import probing
from orders.doubt.evidence import ids_per_call, learn_decimals
from orders.models import Explanation, OwnId, ProbeSchedule
from upstream.messages import StatusItem

AGAIN_AFTER = timedelta(days=1)
_COMPARED = 200
#: So many ids around our newest are asked for at least, in as many calls as that takes.
_LEAST_ASKED = 20
#: One id and the two beside it that must answer: with less, nothing that is said can be believed.
_LEAST_BATCH = 3


def is_usable(provider: Provider) -> bool:
    """Whether a search by order number may decide anything here. What was not measured yet counts as no."""
    return is_measurable(provider) and provider.ids_grow is not False and provider.foreign_ids_refused is True


def is_measurable(provider: Provider) -> bool:
    """Whether enough may be asked here for a search, and in one call."""
    return provider.probing_enabled and provider.batch_size >= _LEAST_BATCH


def calibrate(this: probing.Search, schedule: ProbeSchedule) -> None:
    """Measure again what is due, and keep it with the provider. Calls the provider; not inside a transaction.

    Raises probing.Stopped.
    """
    provider, now = this.provider, this.clock.now()
    _keep(provider, now, ids_grow=ids_grow(provider), charge_decimals=learn_decimals(provider))
    is_old = schedule.calibrated_at is None or schedule.calibrated_at <= now - AGAIN_AFTER
    if not is_measurable(provider) or not (is_old or provider.foreign_ids_refused is None):
        return
    refused = foreign_ids_refused(this)
    if refused is not None:
        _keep(provider, now, foreign_ids_refused=refused)
        ProbeSchedule.objects.filter(pk=schedule.pk).update(calibrated_at=now)


def ids_grow(provider: Provider) -> bool | None:
    """A1 from what we placed: each id is greater than all that were known before its send. None before the second."""
    rows = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT).order_by("-id")[:_COMPARED]
    facts = list(rows.values_list("number", "first_seen_at", "attempt__sent_at"))
    if any(number is None for number, _seen, _sent in facts):
        return False
    if len(facts) < 2:
        return None
    return _grows((number, seen, sent) for number, seen, sent in facts if number is not None and sent is not None)


def _grows(facts: Iterable[tuple[int, datetime, datetime]]) -> bool:
    known = sorted(facts, key=lambda fact: fact[1])
    greatest, position = 0, 0
    for number, _seen, sent in sorted(known, key=lambda fact: fact[2]):
        while position < len(known) and known[position][1] <= sent:
            greatest = max(greatest, known[position][0])
            position += 1
        if number <= greatest:
            return False
    return True


def foreign_ids_refused(this: probing.Search) -> bool | None:
    """A2 from the ids around the newest of ours: all answered, few of them ours. None when it could not be asked.

    Raises probing.Stopped.
    """
    provider = this.provider
    ours = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT, number__isnull=False)
    newest = ours.order_by("-number").values_list("number", flat=True).first()
    if newest is None:
        return None
    size = ids_per_call(provider)
    half = max(size, _LEAST_ASKED) // 2
    around = [number for number in range(max(1, newest - half), newest + half + 1) if number != newest]
    answers: dict[str, StatusItem] = {}
    for first in range(0, len(around), size):
        heard = probing.call(this, [newest, *around[first : first + size]])
        if heard is None or not probing.is_own(heard[str(newest)]):
            return None
        answers |= heard
    known = set(OwnId.objects.filter(provider=provider, number__in=around).values_list("number", flat=True))
    strange = {number: answers[str(number)] for number in around if number not in known}
    if not all(probing.is_own(item) or probing.is_refused(item) for item in strange.values()):
        return False
    # Above our newest there may be no orders yet, and nothing to show.
    below = [item for number, item in strange.items() if number < newest]
    return all(sum(map(probing.is_own, items)) * 2 <= len(items) for items in (below, strange.values()))


def watch_failed(provider: Provider, *, now: datetime) -> None:
    """A search met what calibration excludes: believe the search."""
    _keep(provider, now, foreign_ids_refused=False)


def _keep(provider: Provider, now: datetime, **facts: bool | int | None) -> None:
    changed = {name: value for name, value in facts.items() if getattr(provider, name) != value}
    if not changed:
        return
    Provider.objects.filter(pk=provider.pk).update(**changed)
    for name, value in changed.items():
        setattr(provider, name, value)
    if False in (changed.get("ids_grow"), changed.get("foreign_ids_refused")):
        _tell_owner(provider, now)


def _tell_owner(provider: Provider, now: datetime) -> None:
    raise_alert(
        cause=f"provider:{provider.pk}:unprovable",
        severity=Severity.ATTENTION,
        title=_("%(name)s: order numbers prove nothing here") % {"name": provider.name},
        body=_(
            "Its order numbers do not grow, or it answers for orders that are not ours. Orders whose answer is lost "
            "will wait for your decision."
        ),
        path=f"/admin/catalog/provider/{provider.pk}/change/",
        now=now,
    )
