"""The owner makes prices: rules with their preview, own prices, groups of customers."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import CustomerGroup, User
from catalog.models import MarkupRule, Service
from catalog.prices.reprice import reprice_all
from core.clock import database_now
from core.models import StaffAction
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale
from tests.sign_in import sign_in_staff

ADD = "admin:catalog_markuprule_add"


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


@pytest.fixture
def sold(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="2")])
    sync()


def entry(**changes: Any) -> dict[str, Any]:
    usual = {
        "name": "All", "is_active": "on", "percent": "50", "fixed": "0", "minimum_margin": "0", "floor": "0",
        "rounding": "none", "rounding_value": "0",
    }  # fmt: skip
    return usual | changes


def previewed(owner: Client, address: str, entries: dict[str, Any]) -> str:
    response = owner.post(address, entries)
    assert response.status_code == 200
    return str(response.context["digest"])


def test_a_rule_is_saved_after_its_preview(owner: Client, sold: None) -> None:
    response = owner.post(reverse(ADD), entry())
    html = response.content.decode()
    assert not MarkupRule.objects.exists()
    assert [(e.old, e.new) for e in response.context["preview"].shown] == [
        (Decimal("1.3"), Decimal("1.5")),
        (Decimal("2.6"), Decimal("3")),
    ]
    assert "33.3 %" in html
    owner.post(reverse(ADD), entry(previewed=response.context["digest"]))
    made = MarkupRule.objects.get()
    assert {s.price for s in on_sale().values()} == {Decimal("1.5"), Decimal(3)}
    assert {s.price_rule for s in on_sale().values()} == {made}
    assert b"All" in owner.get(reverse("admin:catalog_service_changelist")).content


def test_changed_entries_are_previewed_again(owner: Client, sold: None) -> None:
    seen = previewed(owner, reverse(ADD), entry())
    response = owner.post(reverse(ADD), entry(percent="500", previewed=seen))
    assert response.context["preview"].changed == 2
    assert not MarkupRule.objects.exists()


def test_an_invalid_rule_is_neither_previewed_nor_saved(owner: Client, sold: None) -> None:
    response = owner.post(reverse(ADD), entry(minimum_margin="100"))
    assert "preview" not in response.context
    assert not MarkupRule.objects.exists()


def test_a_changed_and_a_deleted_rule_reprice(owner: Client, sold: None) -> None:
    owner.post(reverse(ADD), entry(previewed=previewed(owner, reverse(ADD), entry())))
    change = reverse("admin:catalog_markuprule_change", args=[MarkupRule.objects.get().pk])
    entries = entry(percent="60")
    owner.post(change, {**entries, "previewed": previewed(owner, change, entries)})
    assert on_sale()["1"].price == Decimal("1.6")
    delete = reverse("admin:catalog_markuprule_delete", args=[MarkupRule.objects.get().pk])
    shown = owner.post(delete, {"post": "yes"})
    assert [(e.old, e.new) for e in shown.context["preview"].shown] == [
        (Decimal("1.6"), Decimal("1.3")),
        (Decimal("3.2"), Decimal("2.6")),
    ]
    assert MarkupRule.objects.exists()
    owner.post(delete, {"post": "yes", "seen_prices": shown.context["preview"].digest})
    assert on_sale()["1"].price == Decimal("1.3")


def test_a_rule_is_previewed_again_if_prices_changed_since(owner: Client, sold: None) -> None:
    seen = previewed(owner, reverse(ADD), entry())
    Service.objects.filter(pk=on_sale()["1"].pk).update(price=Decimal("1.4"))
    response = owner.post(reverse(ADD), entry(previewed=seen))
    assert "Prices have changed since the preview" in response.content.decode()
    assert not MarkupRule.objects.exists()


def test_rules_are_deleted_together_after_a_preview(owner: Client, sold: None) -> None:
    """Among them a group's own rule, which changes no price of the list."""
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(0))
    for service in on_sale().values():
        MarkupRule.objects.create(name=f"#{service.pk}", service=service, percent=Decimal(50))
    MarkupRule.objects.create(name="Wholesale", group=group, percent=Decimal(5))
    reprice_all(now=database_now())
    rules = list(MarkupRule.objects.values_list("pk", flat=True))
    act = {"action": "delete_rules", "_selected_action": rules, "index": "0"}
    listing = reverse("admin:catalog_markuprule_changelist")
    shown = owner.post(listing, act).context["preview"]
    assert sorted({(e.group, e.new) for e in shown.shown}) == [
        ("", Decimal("1.3")),
        ("", Decimal("2.6")),
        ("Resellers", Decimal("1.3")),
        ("Resellers", Decimal("2.6")),
    ]
    assert MarkupRule.objects.count() == 3
    assert owner.post(listing, {**act, "seen_prices": shown.digest}).status_code == 302
    assert not MarkupRule.objects.exists()
    assert {s.price for s in on_sale().values()} == {Decimal("1.3"), Decimal("2.6")}
    logged = StaffAction.objects.filter(action="markuprule.delete")
    assert sorted(row.before["percent"] for row in logged) == ["5.00", "50.00", "50.00"]


def test_the_percentage_of_a_group_is_previewed(owner: Client, sold: None) -> None:
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-5))
    page = reverse("admin:accounts_customergroup_change", args=[group.pk])
    shown = owner.post(page, {"name": "Resellers", "percent": "-20"}).context["preview"]
    assert {(e.group, e.old, e.new) for e in shown.shown} == {
        ("Resellers", Decimal("1.235"), Decimal("1.04")),
        ("Resellers", Decimal("2.47"), Decimal("2.08")),
    }
    group.refresh_from_db()
    assert group.percent == -5
    owner.post(page, {"name": "Resellers", "percent": "-20", "seen_prices": shown.digest})
    group.refresh_from_db()
    assert group.percent == -20


def test_only_staff_who_may_change_rules_see_previews(owner: Client, sold: None) -> None:
    clerk = sign_in_staff(User.objects.create_user("clerk@example.com", is_staff=True))
    assert clerk.post(reverse(ADD), entry()).status_code == 403


def test_an_own_price_is_set_on_the_service(owner: Client, sold: None) -> None:
    service = on_sale()["1"]
    form = {
        "name": service.name, "category": service.category_id, "description": "", "min": service.min,
        "max": service.max, "position": service.position, "is_visible": "on", "own_price": "1.99",
    }  # fmt: skip
    owner.post(reverse("admin:catalog_service_change", args=[service.pk]), form)
    service.refresh_from_db()
    assert (service.price, service.own_price, service.pins) == (Decimal("1.99"), Decimal("1.99"), [])
    assert b"Own price" in owner.get(reverse("admin:catalog_service_changelist")).content


def test_a_group_with_a_customer_cannot_be_deleted(owner: Client) -> None:
    owner.post(reverse("admin:accounts_customergroup_add"), {"name": "Resellers", "percent": "-5"})
    group = CustomerGroup.objects.get()
    alice = User.objects.create_user("alice@example.com")
    owner.post(reverse("admin:accounts_user_change", args=[alice.pk]), {"is_active": "on", "group": group.pk})
    alice.refresh_from_db()
    assert alice.group == group
    assert owner.post(reverse("admin:accounts_customergroup_delete", args=[group.pk])).status_code == 403


def test_a_service_page_names_its_rule(owner: Client, sold: None) -> None:
    MarkupRule.objects.create(name="Summer", percent=Decimal(10))
    Service.objects.update(price_rule=MarkupRule.objects.get())
    page = reverse("admin:catalog_service_change", args=[on_sale()["1"].pk])
    assert b"Summer" in owner.get(page).content
