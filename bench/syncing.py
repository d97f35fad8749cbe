"""Syncing a price list, compared with parsing the same JSON and copying it into a table."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from bench.harness import Figure, seconds, take
from bench.stage import Stage
from upstream.simulator.running import RunningSimulator, running_simulator

if TYPE_CHECKING:
    from catalog.models import Provider
    from catalog.models.provider import SyncState

COLUMNS = ("service", "name", "type", "category", "rate", "min", "max", "refill", "cancel", "dripfeed")
_TABLE = "CREATE TABLE floor (service text, name text, type text, category text, rate numeric, min bigint, max bigint,"
_TABLE += " refill boolean, cancel boolean, dripfeed boolean)"


def figures(stage: Stage, *, services: int, repeats: int) -> Iterator[Figure]:
    from catalog.models import Provider, ProviderService
    from catalog.models.provider import SyncState

    def first_sync() -> float:
        stage.empty("catalog_provider", "catalog_category")
        provider = Provider(name="Panel", url=panel.url, new_services="shown")
        provider.set_key(panel.key)
        provider.save()
        took = _timed_sync(provider, SyncState.APPLIED)
        assert ProviderService.objects.count() == services
        return took

    def unchanged_sync() -> float:
        return _timed_sync(Provider.objects.get(), SyncState.UNCHANGED)

    with running_simulator(process=True, services=services) as panel:
        body = _fetch(panel)
        floor = _floor(stage, body)
        notes = {"services": services, "megabytes of JSON": round(len(body) / 1e6, 1)}
        notes["seconds of it to fetch the list"] = round(seconds(lambda: _fetch(panel)), 3)
        first = Figure(f"first sync of {services:,} services", "s", notes=notes)
        yield take(first, first_sync, floor, repeats=repeats)
        again = Figure(f"unchanged sync of {services:,} services", "s", notes=notes)
        yield take(again, unchanged_sync, floor, repeats=repeats)


def _fetch(panel: RunningSimulator) -> bytes:
    form = urllib.parse.urlencode({"key": panel.key, "action": "services"}).encode()
    with closing(urllib.request.urlopen(panel.url, form)) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body


def _floor(stage: Stage, body: bytes) -> Callable[[], float]:
    """Return a function that parses the list, copies it and returns the seconds it took."""
    connection = stage.connect(stage.database("floor"))
    connection.execute(_TABLE)
    connection.commit()

    def copy() -> None:
        rows = json.loads(body)
        with connection.cursor().copy(f"COPY floor ({', '.join(COLUMNS)}) FROM STDIN") as out:
            for row in rows:
                out.write_row([row.get(name) for name in COLUMNS])
        connection.commit()

    def run() -> float:
        connection.execute("TRUNCATE floor")
        connection.commit()
        return seconds(copy)

    return run


def _timed_sync(provider: "Provider", expected: "SyncState") -> float:
    from catalog.sync.run import sync_provider
    from core.clock import database_now

    now = database_now()
    took = seconds(lambda: sync_provider(provider, now=now))
    run = provider.sync_runs.first()
    assert run is not None
    assert run.state == expected, run.problem
    return took
