"""Every answer to `services` and `balance` in the corpus ends in its documented state, seen from the shop."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from catalog.models import Provider, ProviderService
from catalog.models.provider import SyncState
from catalog.providers.account import read_balance
from catalog.shop.row_decisions import accept_rows
from core.clock import database_now
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale, source, versions
from tests.upstream.cases import Case, all_cases
from upstream.errors import Unavailable

LISTS = [case for case in all_cases() if case.action == "services"]
BALANCES = [case for case in all_cases() if case.action == "balance"]


def say(panel: Panel, case: Case) -> None:
    panel.says(case.action, case.body, status=case.http_status, content_type=case.content_type)


def number(case: Case, name: str) -> int:
    found = re.search(rf"{name}=(\d+)", case.reading)
    assert found, case.reading
    return int(found[1])


@pytest.mark.parametrize(
    "case", [c for c in LISTS if not c.then.startswith(("abort", "quarantine"))], ids=lambda c: c.name
)
def test_a_list_is_applied_and_only_accepted_rows_are_sold(
    case: Case, panel: Panel, provider: Provider, sync: Sync
) -> None:
    if case.settings:
        name, _, value = case.settings.partition("=")
        Provider.objects.filter(pk=provider.pk).update(dialect={name: value})
    say(panel, case)

    run = sync()

    accepted, quarantined = number(case, "accepted"), number(case, "quarantined")
    assert run.state == SyncState.APPLIED, run.problem
    assert (run.added, run.quarantined, run.skipped) == (accepted + quarantined, quarantined, number(case, "skipped"))
    held = ProviderService.objects.exclude(quarantine=[])
    assert held.count() == quarantined
    sellable = ProviderService.objects.filter(quarantine=[])
    assert set(on_sale()) == set(sellable.values_list("external_id", flat=True))


@pytest.mark.parametrize("case", [c for c in LISTS if c.then.startswith("abort")], ids=lambda c: c.name)
def test_an_unusable_list_changes_nothing(case: Case, panel: Panel, sync: Sync) -> None:
    panel.lists(row(n) for n in range(1, 61))
    sync()
    before = versions()
    say(panel, case)

    run = sync()

    assert run.state in (SyncState.FAILED, SyncState.REFUSED)
    assert run.problem
    assert versions() == before
    assert len(on_sale()) == 60
    assert Alert.objects.get(closed_at=None, cause__endswith=":sync").body == run.problem


def test_one_row_where_two_thousand_were_known_is_refused_until_forced(panel: Panel, sync: Sync) -> None:
    panel.lists(row(n) for n in range(1, 2001))
    sync()
    say(panel, next(c for c in LISTS if c.file == "services__tiny_list.json"))

    assert sync().state == SyncState.REFUSED
    assert len(on_sale()) == 2000

    assert sync(force=True).vanished == 1999
    assert list(on_sale()) == ["1"]


def test_a_rate_of_a_thousand_times_the_last_one_is_not_sold_at_the_old_price(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, name="Followers"), row(2, name="Followers")])
    sync()
    say(panel, next(c for c in LISTS if c.file == "services__rate_jump.json"))

    run = sync()

    assert (run.state, run.quarantined) == (SyncState.APPLIED, 1)
    assert list(on_sale()) == ["2"]
    assert source("1").rate == 900
    assert source("1").quarantine == ["rate_jump: 0.9 became 900"]


def test_a_refused_key_parks_the_provider(panel: Panel, provider: Provider, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__error_invalid_key.json"))
    run = sync()
    provider.refresh_from_db()
    assert provider.parked_reason == "invalid_key"
    assert KEY not in json.dumps([run.problem, *Alert.objects.values_list("body", flat=True)])


def test_a_challenge_page_counts_as_an_outage(panel: Panel, provider: Provider, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__challenge_503.html"))
    sync()
    provider.refresh_from_db()
    assert (provider.outages, provider.parked_at) == (1, None)


def test_a_rate_limit_is_obeyed(panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.says("services", {"error": "Too many requests"}, status=429, headers={"Retry-After": "3000"})
    now = database_now()
    sync(now=now)
    provider.refresh_from_db()
    assert provider.next_sync_at is not None
    assert (provider.next_sync_at - now).total_seconds() == 3000


def test_provider_text_is_kept_but_cannot_change_a_page(panel: Panel, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__script_in_name.json"))
    sync()
    assert on_sale()["1"].name == "Followers <script>alert(document.cookie)</script>"

    def lists_other_products(file: str) -> None:
        say(panel, next(c for c in LISTS if c.file == file))
        sync(force=True)
        waiting = ProviderService.objects.filter(product_before__isnull=False)
        accept_rows(waiting.values_list("pk", flat=True), actor=shell_actor(), now=database_now())

    lists_other_products("services__emoji_spaces_rtl.json")
    assert on_sale()["1"].category == on_sale()["2"].category
    assert on_sale()["3"].name == "Likes 001 evil"

    lists_other_products("services__escapes_nul_surrogate.json")
    assert [service.name for service in on_sale().values()] == ["Views / Reels 🚀", "BadName"]


def test_a_description_keeps_bold_and_breaks_and_loses_links_and_frames(panel: Panel, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__html_in_desc.json"))
    sync()
    assert on_sale()["1"].description == "Start: 0-1h<br>Speed: <b>5K/day</b><br>details"


def test_packages_are_priced_by_the_package(panel: Panel, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__package_rate.json"))
    sync()
    sold = on_sale()
    assert {key: (s.unit, s.price) for key, s in sold.items()} == {
        "1": ("per_package", Decimal("5.85")),
        "2": ("per_package", Decimal("3.9")),
    }


def test_unknown_flag_codes_are_reported(panel: Panel, sync: Sync) -> None:
    say(panel, next(c for c in LISTS if c.file == "services__flag_codes.json"))
    assert {e["field"] for e in sync().examples} == {"report", "new"}


@pytest.mark.parametrize("case", BALANCES, ids=lambda c: c.name)
def test_a_balance_is_stored_and_acted_on(case: Case, panel: Panel, provider: Provider) -> None:
    Provider.objects.filter(pk=provider.pk).update(balance=7)
    say(panel, case)
    now = database_now()

    if case.reading.startswith("unavailable"):
        with pytest.raises(Unavailable):
            read_balance(provider, now=now)
        provider.refresh_from_db()
        assert (provider.balance, provider.balance_at) == (7, None)
        assert bool(provider.parked_at) == ("invalid_key" in case.reading)
        return
    read_balance(provider, now=now)
    expected: Any = case.reading.split()
    assert (provider.balance, provider.balance_at) == (Decimal(expected[1]), now)
    assert bool(provider.sale_stopped) == (case.then == "alert: currency")
    causes = {cause.rsplit(":", 1)[1] for cause in Alert.objects.values_list("cause", flat=True)}
    assert causes == {"alert: low": {"balance"}, "alert: currency": {"currency"}}.get(case.then, set())
