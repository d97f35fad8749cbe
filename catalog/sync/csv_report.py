"""Every change of a sync as a CSV file for the owner, kept for the newest few syncs of a provider."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence

from catalog.models import SyncDiff, SyncRun
from catalog.prices.price_sheet import harmless
from catalog.sync.report import Line

#: How many syncs of each provider keep their file; every sync keeps its counts and examples.
KEPT = 5
#: More than any known list has, so that one answer cannot fill the disk.
MOST_LINES = 100_000
_CHUNK = 64 * 1024


def save_csv_report(run: SyncRun, lines: Sequence[Line]) -> None:
    """Store ``lines`` for ``run``, which is already saved, and delete old files, in the caller's transaction."""
    if not lines:
        return
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("id", "field", "before", "after"))
    writer.writerows((id_, field, harmless(old), harmless(new)) for id_, field, old, new in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        writer.writerow(("", "left out", "", len(lines) - MOST_LINES))
    # Level 1, the fastest: the others take as long as pricing all services does and save a fifth.
    packed = gzip.compress(text.getvalue().encode(), 1, mtime=0)
    SyncDiff.objects.create(run=run, packed=packed, lines=len(lines))
    newest = SyncDiff.objects.filter(run__provider=run.provider_id).order_by("-pk").values_list("pk", flat=True)
    SyncDiff.objects.filter(pk__in=list(newest[KEPT:])).delete()


def csv_chunks(diff: SyncDiff) -> Iterator[bytes]:
    """Yield the CSV file in pieces of bounded size."""
    with gzip.open(io.BytesIO(diff.packed)) as file:
        while piece := file.read(_CHUNK):
            yield piece
