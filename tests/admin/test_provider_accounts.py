"""What the owner sees and does about a provider's account and its differences."""

import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, Service
from core.clock import database_now
from orders.books import breaks, entries
from orders.models import BalanceReading, BreakKind, BreakState, EntryKind, Order, ProviderEntry, ReconciliationBreak
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(service: Service) -> Provider:
    entries.enter(
        service.source.provider, EntryKind.OPENING, Decimal("1000.5"), key="o", memo="", actor="", now=database_now()
    )
    return service.source.provider


def page(action: str, provider: Provider) -> str:
    return reverse(f"admin:orders_provideraccount_{action}", args=[provider.pk])


def filled(client: Client, provider: Provider, amount: str = "250.125", **more: str) -> dict[str, str]:
    found = re.search(r'name="nonce" value="([0-9a-f]{32})"', client.get(page("enter", provider)).content.decode())
    assert found is not None
    return {"kind": "deposit", "amount": amount, "reference": "INV-7", "memo": "card", "nonce": found[1], **more}


def test_a_deposit_is_registered_once_however_often_the_form_is_sent(admin: Client, provider: Provider) -> None:
    form = filled(admin, provider)
    done = admin.post(page("enter", provider), form, follow=True).content.decode()
    assert "1,250.625" in done
    again = admin.post(page("enter", provider), form, follow=True).content.decode()
    assert "already entered" in again
    other = admin.post(page("enter", provider), {**form, "amount": "9"}).content.decode()
    assert "sent before with other figures" in other
    [entry] = ProviderEntry.objects.filter(kind=EntryKind.DEPOSIT)
    assert (entry.amount, entry.reference, entry.actor) == (Decimal("250.125"), "INV-7", "owner@example.com")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "1e3"}, "Please enter a number"),
        ({"amount": "1,234"}, "This may be 1234 or 1.2340."),
        ({"amount": "-5"}, "more than 0"),
        ({"amount": "0"}, "more than 0"),
        ({"memo": " "}, "required"),
        ({"kind": "opening"}, "already has an opening balance"),
        ({"nonce": "x"}, "not complete"),
    ],
)
def test_invalid_input_is_refused_with_a_reason(
    admin: Client, provider: Provider, change: dict[str, str], said: str
) -> None:
    answer = admin.post(page("enter", provider), {**filled(admin, provider), **change})
    assert said in answer.content.decode()
    assert ProviderEntry.objects.count() == 1


def test_a_correction_may_be_below_zero(admin: Client, provider: Provider) -> None:
    admin.post(page("enter", provider), filled(admin, provider, "-0.5", kind="correction"))
    assert ProviderEntry.objects.get(kind=EntryKind.CORRECTION).amount == Decimal("-0.5")


def test_the_account_shows_ours_theirs_and_the_differences(admin: Client, provider: Provider, doubted: Order) -> None:
    row = seen(provider, doubted)
    text = admin.get(page("change", provider)).content.decode()
    assert "1,000.5" in text
    assert reverse("admin:orders_reconciliationbreak_change", args=[row.pk]) in text
    listed = admin.get(reverse("admin:orders_reconciliationbreak_changelist"), {"state__exact": "open"})
    assert "Balance differs" in listed.content.decode()
    shown = admin.get(reverse("admin:orders_reconciliationbreak_change", args=[row.pk])).content.decode()
    assert f"#{doubted.pk}" in shown
    assert "may have been placed" in shown


def seen(provider: Provider, suspect: Order) -> ReconciliationBreak:
    suspects = [{"order": suspect.pk, "why": "in_doubt", "expected": "0.9", "charge": None}]
    breaks.record(provider, BreakKind.BALANCE, amount=Decimal(-3), suspects=suspects, now=database_now())
    return ReconciliationBreak.objects.get()


def test_a_break_is_explained_and_closed_once_with_a_reason(admin: Client, provider: Provider, doubted: Order) -> None:
    row = seen(provider, doubted)
    url = reverse("admin:orders_reconciliationbreak_decide", args=[row.pk])
    assert "Please give a reason" in admin.post(url, {"decision": "explain", "note": " "}, follow=True).content.decode()
    answer = {"decision": "explain", "note": "their fee"}
    assert "Noted" in admin.post(url, answer, follow=True).content.decode()
    assert "already noted" in admin.post(url, answer, follow=True).content.decode()
    row.refresh_from_db()
    assert (row.state, row.note, row.actor) == (BreakState.EXPLAINED, "their fee", "owner@example.com")
    admin.post(url, {**answer, "decision": "close"})
    row.refresh_from_db()
    assert row.state == BreakState.CLOSED
    assert "is closed" in admin.post(url, answer, follow=True).content.decode()
    assert "Nothing was decided" in admin.post(url, {"note": "x"}, follow=True).content.decode()


def test_staff_without_permission_change_nothing(
    admin: Client, clerk: User, provider: Provider, doubted: Order
) -> None:
    row = seen(provider, doubted)
    decide = reverse("admin:orders_reconciliationbreak_decide", args=[row.pk])
    nobody = sign_in_staff(clerk)
    assert nobody.post(decide, {"decision": "close", "note": "x"}).status_code == 403
    assert nobody.get(page("enter", provider)).status_code == 403
    assert nobody.post(page("enter", provider), {}).status_code == 403
    assert admin.get(decide).status_code == 405
    row.refresh_from_db()
    assert row.state == BreakState.OPEN


def test_the_account_shows_the_last_reading_until_money_is_entered_or_the_owner_asks_for_now(
    admin: Client, provider: Provider
) -> None:
    address = page("change", provider)
    BalanceReading.objects.create(
        provider=provider, at=database_now(), amount=Decimal("990.25"), currency=provider.currency,
        entries=Decimal("1000.5"), charges=Decimal("10.125"), sends="", is_quiet=False,
    )  # fmt: skip
    read = admin.get(address).content.decode()
    assert [amount in read for amount in ("10.125", "990.375", "990.25")] == [True, True, True]
    assert "when its balance was read" in read
    now = admin.get(address, {"now": "1"}).content.decode()
    assert "10.125" not in now
    assert "when its balance was read" not in now
    admin.post(page("enter", provider), filled(admin, provider))
    assert "1,250.625" in admin.get(address).content.decode()
