"""Asking again about ids of ours with an unknown charge: some panels name it late, or when the order ends."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from orders import own_ids
from orders.books.orphans import Orphan, note_orphans
from orders.doubt.evidence import answer_of, ids_per_call
from orders.doubt.missing_charges import awaits_charge, names_charge
from orders.doubt.picture import FirstAnswer, SeenId
from orders.doubt.probing import Probe
from orders.models import OwnId
from orders.states import Explanation, Shape
from upstream.errors import Unavailable
from upstream.messages import OrderStatus, StatusItem

log = logging.getLogger(__name__)

#: How long the daily search asks for the charge of an order that nobody knows, and in how many calls.
_REMEMBERED = timedelta(days=30)
_DAILY_CALLS = 5


def ask_again(probe: Probe, ids: Sequence[str]) -> list[str]:
    """Ask again about ids with an unknown charge; return those that name it now. Raises ProbeStopped.

    A known id that answers with a charge needs no controls in the same call. That it was asked is stored before each
    call, so that the pauses grow even if the call fails.
    """
    provider, size, charged = probe.provider, ids_per_call(probe.provider), list[str]()
    for first in range(0, len(ids), size):
        batch = ids[first : first + size]
        note_asked(probe, batch)
        try:
            answers = probe.statuses(batch)
        except Unavailable as failure:
            log.info("provider %s did not answer what its orders cost: %s", provider.pk, failure)
            break
        charged += [one for one, item in answers.items() if note_answer(probe, one, item)]
        _update_orphans(probe, answers)
    return charged


def ask_about_orphans(probe: Probe) -> list[str]:
    """Ask for the charges of orders that nobody knows, for the books; as ``ask_again``."""
    since = probe.clock.now() - _REMEMBERED
    rows = OwnId.objects.filter(provider=probe.provider, explained=Explanation.ORPHAN, first_seen_at__gte=since)
    waiting = [row.upstream_id for row in rows.order_by("asked_at", "id") if may_get_charge(row)]
    return ask_again(probe, waiting[: _DAILY_CALLS * ids_per_call(probe.provider)])


def may_get_charge(row: OwnId) -> bool:
    """True if the charge of this id is unknown and a later answer may name it."""
    return awaits_charge(SeenId(row.number or 0, row.first_seen_at.timestamp(), answer_of(row)))


def note_asked(probe: Probe, ids: Sequence[str]) -> None:
    """Record that these ids are asked about now."""
    OwnId.objects.filter(provider=probe.provider, upstream_id__in=ids).update(asked_at=probe.clock.now())


def note_answer(probe: Probe, upstream_id: str, item: StatusItem) -> bool:
    """Record an answer about an id with an unknown charge; return True if it names the charge.

    The first readable answer is kept, too, where none could be read before.
    """
    if not isinstance(item, OrderStatus):
        return False
    now = probe.clock.now()
    own_ids.note_seen(probe.provider.pk, upstream_id, item, now=now)
    first = own_ids.first_answer(item)
    if not names_charge(FirstAnswer(first["state"], first["charge"], Shape(first["shape"]))):
        return False
    own_ids.note_charge(probe.provider.pk, upstream_id, item, now=now)
    return True


def _update_orphans(probe: Probe, answers: dict[str, StatusItem]) -> None:
    """Give the charge of an orphan to the books, whatever state it is charged in."""
    orphans = OwnId.objects.filter(provider=probe.provider, upstream_id__in=answers, explained=Explanation.ORPHAN)
    found = []
    for upstream_id in orphans.values_list("upstream_id", flat=True):
        item = answers[upstream_id]
        charge = own_ids.first_answer(item)["charge"] if isinstance(item, OrderStatus) else None
        if isinstance(item, OrderStatus) and charge:
            found.append(Orphan(upstream_id, charge, item.state.value))
    note_orphans(probe.provider, found, now=probe.clock.now())
