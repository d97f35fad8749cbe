"""The owner's day in a real browser: nothing on the console, and every deed done by clicking."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from catalog.models import Category, MarkupRule, Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.providers import set_up
from catalog.sync import sync_provider
from core.clock import database_now
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at(page: Page, live_server: object) -> Iterator[str]:
    """The shop's address, the owner signed in; whatever the browser complains of fails the test."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"{page.url}: {error}"))
    page.on("response", lambda r: heard.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    visitor = Client()
    visitor.force_login(User.objects.create_superuser("owner@example.com", "correct horse battery"))
    cookie = visitor.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": str(live_server)}])
    yield str(live_server)
    assert heard == []


def stocked(panel: Panel) -> Provider:
    panel.lists([row(1, rate="1"), row(2, rate="2", category="Likes")])
    provider, _is_new = set_up("Gulf", url=panel.url, key=KEY)
    sync_provider(provider, now=database_now())
    return provider


def test_a_provider_is_added_and_synced(page: Page, at: str, panel: Panel) -> None:
    panel.lists([row(1), row(2)])
    page.goto(at + reverse("admin:catalog_provider_add"))
    page.get_by_label("Name:").fill("Gulf")
    page.get_by_label("API address:").fill(panel.url)
    page.get_by_label("API key:").fill(KEY)
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("button", name="Test connection").click()
    page.get_by_text("The connection works.").wait_for()
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Taken over: 2 new, 0 changed, 0 gone, 0 back.").wait_for()
    assert set(on_sale()) == {"1", "2"}


def test_the_page_follows_a_sync_that_runs_elsewhere(page: Page, at: str, panel: Panel) -> None:
    provider = stocked(panel)
    run = SyncRun.objects.create(provider=provider, state=SyncState.RUNNING, stage="list", started_at=database_now())
    page.goto(at + reverse("admin:catalog_provider_change", args=[provider.pk]))
    page.get_by_text("Asking for the list").wait_for()
    SyncRun.objects.filter(pk=run.pk).update(stage="applying")
    page.get_by_text("Comparing and taking over").wait_for()
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
    stocked(panel)
    page.goto(at + reverse("catalog:prices"))
    page.get_by_role("link", name="Service updates").first.click()
    page.get_by_role("cell", name="New").first.wait_for()
    for name in ("catalog_service_changelist", "catalog_service_bring_prices", "accounts_customergroup_changelist"):
        page.goto(at + reverse(f"admin:{name}"))
        assert page.locator("h1").first.is_visible()
