from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalog.models import Provider, SyncRun
from catalog.provider_settings import set_up
from catalog.sync.run import sync_provider
from core.clock import database_now
from tests.catalog.panel import KEY, Panel, running_panel

Sync = Callable[..., SyncRun]


@pytest.fixture
def panel() -> Iterator[Panel]:
    with running_panel() as running:
        yield running


@pytest.fixture
def provider(db: None, panel: Panel) -> Provider:
    found, _is_new = set_up("Gulf", url=panel.url, key=KEY, currency="USD", new_services="shown")
    return found


@pytest.fixture
def sync(provider: Provider) -> Sync:
    """Sync the provider as it stands in the database."""

    def run(**how: Any) -> SyncRun:
        fresh = Provider.objects.get(pk=provider.pk)
        return sync_provider(fresh, **{"now": database_now(), **how})

    return run


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker can be reached in these tests, so that requested syncs run at once."""

    def unreachable(*_: Any, **_how: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr("catalog.sync.requested.broker.publish", unreachable)
