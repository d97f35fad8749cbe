"""What a sync changed: as numbers, as a bounded number of examples an owner can read, and line by line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from catalog.models import SyncRun
from catalog.sync.diff import Difference
from upstream.messages import ServiceList

MOST_EXAMPLES = 300
_PER_KIND = 40
_LONGEST = 200


class Line(NamedTuple):
    """One field of one service, or a service that came or went; ``id`` is the provider's."""

    id: str
    field: str
    old: str
    new: str


def fill(run: SyncRun, listing: ServiceList, found: Difference) -> list[Line]:
    """Write the counts of ``found`` into ``run``, unsaved, with a few examples. Returns every change there is."""
    lines = list(_every_change(listing, found))
    run.received = len(listing.entries) + listing.skipped
    run.skipped = listing.skipped
    run.added = len(found.fresh)
    run.changed = sum(bool(change.fields) for change in found.changed)
    run.vanished = len(found.vanished)
    run.returned = len(found.returned)
    run.quarantined = found.quarantined
    run.fields_changed = fields_changed(found)
    run.examples = examples(lines)
    return lines


def fields_changed(found: Difference) -> dict[str, int]:
    """How many services changed each field; "position" counts those that stand elsewhere in the list."""
    counts = Counter(name for change in found.changed for name in change.fields)
    if found.moved:
        counts["position"] = len(found.moved)
    return dict(sorted(counts.items()))


def examples(lines: Iterable[Line]) -> list[dict[str, str]]:
    """At most MOST_EXAMPLES, a few of each kind, so that 500 new rates do not hide the one new type."""
    taken: Counter[str] = Counter()
    chosen = []
    for line in lines:
        if taken[line.field] < _PER_KIND:
            taken[line.field] += 1
            chosen.append(line._asdict())
    return chosen[:MOST_EXAMPLES]


def _every_change(listing: ServiceList, found: Difference) -> Iterator[Line]:
    if listing.noise:
        yield Line("", "report", "", "The list came behind error messages of the provider's own programs.")
    for sentence in listing.reports:
        yield Line("", "report", "", _text(sentence))
    for change in found.changed:
        for name in change.fields:
            yield Line(change.new.external_id, name, _text(change.old[name]), _text(getattr(change.new, name)))
    for row in found.fresh:
        yield Line(row.external_id, "new", "", _text(row.name))
        if row.quarantine:
            yield Line(row.external_id, "quarantine", "", _text(row.quarantine))
    for external_id in found.vanished:
        yield Line(external_id, "gone", external_id, "")
    for external_id in found.returned:
        yield Line(external_id, "back", "", external_id)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value)[:_LONGEST]
    return str(value)[:_LONGEST]
