"""The whole of what a sync changed, for the owner to download. Kept for the newest few syncs of a provider."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence

from catalog.models import SyncDiff, SyncRun
from catalog.prices.price_sheet import harmless
from catalog.sync.report import Line

#: So many syncs of each provider keep theirs; the report of every sync has counts and examples.
KEPT = 5
#: Beyond any list that was ever seen, so that one answer cannot fill the disk.
MOST_LINES = 100_000
_CHUNK = 64 * 1024


def save_csv_report(run: SyncRun, lines: Sequence[Line]) -> None:
    """Keep ``lines`` for ``run``, which is saved already, inside the caller's transaction; forget those of old runs."""
    if not lines:
        return
    SyncDiff.objects.create(run=run, packed=_pack(lines), lines=len(lines))
    newest = SyncDiff.objects.filter(run__provider=run.provider_id).order_by("-pk").values_list("pk", flat=True)
    SyncDiff.objects.filter(pk__in=list(newest[KEPT:])).delete()


def _pack(lines: Sequence[Line]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("id", "field", "before", "after"))
    writer.writerows((one, field, harmless(old), harmless(new)) for one, field, old, new in lines[:MOST_LINES])
    if len(lines) > MOST_LINES:
        writer.writerow(("", "left out", "", len(lines) - MOST_LINES))
    # The fastest level: the others take as long as all prices do and save a fifth.
    return gzip.compress(text.getvalue().encode(), 1, mtime=0)


def csv_chunks(diff: SyncDiff) -> Iterator[bytes]:
    """The CSV in pieces of bounded size."""
    with gzip.open(io.BytesIO(diff.packed)) as file:
        while piece := file.read(_CHUNK):
            yield piece
