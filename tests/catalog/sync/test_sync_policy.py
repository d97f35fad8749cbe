"""What follows a provider's list and what does not, and syncs that a worker does for somebody who waits."""

from decimal import Decimal
from typing import Any

import pytest

from catalog.models import Provider, Service, SyncRun
from catalog.models.provider import SyncState
from catalog.provider_settings import after_change
from catalog.providers.fetch import fetch_list
from catalog.shop.row_decisions import accept_rows, import_rows, pass_on_falls
from catalog.sync.apply import apply_difference
from catalog.sync.requested import request_sync, run_requested_syncs
from catalog.sync.scheduled import sync_due, sync_is_due
from core.clock import database_now
from core.staff_actions import shell_actor
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale, source


def settle(provider: Provider, **policy: Any) -> None:
    """The owner saves these settings."""
    Provider.objects.filter(pk=provider.pk).update(**policy)
    after_change(Provider.objects.get(pk=provider.pk), set(policy), now=database_now())


def test_a_field_that_does_not_follow_stays_as_received(panel: Panel, provider: Provider, sync: Sync) -> None:
    settle(provider, follows_name=False, follows_limits=False, follows_category=False)
    panel.lists([row(1)])
    sync()
    panel.lists([row(1, name="Other followers", min="60", max="20000", category="Elsewhere", desc="New")])
    sync()
    service = Service.objects.get()
    assert (service.name, service.category.name, service.description) == ("Followers 1", "Instagram Followers", "New")
    assert (service.min, service.max) == (60, 10_000)
    settle(provider, follows_name=True)
    service.refresh_from_db()
    assert (service.name, service.category.name) == ("Other followers", "Instagram Followers")


def test_a_fall_is_held_back_until_passed_on_and_a_rise_is_not(panel: Panel, provider: Provider, sync: Sync) -> None:
    settle(provider, holds_falls=True)
    prices = []
    for rate in ("1", "0.5", "0.8", "2", "1"):
        panel.lists([row(1, rate=rate)])
        sync()
        prices.append(on_sale()["1"].price)
    assert prices == [Decimal(p) for p in ("1.3", "1.3", "1.3", "2.6", "2.6")]
    assert [r.external_id for r in pass_on_falls([source("1").pk], now=database_now())] == ["1"]
    assert on_sale()["1"].price == Decimal("1.3")
    assert pass_on_falls([source("1").pk], now=database_now()) == []


def test_switching_off_held_falls_passes_every_fall_on(panel: Panel, provider: Provider, sync: Sync) -> None:
    settle(provider, holds_falls=True)
    for rate in ("1", "0.5"):
        panel.lists([row(1, rate=rate)])
        sync()
    settle(provider, holds_falls=False)
    assert on_sale()["1"].price == Decimal("0.65")


def test_new_services_can_arrive_hidden(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    settle(provider, new_services="hidden")
    panel.lists([row(1), row(2)])
    sync()
    assert list(on_sale()) == ["1"]
    assert Service.objects.count() == 2


def test_only_chosen_rows_are_imported(panel: Panel, provider: Provider, sync: Sync) -> None:
    settle(provider, new_services="chosen")
    panel.lists([row(1), row(2, category="Likes"), row(3, rate="0")])
    sync()
    assert not Service.objects.exists()
    assert len(import_rows([source("2").pk, source("3").pk], now=database_now())) == 2
    assert list(on_sale()) == ["2"]
    panel.lists([row(1, name="x"), row(2, category="Likes"), row(3)])
    sync()
    assert set(on_sale()) == {"2", "3"}


def test_a_duplicate_row_is_sold_once_accepted_until_it_changes(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(1, rate="5"), row(2)])
    sync()
    assert list(on_sale()) == ["2"]
    assert len(accept_rows([source("1").pk], actor=shell_actor(), now=database_now()).rows) == 1
    assert on_sale()["1"].price == Decimal("1.17")
    sync()
    assert set(on_sale()) == {"1", "2"}
    panel.lists([row(1, name="Else"), row(1, rate="5"), row(2)])
    sync()
    assert list(on_sale()) == ["2"]


@pytest.mark.parametrize(
    "broken", [{"rate": "-1"}, {"rate": "NaN"}, {"min": "9", "max": "1"}, {"type": "Special"}, {"name": ""}]
)
def test_the_owner_cannot_accept_a_row_that_cannot_be_ordered(panel: Panel, sync: Sync, broken: dict[str, str]) -> None:
    panel.lists([row(1, **broken), row(2)])
    sync()
    assert accept_rows([source("1").pk], actor=shell_actor(), now=database_now()).rows == []
    assert list(on_sale()) == ["2"]


def test_a_requested_sync_waits_for_a_worker(panel: Panel, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr("catalog.sync.requested.broker.publish", lambda name, **_: rung.append(name))
    Provider.objects.update(next_sync_at=database_now().replace(year=2100))
    panel.lists([row(1)])
    run = request_sync(provider, actor="owner", now=database_now())
    again = request_sync(provider, actor="clerk", force=True, now=database_now())
    assert (run.pk, run.state, again.forced) == (again.pk, SyncState.REQUESTED, True)
    assert rung == ["catalog.tasks.sync_due"] * 2
    assert sync_is_due(now=database_now())
    assert sync_due(now=database_now()) == 1
    done = SyncRun.objects.get()
    assert (done.state, done.actor, done.forced, done.progress) == (SyncState.APPLIED, "owner", True, 3)
    assert run_requested_syncs(now=database_now()) == 0


def test_the_progress_of_a_sync_is_visible(panel: Panel, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []

    def record_progress_at(name: str, original: Any) -> None:
        def wrapper(*args: Any, **how: Any) -> Any:
            seen.append((name, SyncRun.objects.get().progress))
            return original(*args, **how)

        monkeypatch.setattr(f"catalog.sync.run.{name}", wrapper)

    record_progress_at("fetch_list", fetch_list)
    record_progress_at("apply_difference", apply_difference)
    panel.lists([row(1)])
    assert sync().progress == 3
    assert seen == [("fetch_list", 0), ("apply_difference", 2)]
