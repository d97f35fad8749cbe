"""Real providers' lists, read from the folder that CATALOG_DIR names: they are not part of the project."""

import os
from pathlib import Path

import pytest

from catalog.models import Provider, ProviderService, Service
from catalog.models.provider import SyncState
from catalog.sync.report import MOST_EXAMPLES
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel
from tests.catalog.rows import versions

FOLDER = Path(os.environ.get("CATALOG_DIR", ""))

pytestmark = [
    pytest.mark.real_lists,
    pytest.mark.skipif(not os.environ.get("CATALOG_DIR"), reason="CATALOG_DIR names no folder of real lists"),
]


def say(panel: Panel, name: str) -> None:
    panel.says("services", (FOLDER / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "rows", "quarantined"),
    [
        ("services-a.json", 6207, 19),
        ("services-strings-1.json", 1283, 0),
        ("services-strings-2.json", 1620, 0),
        ("services-floats.json", 1503, 16),
        ("services-textflags.json", 272, 18),
    ],
)
def test_a_whole_list_is_synced_and_a_second_sync_writes_nothing(
    name: str, rows: int, quarantined: int, panel: Panel, sync: Sync
) -> None:
    say(panel, name)
    first = sync()
    assert (first.state, first.added, first.skipped) == (SyncState.APPLIED, rows, 0)
    assert ProviderService.objects.exclude(quarantine=[]).count() == first.quarantined == quarantined
    assert Service.objects.filter(price__gt=0).count() == rows - quarantined

    before = versions()
    assert sync().state == SyncState.UNCHANGED
    assert versions() == before


def test_twelve_weeks_of_one_provider_are_reported_exactly(panel: Panel, provider: Provider, sync: Sync) -> None:
    say(panel, "services-strings-1.json")
    sync()
    say(panel, "services-strings-2.json")

    run = sync()

    assert (run.state, run.received) == (SyncState.APPLIED, 1620)
    assert (run.vanished, run.added, run.received - run.added) == (79, 416, 1204)
    facts = {name: run.fields_changed[name] for name in ("rate", "name", "category", "max", "type")}
    assert facts == {"rate": 543, "name": 342, "category": 355, "max": 187, "type": 13}
    assert len(run.examples) <= MOST_EXAMPLES
