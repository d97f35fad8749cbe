"""What a sync does to the shop: prices, changes, what goes and comes back, what is refused."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection

from catalog.locks import lock_provider
from catalog.models import Category, Provider, ProviderService, Service, SyncRun
from catalog.models.provider import SyncState
from catalog.provider_settings import set_up
from catalog.shop.publishing import republish
from catalog.shop.row_decisions import accept_rows
from catalog.sync.run import AlreadyRunning, sync_provider
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale, source, versions


def test_a_first_sync_puts_services_on_sale_at_cost_plus_markup_rounded_up(panel: Panel, sync: Sync) -> None:
    panel.lists(
        [row(1, rate="0.00012"), row(2, rate=0.24000000000000002, category=" 𝐓𝐢𝐤𝐓𝐨𝐤  Views ", name="Views\n fast")]
    )

    run = sync(actor="owner@example.com")

    assert (run.state, run.received, run.added, run.actor) == (SyncState.APPLIED, 2, 2, "owner@example.com")
    sold = on_sale()
    assert [s.price for s in sold.values()] == [Decimal("0.00016"), Decimal("0.31201")]
    assert (sold["2"].name, sold["2"].category.name, sold["2"].platform) == ("Views fast", "𝐓𝐢𝐤𝐓𝐨𝐤 Views", "tiktok")
    assert sold["2"].search_text == f"views fast tiktok views {sold['2'].pk}"
    assert source("2").rate == Decimal("0.24000000000000002")


def test_syncing_again_writes_no_row_of_the_catalog(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1), row(2, type="Special"), row(3, rate="0", desc="<b>x</b>")])
    sync()
    before = versions()

    run = sync()

    assert (run.state, run.quarantined) == (SyncState.UNCHANGED, 2)
    assert versions() == before
    provider.refresh_from_db()
    assert provider.last_synced_at == run.started_at


def test_statistics_are_fresh_after_a_long_list(panel: Panel, sync: Sync) -> None:
    """Planned for empty tables, thousands of services would be joined row by row, which takes minutes."""
    panel.lists([row(number) for number in range(1, 301)])
    sync()
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname IN ('catalog_service', 'catalog_providerservice')")
        assert cursor.fetchall() == [(300.0,), (300.0,)]


def test_rows_whose_keys_come_in_another_order_are_the_same_rows(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    panel.lists([dict(reversed(row(1).items()))])
    assert sync().state == SyncState.UNCHANGED


def test_a_changed_row_is_reported_field_by_field_and_only_it_is_written(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2), row(3)])
    sync()
    before = versions()

    panel.lists(
        [row(1), row(2, rate="1.80", name="Followers HQ", max="500", category="Followers HQ", average_time="5"), row(3)]
    )
    run = sync()

    assert (run.changed, run.added, run.vanished) == (1, 0, 0)
    assert run.fields_changed == {"average_time": 1, "category": 1, "max": 1, "name": 1, "rate": 1}
    assert {"id": "2", "field": "rate", "old": "0.9", "new": "1.8"} in run.examples
    changed = {table: set(before[table]) ^ set(rows) for table, rows in versions().items()}
    assert {table: len(rows) for table, rows in changed.items()} == {
        "catalog_providerservice": 2,
        "catalog_service": 2,
        "catalog_category": 1,
    }
    assert on_sale()["2"].price == Decimal("2.34")


def test_a_differently_written_number_is_no_change(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="0.90")])
    sync()
    panel.lists([row(1, rate=0.9)])
    run = sync()
    assert (run.changed, run.fields_changed) == (0, {})


def test_the_order_of_the_list_is_the_order_of_the_shop(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2, category="B"), row(3)])
    sync()
    panel.lists([row(3), row(1), row(2, category="B")])
    assert sync().fields_changed == {"position": 3}
    assert [s.source.external_id for s in Service.objects.order_by("position")] == ["3", "1", "2"]
    assert list(Category.objects.values_list("name", flat=True)) == ["Instagram Followers", "B"]


def test_a_service_that_vanishes_is_hidden_and_comes_back_as_it_was(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2)])
    sync()
    sold = on_sale()["2"]
    Service.objects.filter(pk=sold.pk).update(name="My own name", pins=["name"])

    panel.lists([row(1)])
    now = database_now()
    assert sync(now=now).vanished == 1
    assert list(on_sale()) == ["1"]
    assert source("2").vanished_at == now

    panel.lists([row(1), row(2)])
    run = sync()
    assert (run.returned, run.changed, run.added) == (1, 0, 0)
    assert (on_sale()["2"].pk, on_sale()["2"].name) == (sold.pk, "My own name")


@pytest.mark.parametrize(("gone", "state"), [(10, SyncState.APPLIED), (11, SyncState.REFUSED)])
def test_a_list_that_lost_more_than_ten_and_more_than_a_fifth_is_refused(
    gone: int, state: SyncState, panel: Panel, sync: Sync
) -> None:
    panel.lists(row(n) for n in range(1, 21))
    sync()
    panel.lists(row(n) for n in range(1, 21 - gone))
    assert sync().state == state


def test_a_fifth_of_a_long_list_may_vanish(panel: Panel, sync: Sync) -> None:
    panel.lists(row(n) for n in range(1, 101))
    sync()
    panel.lists(row(n) for n in range(1, 81))
    assert (sync().state, len(on_sale())) == (SyncState.APPLIED, 80)
    panel.lists(row(n) for n in range(1, 64))
    assert (sync().state, len(on_sale())) == (SyncState.REFUSED, 80)


def test_an_alert_is_open_while_syncs_fail_and_closed_by_the_next_that_works(panel: Panel, sync: Sync) -> None:
    panel.says("services", b"<html>login</html>", content_type="text/html")
    sync()
    sync()
    alert = Alert.objects.get(cause__endswith=":sync")
    assert (alert.times, alert.closed_at) == (2, None)

    panel.lists([row(1)])
    sync()
    alert.refresh_from_db()
    assert alert.closed_at is not None


def test_a_failed_sync_is_retried_soon_and_then_less_often(panel: Panel, provider: Provider, sync: Sync) -> None:
    waits = []
    for _ in range(9):
        now = database_now()
        sync(now=now)
        provider.refresh_from_db()
        assert provider.next_sync_at is not None
        waits.append((provider.next_sync_at - now).total_seconds() / 60)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360]


class TestRateJump:
    @pytest.fixture(autouse=True)
    def jumped(self, panel: Panel, sync: Sync) -> None:
        panel.lists([row(1, rate="1"), row(2, rate="1"), row(3, rate="1"), row(4, rate="1")])
        sync()
        panel.lists([row(1, rate="10"), row(2, rate="10.01"), row(3, rate="0.1"), row(4, rate="0.099")])
        sync()

    def test_more_than_ten_times_either_way_is_held(self) -> None:
        assert set(on_sale()) == {"1", "3"}

    def test_the_same_rate_again_does_not_clear_it(self, sync: Sync) -> None:
        assert (sync().state, set(on_sale())) == (SyncState.UNCHANGED, {"1", "3"})

    def test_the_old_rate_clears_it(self, panel: Panel, sync: Sync) -> None:
        panel.lists([row(1, rate="10"), row(2, rate="1"), row(3, rate="0.1"), row(4, rate="0.5")])
        sync()
        assert {key: s.price for key, s in on_sale().items()} == {
            "1": 13, "2": Decimal("1.3"), "3": Decimal("0.13"), "4": Decimal("0.65"),
        }  # fmt: skip

    def test_the_owner_accepts_it(self, sync: Sync) -> None:
        accepted = accept_rows([source("2").pk, source("1").pk], actor=shell_actor(), now=database_now())
        assert [r.external_id for r in accepted.rows] == ["2"]
        assert on_sale()["2"].price == Decimal("13.013")
        assert sync().state == SyncState.UNCHANGED

    def test_a_forced_sync_accepts_it(self, sync: Sync) -> None:
        assert sync(force=True).quarantined == 0
        assert on_sale()["4"].price == Decimal("0.1287")


def test_a_rate_of_zero_cannot_be_accepted(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="0")])
    sync()
    assert accept_rows([source("1").pk], actor=shell_actor(), now=database_now()).rows == []
    assert on_sale() == {}


def test_a_row_in_quarantine_is_sold_once_a_later_list_fixes_it(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, type="Special"), row(2, min="100", max="1")])
    sync()
    assert not Service.objects.exists()
    panel.lists([row(1), row(2)])
    sync()
    assert set(on_sale()) == {"1", "2"}


def test_a_sold_row_that_breaks_goes_off_sale_and_keeps_its_service(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    panel.lists([row(1, min="0", name="Broken")])
    sync()
    kept = Service.objects.get()
    assert (on_sale(), kept.min, kept.name) == ({}, 50, "Followers 1")


def test_what_the_owner_pinned_stays(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    shelf = Category.objects.create(name="Best of", position=9)
    Service.objects.update(name="Mine", category=shelf, min=100, max=500, pins=["name", "category", "min", "max"])

    panel.lists([row(1, name="Their followers", category="Other", min="200", max="300", desc="New")])
    sync()

    service = Service.objects.get()
    assert (service.name, service.category, service.min, service.max) == ("Mine", shelf, 200, 300)
    assert service.description == "New"
    assert service.search_text == f"mine best of {service.pk}"


def test_own_limits_that_no_longer_fit_are_replaced_by_the_providers(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    Service.objects.update(max=60, pins=["max"])
    panel.lists([row(1, min="100", max="1000")])
    sync()
    assert (Service.objects.get().min, Service.objects.get().max) == (100, 1000)


def test_a_renamed_category_keeps_its_services(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1), row(2)])
    sync()
    Category.objects.update(name="Followers, sorted")
    panel.lists([row(1, rate="1"), row(2), row(3)])
    sync()
    assert {s.category.name for s in on_sale().values()} == {"Followers, sorted"}


def test_services_without_a_category_go_under_other(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, category=None)])
    sync()
    assert on_sale()["1"].category.name == "Other"


def test_texts_are_bounded(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, name="n" * 3000, category="c" * 900, desc="<b>" + "d" * 30_000, type="t" * 300)])
    sync()
    held = source("1")
    assert (len(held.name), len(held.category), len(held.type)) == (500, 200, 40)
    assert held.description.endswith("d</b>")
    assert len(held.description) < 10_100


def test_two_providers_share_a_heading_and_not_their_ids(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    other, _ = set_up("Second", url=panel.url, key=KEY, new_services="shown")
    sync_provider(other, now=database_now())
    assert Category.objects.count() == 1
    assert ProviderService.objects.filter(external_id="1").count() == 2
    assert len(Service.objects.on_sale()) == 2


def test_a_new_markup_or_exchange_rate_reprices_everything(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1, rate="0.90"), row(2, rate="0.00001")])
    sync()
    set_up("Gulf", url=panel.url, key=KEY, markup_percent=Decimal("12.5"), exchange_rate=Decimal("0.0133"))
    assert [s.price for s in on_sale().values()] == [Decimal("0.01347"), Decimal("0.00001")]


def test_an_absurd_price_is_not_on_sale(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="999999999999"), row(2)])
    assert sync().state == SyncState.APPLIED
    assert list(on_sale()) == ["2"]


def test_an_account_in_another_currency_stops_the_sale_until_it_agrees(
    panel: Panel, provider: Provider, sync: Sync
) -> None:
    panel.lists([row(1)])
    panel.says("balance", {"balance": "9120.5", "currency": "RUB"})
    sync()
    provider.refresh_from_db()
    assert (on_sale(), provider.sale_stopped) == ({}, "currency: RUB, not USD")

    panel.says("balance", {"balance": "9120.5", "currency": "usd"})
    sync()
    assert list(on_sale()) == ["1"]
    assert not Alert.objects.filter(closed_at=None).exists()


def test_a_stop_of_the_owners_is_not_lifted_by_a_balance(panel: Panel, provider: Provider, sync: Sync) -> None:
    Provider.objects.update(sale_stopped="Quality")
    panel.lists([row(1)])
    sync()
    provider.refresh_from_db()
    assert provider.sale_stopped == "Quality"


def test_a_provider_without_balance_is_synced_too(panel: Panel, sync: Sync) -> None:
    panel.says("balance", b"", status=500)
    panel.lists([row(1)])
    assert sync().state == SyncState.APPLIED


def test_no_network_call_inside_a_transaction(panel: Panel, provider: Provider, transactional_db: None) -> None:
    states = []

    def look(action: str) -> None:
        with psycopg.connect(_dsn()) as other:
            open_ones = "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            states.append(other.execute(f"{open_ones} AND datname = current_database()").fetchone())

    panel.before_answer = look
    panel.lists([row(1)])
    sync_provider(provider, now=database_now())
    assert states == [(0,), (0,)]


def _dsn() -> str:
    params: dict[str, Any] = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(
        **{key: params[key] for key in ("dbname", "user", "host", "port", "password") if params.get(key)}
    )


def test_two_syncs_of_one_provider_do_not_run_at_once(panel: Panel, provider: Provider, transactional_db: None) -> None:
    panel.lists([row(1)])
    with psycopg.connect(_dsn(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [1_347_569_997, provider.pk])
        with pytest.raises(AlreadyRunning):
            sync_provider(provider, now=database_now())
        with pytest.raises(AlreadyRunning):
            sync_provider(provider, now=database_now(), wait_seconds=0.05)
        assert not SyncRun.objects.exists()
    assert sync_provider(provider, now=database_now(), wait_seconds=5).state == SyncState.APPLIED


def test_a_run_that_died_is_closed_by_the_next(panel: Panel, provider: Provider, sync: Sync) -> None:
    died = SyncRun.objects.create(provider=provider, started_at=database_now() - timedelta(hours=1))
    panel.lists([row(1)])
    sync()
    died.refresh_from_db()
    assert died.state == SyncState.FAILED


def test_an_error_of_our_own_changes_nothing_and_fails_the_run(
    panel: Panel, provider: Provider, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    panel.lists([row(1)])
    monkeypatch.setattr("catalog.sync.apply.publish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sync_provider(provider, now=database_now())
    assert SyncRun.objects.get().state == SyncState.FAILED
    assert not ProviderService.objects.exists()


def test_republishing_follows_the_source_where_nothing_is_pinned(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    Service.objects.update(name="Mine", pins=[])
    republish(lock_provider(provider.pk), ["1"])
    assert Service.objects.get().name == "Followers 1"


def test_codes_that_a_row_names_are_stored(panel: Panel, sync: Sync) -> None:
    traffic = {"type": "Web Traffic", "name": "Visits", "desc": "Device: 1: Desktop, 2: Mobile\u0000"}
    panel.lists([row(1, **traffic), row(2, **traffic | {"type": "Default"})])
    sync()
    assert source("1").codes == {"device": {"1": "Desktop", "2": "Mobile"}}
    assert source("2").codes == {}
    panel.lists([row(1, **traffic | {"desc": ""}), row(2)])
    sync()
    assert source("1").codes == {}
