"""Stripe in the admin: where its library is missing, and what the form says about its fields."""

import sys
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.gateways import registry
from billing.models import PaymentMethod
from tests.billing.cast import customer
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.billing.topups.stripe.driver import sends
from tests.billing.topups.stripe.fake import KEY, SECRET, TEST_KEY, FakeStripe, event
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The registry as it finds the gateways where Stripe's library is not installed."""
    folder = sys.modules["billing.gateways.stripe"]

    def leave() -> None:
        monkeypatch.delattr(folder, "GATEWAY")
        registry.all_gateways.cache_clear()

    yield leave
    monkeypatch.undo()
    registry.all_gateways.cache_clear()


def values(row: PaymentMethod, **changed: Any) -> dict[str, Any]:
    """What the form of a method would send."""
    names = ("name", "arrives", "position", "currency", "exchange_rate", "least", "most", "fee_percent", "fee_fixed")
    given = {name: str(getattr(row, name)) for name in (*names, "bonus_percent", "bonus_from")}
    return {**given, "is_on": "on", "is_live": "on", **changed}


def test_without_its_library_it_is_not_offered_and_the_form_says_why(boss: Client, without_library: Any) -> None:
    path = reverse("admin:billing_paymentmethod_add")
    assert "Stripe Checkout" in boss.get(path).content.decode()
    without_library()
    page = boss.get(path).content.decode()
    assert "Stripe Checkout" not in page
    assert "Stripe needs the package stripe, which is not installed." in page


def test_without_its_library_what_was_paid_before_stays_in_sight(
    boss: Client, without_library: Any, fake_stripe: FakeStripe
) -> None:
    topup = started(customer(has="0"), method("stripe", "Card"), "25")
    fake_stripe.pay(topup.remote_id)
    looked(topup)
    without_library()
    page = boss.get(reverse("admin:billing_topup_change", args=[topup.pk]))
    assert (page.status_code, "T-" in page.content.decode()) == (200, True)
    # It is asked to send the call again.
    assert sends(topup.method, event("charge.refunded", {})) == 503


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"config_secret_key": TEST_KEY, "config_webhook_secret": SECRET}, "config_secret_key"),
        ({"config_secret_key": "pk_live_51PublishableKey", "config_webhook_secret": SECRET}, "config_secret_key"),
        ({"config_secret_key": KEY, "config_webhook_secret": "we_1PermilleEndpointId"}, "config_webhook_secret"),
        ({"config_secret_key": KEY}, "config_webhook_secret"),
        ({"config_secret_key": KEY, "config_webhook_secret": SECRET, "currency": "ISK"}, "currency"),
    ],
)
def test_a_field_that_cannot_be_right_is_refused(boss: Client, changed: dict[str, str], field: str) -> None:
    row = PaymentMethod.objects.create(gateway="stripe", name="Card", currency="USD")
    answer: Any = boss.post(reverse("admin:billing_paymentmethod_change", args=[row.pk]), values(row, **changed))
    assert field in answer.context["adminform"].form.errors


def test_the_mode_is_not_switched_under_a_stored_key(boss: Client) -> None:
    row = method("stripe", "Card")
    answer: Any = boss.post(reverse("admin:billing_paymentmethod_change", args=[row.pk]), values(row, is_live=""))
    assert "config_secret_key" in answer.context["adminform"].form.errors


def test_the_settings_are_saved_tested_and_never_shown(boss: Client) -> None:
    row = PaymentMethod.objects.create(gateway="stripe", name="Card", currency="USD")
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    boss.post(page, values(row, config_secret_key=KEY, config_webhook_secret=SECRET))
    row.refresh_from_db()
    assert (row.is_on, row.secrets()) == (True, DRIVERS["stripe"].secrets)
    shown = boss.post(reverse("admin:billing_paymentmethod_test", args=[row.pk]), follow=True).content.decode()
    assert "The settings work." in shown
    assert f"/pay/{row.token}/" in shown
    assert KEY not in shown
    assert SECRET not in shown
