"""The owner's day in a real browser: nothing on the console, and everything done by clicking."""

import csv
import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from catalog.models import Category, MarkupRule, Provider, Service, SyncRun
from catalog.models.provider import SyncState
from catalog.provider_settings import set_up
from catalog.sync.run import sync_provider
from catalog.tasks import sync_due
from core.clock import database_now
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale
from tests.clicks import Clicks
from tests.pages.conftest import LAW, axe_problems
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at(page: Page, live_server: object) -> Iterator[str]:
    """The shop's address, the owner signed in; whatever the browser complains of fails the test."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on("response", lambda r: errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    visitor = sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))
    cookie = visitor.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": str(live_server)}])
    yield str(live_server)
    assert errors == []


def stocked(panel: Panel) -> Provider:
    panel.lists([row(1, rate="1"), row(2, rate="2", category="Likes")])
    provider, _is_new = set_up("Gulf", url=panel.url, key=KEY, new_services="shown")
    sync_provider(provider, now=database_now())
    return provider


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.looks)])
def test_a_new_provider_is_tested_seen_and_opened(page: Page, at: str, panel: Panel, width: int) -> None:
    """Four clicks from the form of the provider: Save, Test, the category, Open."""
    clicks = Clicks(page)
    panel.lists([row(1), row(2, category="Likes"), row(3, category="Likes", type="Package")])
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(at + reverse("admin:catalog_provider_add"))
    page.get_by_label("Name:").fill("Gulf")
    page.get_by_label("API address:").fill(panel.url)
    page.get_by_label("API key:").fill(KEY)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Test and read the list").click()
    page.get_by_text("The connection works.").first.wait_for()
    assert not on_sale()
    line = page.get_by_role("row", name="Likes")
    expect(line).to_contain_text("$0.90 – $0.90 $1.17 – $1.17 23.1 %")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert axe_problems(page, LAW) == []
    line.get_by_role("checkbox").check()
    page.get_by_role("button", name="Open the chosen categories").click()
    page.get_by_text("2 services are on sale now.").wait_for()
    assert clicks.n == 4
    assert set(on_sale()) == {"2", "3"}
    page.get_by_role("link", name="1 service", exact=True).click()
    page.get_by_role("checkbox", name="Followers 1", exact=True).check()
    page.get_by_role("button", name="Open the chosen services").click()
    page.get_by_text("1 service is on sale now.").wait_for()
    assert set(on_sale()) == {"1", "2", "3"}


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.looks)])
def test_prices_of_a_category_are_raised_with_a_preview(page: Page, at: str, panel: Panel, width: int) -> None:
    """Four clicks from the list: Change prices, the category, Preview, Change; then Undo, previewed as well."""
    stocked(panel)
    clicks = Clicks(page)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(at + reverse("admin:catalog_service_changelist"))
    page.get_by_role("link", name="Change prices").click()
    page.get_by_label("Category").select_option("Likes")
    clicks.chosen()
    page.get_by_label("Change, %").fill("+5")
    page.get_by_role("button", name="Preview").click()
    line = page.get_by_role("row", name="Followers 2")
    expect(line.locator("del")).to_have_text("$2.60")
    expect(line.locator("ins")).to_have_text("$2.73")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert axe_problems(page, LAW) == []
    assert on_sale()["2"].price == Decimal("2.6")
    page.get_by_label("Reason").fill("Dearer dollar")
    page.get_by_role("button", name="Change 1 price").click()
    page.get_by_text("1 price changed.").wait_for()
    assert clicks.n == 4
    assert on_sale()["2"].price == Decimal("2.73")
    page.get_by_role("button", name="Undo").click()
    page.get_by_label("Reason").fill("Too dear")
    page.get_by_role("button", name="Change 1 price").click()
    page.get_by_text("1 price changed.").wait_for()
    assert on_sale()["2"].price == Decimal("2.6")
    page.goto(at + reverse("catalog:updates"))
    page.get_by_text("1 service dearer by 5%").wait_for()


def test_a_worker_syncs_while_the_page_shows_progress(
    page: Page, at: str, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = stocked(panel)
    panel.lists([row(1), row(2), row(3)])
    rung, may_answer = threading.Event(), threading.Event()

    def hold(action: str) -> None:
        if action == "services":
            assert may_answer.wait(20)

    def work() -> None:
        assert rung.wait(20)
        try:
            sync_due()
        finally:
            connection.close()

    panel.before_answer = hold
    monkeypatch.setattr("catalog.sync.requested.broker.publish", lambda *args, **kwargs: rung.set())
    worker = threading.Thread(target=work)
    worker.start()
    page.goto(at + reverse("admin:catalog_provider_change", args=[provider.pk]))
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Asking for the list").wait_for()
    assert page.get_by_role("progressbar", name="Sync").get_attribute("value") == "0"
    may_answer.set()
    page.locator("#sync-progress").get_by_text("1 new, 2 changed, 0 gone, 0 back, 0 in quarantine").wait_for()
    worker.join(20)
    assert set(on_sale()) == {"1", "2", "3"}
    page.locator("#sync-progress").get_by_role("link", name="Applied").click()
    page.get_by_role("cell", name="Followers 3").wait_for()


def test_the_page_follows_a_sync_that_runs_elsewhere(page: Page, at: str, panel: Panel) -> None:
    provider = stocked(panel)
    run = SyncRun.objects.create(provider=provider, state=SyncState.RUNNING, stage="list", started_at=database_now())
    page.goto(at + reverse("admin:catalog_provider_change", args=[provider.pk]))
    page.get_by_text("Asking for the list").wait_for()
    SyncRun.objects.filter(pk=run.pk).update(stage="applying")
    page.get_by_text("Comparing and applying").wait_for()
    SyncRun.objects.filter(pk=run.pk).update(state=SyncState.UNCHANGED)
    page.locator("#sync-progress").get_by_role("link", name="Nothing changed").wait_for()
    assert page.locator("#sync-progress progress").count() == 0


def test_a_rule_is_made_with_a_preview(page: Page, at: str, panel: Panel) -> None:
    stocked(panel)
    page.goto(at + reverse("admin:catalog_markuprule_add"))
    page.get_by_label("Name:").fill("All")
    page.get_by_label("Markup, %:").fill("100")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    preview.get_by_text("Followers 2").wait_for()
    assert preview.get_by_role("row").count() == 3
    assert not MarkupRule.objects.exists()
    page.get_by_role("button", name="Save and set these prices").click()
    page.get_by_text("2 prices changed.").wait_for()
    assert {s.price for s in on_sale().values()} == {Decimal(2), Decimal(4)}


def test_a_category_is_hidden(page: Page, at: str, panel: Panel) -> None:
    stocked(panel)
    page.goto(at + reverse("admin:catalog_category_changelist"))
    page.get_by_role("row", name="Likes").get_by_role("checkbox").last.uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 category was changed successfully.").wait_for()
    assert not Category.objects.get(name="Likes").is_visible
    assert list(on_sale()) == ["1"]


def test_a_quarantined_change_is_approved(page: Page, at: str, panel: Panel) -> None:
    provider = stocked(panel)
    panel.lists([row(1, rate="50"), row(2, rate="2", category="Likes")])
    sync_provider(provider, now=database_now())
    assert list(on_sale()) == ["2"]
    page.goto(at + reverse("admin:catalog_providerservice_changelist") + "?sale=quarantine")
    page.get_by_role("row", name="Followers 1").get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option("accept")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    page.get_by_text("1 row was accepted.").wait_for()
    assert on_sale()["1"].price == 65


def test_everybody_reads_the_updates(page: Page, at: str, panel: Panel) -> None:
    provider = stocked(panel)
    panel.lists([row(1, rate="1"), row(2, rate="2", category="Likes"), row(3)])
    sync_provider(provider, now=database_now())
    page.goto(at + reverse("catalog:prices"))
    page.get_by_role("link", name="Service updates").first.click()
    page.get_by_role("heading", name="1 new service").wait_for()
    for name in ("catalog_service_changelist", "catalog_service_import_prices", "accounts_customergroup_changelist"):
        page.goto(at + reverse(f"admin:{name}"))
        assert page.locator("h1").first.is_visible()


@pytest.fixture
def in_a_row(panel: Panel) -> list[Service]:
    panel.lists(row(n, name=f"Likes {n}", category="Likes") for n in (1, 2, 3))
    provider, _is_new = set_up("Gulf", url=panel.url, key=KEY, new_services="shown")
    sync_provider(provider, now=database_now())
    return list(Service.objects.order_by("position"))


def in_order() -> list[str]:
    return list(Service.objects.order_by("category__position", "position", "id").values_list("name", flat=True))


def handle(page: Page, service: Service) -> Locator:
    return page.get_by_role("button", name=re.compile(rf"Move: {service.name}$"))


def open_category(page: Page, at: str) -> None:
    page.goto(at + reverse("admin:catalog_service_changelist"))
    assert page.get_by_role("button", name="Move").count() == 0
    page.locator("#changelist-search").get_by_label("Category", exact=True).select_option("Likes")
    page.get_by_role("button", name="Show", exact=True).click()


def test_services_are_dragged_into_order(page: Page, at: str, in_a_row: list[Service]) -> None:
    open_category(page, at)
    first, _second, third = in_a_row
    target = page.locator("#result_list tbody tr").first.bounding_box()
    assert target
    handle(page, third).hover()
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 2, steps=8)
    page.mouse.up()
    page.get_by_text(f"{third.name}: 1 of 3").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("3 services were changed successfully.").wait_for()
    assert in_order() == ["Likes 3", "Likes 1", "Likes 2"]


def test_services_are_ordered_with_the_keys_and_keep_the_order(
    page: Page, at: str, panel: Panel, in_a_row: list[Service]
) -> None:
    open_category(page, at)
    handle(page, in_a_row[0]).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.get_by_text(f"{in_a_row[0].name}: 2 of 3").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("2 services were changed successfully.").wait_for()
    assert in_order() == ["Likes 2", "Likes 1", "Likes 3"]
    panel.lists(row(n, name=f"Likes {n}", category="Likes") for n in (9, 1, 2, 3))
    sync_provider(Provider.objects.get(), now=database_now())
    assert [name for name in in_order() if name != "Likes 9"] == ["Likes 2", "Likes 1", "Likes 3"]


def test_categories_are_ordered(page: Page, at: str, panel: Panel) -> None:
    stocked(panel)
    page.goto(at + reverse("admin:catalog_category_changelist"))
    page.get_by_role("button", name="Move: Likes").focus()
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("categories were changed successfully.").wait_for()
    assert in_order() == ["Followers 2", "Followers 1"]


def test_own_prices_are_edited_in_the_list(page: Page, at: str, panel: Panel) -> None:
    stocked(panel)
    page.goto(at + reverse("admin:catalog_service_changelist"))
    service = on_sale()["1"]
    line = page.get_by_role("row").filter(has_text=service.name)
    line.locator("input[name$=own_price]").fill("1.75")
    line.get_by_role("checkbox").last.uncheck()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 service was changed successfully.").wait_for()
    service.refresh_from_db()
    assert (service.price, service.is_visible) == (Decimal("1.75"), False)


def test_a_part_of_a_list_is_imported_by_category(page: Page, at: str, panel: Panel) -> None:
    panel.lists([row(1), row(2, category="Likes"), row(3, category="Likes")])
    provider, _is_new = set_up("Gulf", url=panel.url, key=KEY, new_services="chosen")
    sync_provider(provider, now=database_now())
    assert not on_sale()
    page.goto(at + reverse("admin:catalog_providerservice_changelist") + f"?provider__id__exact={provider.pk}")
    page.get_by_label("Category").select_option("Likes")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("import_rows")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    page.get_by_text("2 rows changed.").wait_for()
    assert set(on_sale()) == {"2", "3"}


def test_prices_are_exported_to_a_file_and_imported_after_a_preview(
    page: Page, at: str, panel: Panel, tmp_path: Path
) -> None:
    stocked(panel)
    page.goto(at + reverse("admin:catalog_service_changelist"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Prices as CSV").click()
    sheet = tmp_path / "prices.csv"
    download.value.save_as(sheet)
    lines = list(csv.DictReader(sheet.open()))
    lines[0]["own_price"] = "9.5"
    with sheet.open("w", newline="") as out:
        writer = csv.DictWriter(out, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    page.get_by_role("link", name="Import prices").click()
    page.get_by_label("CSV file").set_input_files(sheet)
    page.get_by_role("button", name="Preview changes").click()
    page.get_by_role("cell", name="$9.50").first.wait_for()
    assert Decimal("9.5") not in {service.price for service in on_sale().values()}
    page.get_by_role("button", name="Set these prices").click()
    page.get_by_text("1 price changed.").wait_for()
    assert Decimal("9.5") in {service.price for service in on_sale().values()}


def named(page: Page) -> None:
    """Wait until the search boxes of the page, drawn after it was loaded, have their names."""
    for box in page.locator("select.admin-autocomplete + .select2 [role=combobox]").all():
        expect(box).to_have_attribute("aria-label", re.compile("."))


@pytest.mark.looks
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_owners_pages_are_accessible(
    page: Page, at: str, panel: Panel, in_a_row: list[Service], theme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=theme)
    service, provider = in_a_row[0], Provider.objects.get()
    services = reverse("admin:catalog_service_changelist")
    found = []
    for address in (
        services,
        f"{services}?category={service.category_id}",
        reverse("admin:catalog_service_change", args=[service.pk]),
        reverse("admin:catalog_service_import_prices"),
        reverse("admin:catalog_category_changelist"),
        reverse("admin:catalog_provider_changelist"),
        reverse("admin:catalog_provider_change", args=[provider.pk]),
        reverse("admin:catalog_providerservice_changelist"),
        reverse("admin:catalog_syncrun_change", args=[provider.sync_runs.get().pk]),
        reverse("admin:catalog_markuprule_changelist"),
        reverse("admin:catalog_provider_open", args=[provider.pk]),
        reverse("admin:catalog_priceadjustment_add"),
        reverse("admin:catalog_customerprice_changelist"),
        reverse("admin:catalog_customerprice_add"),
    ):
        page.goto(at + address)
        named(page)
        found += [f"{address} {problem}" for problem in axe_problems(page, LAW)]
    page.goto(at + reverse("admin:catalog_markuprule_add"))
    page.get_by_label("Name:").fill("All")
    page.get_by_label("Markup, %:").fill("100")
    page.get_by_role("button", name="Preview").click()
    page.locator("#preview").wait_for()
    named(page)
    found += axe_problems(page, LAW)
    assert found == [], "\n".join(found)


def test_the_list_of_services_fits_a_small_screen(page: Page, at: str, panel: Panel) -> None:
    long = "TikTok Followers Worldwide [Real, organic] {1k a day} (100/500K) [30-day refill]"
    panel.lists([row(1, name=long, rate="0.24000000000000002", category="TikTok | Followers [Refill]"), row(2)])
    provider, _is_new = set_up("Gulf Panel Wholesale", url=panel.url, key=KEY, new_services="shown")
    sync_provider(provider, now=database_now())
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(at + reverse("admin:catalog_service_changelist"))

    wide = page.locator(".results").evaluate("list => [list.scrollWidth, list.clientWidth]")
    assert wide[0] <= wide[1]
    widths = {
        name: page.locator(f"thead .column-{name}").evaluate("cell => cell.offsetWidth")
        for name in ("name_", "category_")
    }
    assert widths["name_"] > 200
    assert widths["name_"] > widths["category_"]

    page.get_by_label("State").select_option("Hidden")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("link", name="Clear all").wait_for()
    expect(page.get_by_role("link", name=long)).to_have_count(0)
