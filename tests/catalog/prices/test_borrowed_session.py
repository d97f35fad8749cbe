"""Somebody with the owner's session changes no price: who is there is asked before anything is shown or kept."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import CustomerGroup, User
from catalog.models import MarkupRule, PriceAdjustment
from catalog.prices.adjustments import adjust
from core.clock import database_now
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale
from tests.sign_in import sign_in_staff

SERVICES, ADJUST = "admin:catalog_service_changelist", "admin:catalog_priceadjustment_add"
RULE = {
    "name": "All", "is_active": "on", "percent": "500", "fixed": "0", "minimum_margin": "0", "floor": "0",
    "rounding": "none", "rounding_value": "0",
}  # fmt: skip


@pytest.fixture
def person(panel: Panel, sync: Sync) -> User:
    panel.lists([row(1, rate="1"), row(2, rate="2")])
    sync()
    return User.objects.create_superuser("owner@example.com", "correct horse battery")


def forms() -> list[tuple[str, dict[str, Any]]]:
    """One form for each way to change prices, with its address."""
    service = on_sale()["1"]
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-5))
    made = adjust([on_sale()["2"].pk], Decimal(5), name="Some", by="owner", now=database_now()).adjustment
    typed = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(service.pk), "form-0-is_visible": "on",
        "form-0-own_price": "999", "form-0-position": "0", "_save": "Save",
    }  # fmt: skip
    return [
        (reverse(SERVICES) + f"?id={service.pk}", typed),
        (reverse(SERVICES), {"action": "change_prices", "_selected_action": [service.pk], "percent": "50"}),
        (reverse(ADJUST), {"percent": "50"}),
        (reverse("admin:catalog_priceadjustment_undo", args=[made.pk]), {}),
        (reverse("admin:catalog_markuprule_add"), RULE),
        (reverse("admin:accounts_customergroup_change", args=[group.pk]), {"name": "Resellers", "percent": "-20"}),
    ]


def state() -> Any:
    return (
        [service.price for service in on_sale().values()],
        MarkupRule.objects.count(),
        list(CustomerGroup.objects.values_list("percent")),
        list(PriceAdjustment.objects.values_list("undone_at")),
    )


def test_a_borrowed_session_changes_no_price_even_with_what_the_preview_would_give_it(person: User) -> None:
    owner, asked = sign_in_staff(person), forms()
    before = state()
    for address, form in asked:
        # A price that is typed is kept at once, so it has no preview.
        shown = {} if "_save" in form else owner.post(address, form).context
        seen = {"previewed": shown["digest"]} if "digest" in shown else {}
        if "preview" in shown:
            seen["seen_prices"] = shown["preview"].digest
        sign_in_staff(person, owner, confirmed=False)
        answer = owner.post(address, {**form, **seen})
        assert answer.status_code == 302, address
        assert "/reauthenticate/?next=" in answer["Location"], address
        assert state() == before, address
        sign_in_staff(person, owner)


def test_only_the_session_that_was_shown_the_preview_confirms_it(person: User) -> None:
    owner, elsewhere = sign_in_staff(person), sign_in_staff(person)
    for address, form in ((reverse(ADJUST), {"percent": "50"}), (reverse("admin:catalog_markuprule_add"), RULE)):
        shown = owner.post(address, form).context
        seen = {"previewed": shown.get("digest", ""), "seen_prices": shown["preview"].digest, "reason": "Dearer"}
        before = state()
        assert elsewhere.post(address, {**form, **seen}).status_code == 200
        assert state() == before
        assert owner.post(address, {**form, **seen}).status_code == 302
        assert state() != before
