"""The owner at work on the catalog. What a browser adds is tested with the other pages."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Category, Provider, Service, SyncRun
from core.secrets import unseal
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale, source
from tests.sign_in import sign_in_staff

LISTS = ["provider", "syncrun", "providerservice", "service", "category"]


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


@pytest.fixture
def clerk(db: None) -> Client:
    """Works here and may look at providers, no more."""
    person = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_provider"))
    return sign_in_staff(person)


def page(provider: Provider) -> str:
    return reverse("admin:catalog_provider_change", args=[provider.pk])


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def provider_form(**changes: Any) -> dict[str, Any]:
    usual = {
        "name": "New",
        "url": "http://127.0.0.1:9/api/v2",
        "key": KEY,
        "is_active": "on",
        "currency": "usd",
        "exchange_rate": "1",
        "low_balance": "0",
        "markup_percent": "30",
        "follows_name": "on",
        "follows_description": "on",
        "follows_category": "on",
        "follows_limits": "on",
        "new_services": "shown",
        "can_refill": "on",
        "same_link": "warn",
        "body_encoding": "form",
        "batch_size": "100",
        "dialect": "{}",
        "sync_runs-TOTAL_FORMS": "0",
        "sync_runs-INITIAL_FORMS": "0",
    }
    return usual | changes


def test_a_provider_is_added_with_a_key_that_is_never_shown_again(owner: Client) -> None:
    owner.post(reverse("admin:catalog_provider_add"), provider_form())
    provider = Provider.objects.get()
    assert (unseal(provider.sealed_key), provider.currency) == (KEY, "USD")
    html = owner.get(page(provider)).content.decode()
    assert KEY not in html
    assert provider.sealed_key not in html
    assert 'type="password" name="key"' in html


def test_a_rejected_form_does_not_echo_the_key(owner: Client) -> None:
    response = owner.post(reverse("admin:catalog_provider_add"), provider_form(url="nonsense"))
    assert response.status_code == 200
    assert KEY not in response.content.decode()


def test_a_new_provider_needs_a_key(owner: Client) -> None:
    owner.post(reverse("admin:catalog_provider_add"), provider_form(key=""))
    assert not Provider.objects.exists()


def test_an_empty_key_keeps_the_old_one_and_a_new_markup_reprices(
    owner: Client, panel: Panel, provider: Provider, sync: Sync
) -> None:
    panel.lists([row(1, rate="1")])
    sync()
    sealed = provider.sealed_key
    runs = {
        "sync_runs-TOTAL_FORMS": "1",
        "sync_runs-INITIAL_FORMS": "1",
        "sync_runs-0-id": str(SyncRun.objects.get().pk),
    }
    form = provider_form(name="Gulf", key="", url=panel.url, markup_percent="50", **runs)
    shown = owner.post(page(provider), form).context["preview"]
    assert [(effect.old, effect.new) for effect in shown.shown] == [(Decimal("1.3"), Decimal("1.5"))]
    provider.refresh_from_db()
    assert provider.markup_percent == 30
    with_key = owner.post(page(provider), {**form, "key": "another-key"}, follow=True)
    assert messages(with_key) == ["Nothing was saved. Save the key by itself, then what changes prices."]
    assert b"another-key" not in with_key.content
    owner.post(page(provider), {**form, "seen_prices": shown.digest})
    provider.refresh_from_db()
    assert (provider.sealed_key, provider.markup_percent) == (sealed, 50)
    assert on_sale()["1"].price == Decimal("1.5")


def test_the_connection_test_shows_its_findings(owner: Client, panel: Panel, provider: Provider) -> None:
    panel.lists([row(1), row(2)])
    response = owner.post(reverse("admin:catalog_provider_test", args=[provider.pk]), follow=True)
    assert messages(response) == ["Balance: 100.84292 USD", "2 services in its list.", "The connection works."]


def test_the_connection_test_shows_problems_but_not_the_key(owner: Client, panel: Panel, provider: Provider) -> None:
    for action in ("balance", "services"):
        panel.says(action, {"error": f"Invalid API key: <b>{KEY}</b>"})
    response = owner.post(reverse("admin:catalog_provider_test", args=[provider.pk]), follow=True)
    assert len(messages(response)) == 2
    assert KEY not in response.content.decode()


def test_sync_now_applies_the_list(owner: Client, panel: Panel, provider: Provider) -> None:
    panel.lists([row(1), row(2, type="Special")])
    response = owner.post(reverse("admin:catalog_provider_sync", args=[provider.pk]), follow=True)
    assert messages(response) == [
        "Applied: 2 new, 0 changed, 0 gone, 0 back.",
        "1 service is in quarantine and not sold.",
    ]
    assert SyncRun.objects.get().actor == "owner@example.com"
    assert list(on_sale()) == ["1"]


def test_a_refused_list_can_be_forced_from_the_page(
    owner: Client, panel: Panel, provider: Provider, sync: Sync
) -> None:
    panel.lists(row(n) for n in range(1, 41))
    sync()
    panel.lists([row(1)])
    assert b"Sync anyway" not in owner.get(page(provider)).content

    refused = owner.post(reverse("admin:catalog_provider_sync", args=[provider.pk]), follow=True)
    assert b"Sync anyway" in refused.content
    assert len(on_sale()) == 40

    owner.post(reverse("admin:catalog_provider_sync", args=[provider.pk]), {"force": "1"})
    assert list(on_sale()) == ["1"]


@pytest.mark.parametrize("action", ["test", "sync"])
def test_the_buttons_need_a_post_and_the_change_permission(
    action: str, owner: Client, clerk: Client, panel: Panel, provider: Provider
) -> None:
    address = reverse(f"admin:catalog_provider_{action}", args=[provider.pk])
    assert owner.get(address).status_code == 405
    assert clerk.post(address).status_code == 403
    assert b"Sync now" not in clerk.get(page(provider)).content
    careful = sign_in_staff(User.objects.get(email="owner@example.com"), Client(enforce_csrf_checks=True))
    assert careful.post(address).status_code == 403
    assert Client().post(address).status_code == 302
    assert not panel.asked


@pytest.mark.parametrize("name", LISTS)
def test_lists_take_the_same_queries_for_any_number_of_rows(
    name: str, owner: Client, panel: Panel, sync: Sync, django_assert_max_num_queries: Any
) -> None:
    panel.lists(row(n, category=f"Category {n % 7}") for n in range(1, 60))
    sync()
    with django_assert_max_num_queries(30):
        response = owner.get(reverse(f"admin:catalog_{name}_changelist"))
    assert response.status_code == 200


def test_a_service_shows_cost_markup_price_and_margin_exactly(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="0.00012")])
    sync()
    html = owner.get(reverse("admin:catalog_service_changelist")).content.decode()
    assert "0.00012 <small>USD</small>" in html
    assert '$0.00<span class="money-sub is-ink">012</span>' in html
    assert '$0.00<span class="money-sub is-ink">016</span>' in html
    assert "25.0 %" in html
    assert "30 %" in html


def test_html_in_a_name_is_escaped(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists(
        [row(1, name="<script>alert(1)</script>", desc="<script>alert(1)</script>", category="<script>alert(1)")]
    )
    sync()
    for name in LISTS:
        assert b"<script>alert" not in owner.get(reverse(f"admin:catalog_{name}_changelist")).content
    change = reverse("admin:catalog_providerservice_change", args=[source("1").pk])
    assert b"<script>alert" not in owner.get(change).content
    run = reverse("admin:catalog_syncrun_change", args=[SyncRun.objects.get().pk])
    assert b"<script>alert" not in owner.get(run).content


def test_services_are_hidden_and_shown(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2)])
    sync()
    address = reverse("admin:catalog_service_changelist")
    chosen = [str(on_sale()["1"].pk)]
    owner.post(address, {"action": "hide", "_selected_action": chosen})
    assert list(on_sale()) == ["2"]
    owner.post(address, {"action": "show", "_selected_action": chosen})
    assert list(on_sale()) == ["1", "2"]


def test_visibility_is_edited_in_the_list(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(Service.objects.get().pk),
        "form-0-position": "0",
        "_save": "Save",
    }
    owner.post(reverse("admin:catalog_service_changelist"), form)
    assert not Service.objects.get().is_visible
    assert Service.objects.get().pins == []


def test_an_edited_field_stops_following_until_unpinned(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    service = Service.objects.get()
    address = reverse("admin:catalog_service_change", args=[service.pk])
    form = {
        "name": "Mine", "category": service.category_id, "description": "<b>x</b><script>y</script>", "min": 50,
        "max": 10000, "position": 0, "is_visible": "on",
    }  # fmt: skip
    owner.post(address, form)
    panel.lists([row(1, name="Their followers", max="9000")])
    sync()
    service.refresh_from_db()
    assert (service.name, service.description, service.max) == ("Mine", "<b>x</b>", 9000)
    assert service.pins == ["name", "description"]
    assert service.search_text.startswith("mine ")

    owner.post(address, form | {"description": service.description, "max": 9000, "pins": ["description"]})
    service.refresh_from_db()
    assert (service.name, service.pins) == ("Their followers", ["description"])


def test_only_rows_that_could_be_sold_can_be_accepted(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="0")])
    sync()
    panel.lists([row(1, rate="50"), row(2, rate="0")])
    sync()
    chosen = [str(source("1").pk), str(source("2").pk)]
    response = owner.post(
        reverse("admin:catalog_providerservice_changelist"),
        {"action": "accept", "_selected_action": chosen},
        follow=True,
    )
    assert messages(response) == [
        "1 row was accepted.",
        "1 row stays in quarantine: it lacks what an order needs.",
    ]
    assert {key: s.price for key, s in on_sale().items()} == {"1": 65}


def test_a_renamed_category_is_found_by_its_new_name(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1)])
    sync()
    heading = Category.objects.get()
    form = {"name": "Best sellers", "position": "0", "is_visible": "on"}
    owner.post(reverse("admin:catalog_category_change", args=[heading.pk]), form)
    assert "best sellers" in Service.objects.get().search_text


def test_pages_of_a_row_are_served(owner: Client, panel: Panel, provider: Provider, sync: Sync) -> None:
    panel.lists([row(1, name="", rate="0", extra=None), row(2)])
    sync()
    pages = {
        "provider": provider.pk,
        "syncrun": SyncRun.objects.get().pk,
        "providerservice": source("1").pk,
        "service": Service.objects.get().pk,
        "category": Category.objects.get().pk,
    }
    for name, pk in pages.items():
        response = owner.get(reverse(f"admin:catalog_{name}_change", args=[pk]))
        assert response.status_code == 200
        assert " style=" not in response.content.decode().split("<main", 1)[-1]


@pytest.mark.parametrize(
    "dialect",
    [
        "[1]",
        '{"state_map": "x"}',
        '{"unknown": true}',
        '{"error_map": {"a": 1}}',
        '{"state_map": {"Listo": "Done"}}',
        '{"error_map": {"Enlace malo": "bad link"}}',
    ],
)
def test_a_dialect_the_client_would_not_understand_is_refused(dialect: str, owner: Client) -> None:
    owner.post(reverse("admin:catalog_provider_add"), provider_form(dialect=dialect))
    assert not Provider.objects.exists()


def test_a_dialect_is_kept(owner: Client) -> None:
    dialect = '{"description_field": "description_en", "state_map": {"Listo": "completed"}}'
    owner.post(reverse("admin:catalog_provider_add"), provider_form(dialect=dialect))
    assert Provider.objects.get().dialect["state_map"] == {"Listo": "completed"}


def test_the_list_shows_what_is_on_sale(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(1), row(2)])
    sync()
    Service.objects.filter(source__external_id="2").update(is_visible=False)
    html = owner.get(reverse("admin:catalog_service_changelist")).content.decode()
    assert re.findall("On sale: (yes|no)", html) == ["yes", "no"]
