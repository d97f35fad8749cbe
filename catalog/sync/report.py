"""What a sync changed: counts, a bounded number of examples for the owner, and every change as a line."""

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
    """One changed field of a service, or a service that came or went; ``id`` is its id at the provider."""

    id: str
    field: str
    old: str
    new: str


def write_report(run: SyncRun, listing: ServiceList, found: Difference) -> list[Line]:
    """Set the counts and examples of ``found`` on ``run``, which stays unsaved; return every change as a line."""
    lines = list(_all_changes(listing, found))
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
    """How many services changed each field; "position" counts those that moved within the list."""
    counts = Counter(name for change in found.changed for name in change.fields)
    if found.moved:
        counts["position"] = len(found.moved)
    return dict(sorted(counts.items()))


def examples(lines: Iterable[Line]) -> list[dict[str, str]]:
    """At most MOST_EXAMPLES lines, a few of each kind, so that 500 new rates do not hide the one new type."""
    taken: Counter[str] = Counter()
    chosen = []
    for line in lines:
        if taken[line.field] < _PER_KIND:
            taken[line.field] += 1
            chosen.append(line._asdict())
    return chosen[:MOST_EXAMPLES]


def _all_changes(listing: ServiceList, found: Difference) -> Iterator[Line]:
    if listing.noise:
        yield Line("", "report", "", "Error messages of the provider's own software came before the list.")
    for sentence in listing.reports:
        yield Line("", "report", "", _as_text(sentence))
    for change in found.changed:
        is_other_unit = "unit" in change.fields
        for name in change.fields:
            old, new = _as_text(change.old[name]), _as_text(getattr(change.new, name))
            if name == "rate" and is_other_unit:
                # Two numbers alone would look like one rate that changed.
                old, new = f"{old} {_of(change.old['unit'])}", f"{new} {_of(change.new.unit)}"
            yield Line(change.new.external_id, name, old, new)
    for row in found.fresh:
        yield Line(row.external_id, "new", "", _as_text(row.name))
        if row.quarantine:
            yield Line(row.external_id, "quarantine", "", _as_text(row.quarantine))
    for external_id in found.vanished:
        yield Line(external_id, "gone", external_id, "")
    for external_id in found.returned:
        yield Line(external_id, "back", "", external_id)


def _of(unit: str) -> str:
    return "per package" if unit == "per_package" else "per 1,000"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value)[:_LONGEST]
    return str(value)[:_LONGEST]
