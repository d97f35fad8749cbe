"""What a sync changed, as numbers and a bounded number of examples an owner can read."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from catalog.diff import Difference
from catalog.models import SyncRun
from upstream.messages import ServiceList

MOST_EXAMPLES = 300
_PER_KIND = 40
_LONGEST = 200


def fill(run: SyncRun, listing: ServiceList, found: Difference) -> None:
    """Write the counts of ``found`` into ``run``, unsaved."""
    run.received = len(listing.entries) + listing.skipped
    run.skipped = listing.skipped
    run.added = len(found.fresh)
    run.changed = sum(bool(change.fields) for change in found.changed)
    run.vanished = len(found.vanished)
    run.returned = len(found.returned)
    run.quarantined = found.quarantined
    run.fields_changed = fields_changed(found)
    run.examples = examples(listing, found)


def fields_changed(found: Difference) -> dict[str, int]:
    """How many services changed each field; "position" counts those that stand elsewhere in the list."""
    counts = Counter(name for change in found.changed for name in change.fields)
    if found.moved:
        counts["position"] = len(found.moved)
    return dict(sorted(counts.items()))


def examples(listing: ServiceList, found: Difference) -> list[dict[str, str]]:
    """At most MOST_EXAMPLES, a few of each kind, so that 500 new rates do not hide the one new type."""
    taken: Counter[str] = Counter()
    chosen = []
    for example in _all_examples(listing, found):
        if taken[example["field"]] < _PER_KIND:
            taken[example["field"]] += 1
            chosen.append(example)
    return chosen[:MOST_EXAMPLES]


def _all_examples(listing: ServiceList, found: Difference) -> Iterator[dict[str, str]]:
    if listing.noise:
        yield _example("", "report", "", "The list came behind error messages of the provider's own programs.")
    for sentence in listing.reports:
        yield _example("", "report", "", sentence)
    for change in found.changed:
        for name in change.fields:
            yield _example(change.new.external_id, name, change.old[name], getattr(change.new, name))
    for row in found.fresh:
        yield _example(row.external_id, "new", "", row.name)
        if row.quarantine:
            yield _example(row.external_id, "quarantine", "", row.quarantine)
    for external_id in found.vanished:
        yield _example(external_id, "gone", external_id, "")
    for external_id in found.returned:
        yield _example(external_id, "back", "", external_id)


def _example(external_id: str, field: str, old: Any, new: Any) -> dict[str, str]:
    return {"id": external_id, "field": field, "old": _text(old), "new": _text(new)}


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
