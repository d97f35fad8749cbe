"""Payment methods in the admin, and what they cost."""

import re
from datetime import timedelta
from decimal import Decimal
from secrets import token_hex, token_urlsafe
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.gateways.own_secrets import problem_of
from billing.gateways.reading import Unreadable, amount_text, read_amount, read_currency
from billing.models import PaymentMethod, TopUp
from billing.topups import events, methods
from billing.topups.starting import CannotStart
from core.clock import database_now
from core.models import StaffAction
from tests.billing.cast import customer
from tests.billing.topups.cast import DRIVERS, KEY, method, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


def values(row: PaymentMethod, **changed: Any) -> dict[str, Any]:
    """What the form of a method would send."""
    names = ("name", "arrives", "position", "currency", "exchange_rate", "least", "most", "fee_percent", "fee_fixed")
    given = {name: str(getattr(row, name)) for name in (*names, "bonus_percent", "bonus_from")}
    return {**given, "is_on": "on", "config_signing_key": "", **changed}


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def test_a_new_method_is_off_until_its_fields_are_filled_in(boss: Client) -> None:
    path = reverse("admin:billing_paymentmethod_add")
    assert "Demo" in boss.get(path).content.decode()
    boss.post(path, {"gateway": "demo", "name": "Try it", "currency": "usd"})
    row = PaymentMethod.objects.get()
    assert (row.is_on, row.is_live, row.currency) == (False, False, "USD")
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "config_signing_key" in boss.get(page).content.decode()
    assert "config_signing_key" in errors(boss.post(page, values(row)))
    boss.post(page, values(row, config_signing_key=KEY))
    row.refresh_from_db()
    assert row.is_on
    assert row.secrets() == {"signing_key": KEY}
    shown = boss.get(page).content.decode()
    assert f"Set: it ends in …{KEY[-4:]}." in shown
    assert KEY[:-4] not in shown
    # Another save keeps what is not entered.
    boss.post(page, values(row, name="Try it now"))
    row.refresh_from_db()
    assert (row.name, row.secrets()) == ("Try it now", {"signing_key": KEY})
    assert not StaffAction.objects.filter(after__icontains=KEY).exists()


@pytest.mark.parametrize(
    "secret",
    [
        "short", " padded-secret-padded ", "changeme-changeme-changeme", "aaaaaaaaaaaaaaaaaaaa", "example-of-key-123",
        "sk_live_xxxxxxxxxxxxxxxx", "whsec_changeme12345678", "mysecretsecret123", "rk_test_aaaaaaaabbbbbbbb",
    ],
)  # fmt: skip
def test_a_secret_that_is_none_is_refused(boss: Client, secret: str) -> None:
    row = method()
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "config_signing_key" in errors(boss.post(page, values(row, config_signing_key=secret)))


def test_a_random_secret_is_never_taken_for_an_example() -> None:
    for _secret in range(5_000):
        for secret in (token_urlsafe(12), token_urlsafe(32), token_hex(8), f"whsec_{token_urlsafe(24)}"):
            assert problem_of(secret) == "", secret
    assert problem_of(f"whsec_{token_hex(16)}xxxxSECRET") == ""


def test_a_secret_of_a_public_example_is_refused(boss: Client) -> None:
    row = method("stripe")
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    given = values(row, is_live="on", config_webhook_secret="whsec_Vt4nQ8pLr2XcKd7mZb1H")
    assert "config_webhook_secret" in errors(boss.post(page, given))


def test_no_payment_starts_with_a_published_secret_that_was_stored_before() -> None:
    row = method("stripe")
    row.set_secrets({**DRIVERS["stripe"].secrets, "webhook_secret": "whsec_Vt4nQ8pLr2XcKd7mZb1H"})
    row.save()
    with pytest.raises(CannotStart, match="not set up yet"):
        started(customer(has="0"), row)


@pytest.mark.parametrize("secret", ["", "short", " padded-secret-padded ", "changeme-changeme"])
def test_without_a_secret_no_payment_starts_and_the_log_and_the_test_say_so(
    boss: Client, secret: str, caplog: Any
) -> None:
    row = method()
    row.set_secrets({"signing_key": secret})
    row.save()
    with pytest.raises(CannotStart, match="not set up yet"):
        started(customer(has="0"), row)
    assert "takes no payment: signing_key" in caplog.text
    page = boss.post(reverse("admin:billing_paymentmethod_test", args=[row.pk]), follow=True).content.decode()
    assert "The settings work." not in page
    assert TopUp.objects.count() == 0


def test_two_fields_never_get_one_secret(boss: Client) -> None:
    row = method("signed")
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    given = values(row, is_live="on", **{f"config_{name}": text for name, text in row.settings.items()})
    stored = row.secrets()
    assert errors(boss.post(page, {**given, "config_answer_key": stored["request_key"]})).keys() == {
        "config_answer_key"
    }
    new = "n7Qe2VtK9xWm4ZpLr8Bd"
    both = {"config_answer_key": new, "config_request_key": new}
    assert errors(boss.post(page, {**given, **both})).keys() == {*both}


def test_calls_signed_with_a_replaced_secret_count_for_a_day(boss: Client) -> None:
    row = method()
    topup = started(customer(has="0"), row)
    headers, body = DRIVERS["demo"].call(topup)
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "signed with the old one count for 24 hours more" in boss.get(page).content.decode()
    for new in ("a-second-key-of-the-demo-99e1", "a-second-key-of-the-demo-99e1"):
        boss.post(page, values(row, config_signing_key=new))
    row.refresh_from_db()
    now = database_now()
    assert row.secrets() == {"signing_key": "a-second-key-of-the-demo-99e1"}
    assert methods.config_of(row).values["signing_key"] != KEY
    assert events.receive(row, headers=headers, body=body, now=now)
    assert not events.receive(row, headers=headers, body=body + b" ", now=now)
    assert not events.receive(row, headers=headers, body=body, now=now + timedelta(hours=24, minutes=1))
    # What anybody could know does not count after that.
    row.set_secrets({"signing_key": "changeme-changeme"})
    row.save()
    boss.post(page, values(row, config_signing_key=KEY))
    row.refresh_from_db()
    assert row.old_secrets(now=now) == {}


def test_a_secret_of_another_method_is_refused(boss: Client) -> None:
    method(name="First")
    row = PaymentMethod.objects.create(gateway="demo", name="Second", currency="USD")
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "config_signing_key" in errors(boss.post(page, values(row, config_signing_key=KEY)))


def test_a_test_mode_is_not_switched_on_in_a_shop(boss: Client, settings: Any) -> None:
    settings.DEMO = False
    row = method(is_on=False)
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "is_on" in errors(boss.post(page, values(row)))
    assert "is_live" in errors(boss.post(page, values(row, is_live="on")))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"least": "10", "most": "5"}, "most"),
        ({"exchange_rate": "2"}, "exchange_rate"),
        ({"currency": "U$"}, "currency"),
        ({"fee_percent": "51"}, "fee_percent"),
        ({"least": "0"}, "least"),
        ({"bonus_from": "-1"}, "bonus_from"),
    ],
)
def test_settings_that_make_no_sense_are_refused(boss: Client, changed: dict[str, str], field: str) -> None:
    row = method()
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert field in errors(boss.post(page, values(row, **changed)))


def test_the_test_button_says_what_the_gateway_says(boss: Client) -> None:
    row = method()
    path = reverse("admin:billing_paymentmethod_test", args=[row.pk])
    assert "The settings work." in boss.post(path, follow=True).content.decode()
    PaymentMethod.objects.update(is_live=True)
    assert "takes no real money" in boss.post(path, follow=True).content.decode()
    assert boss.get(path).status_code == 405


def test_the_page_of_a_method_says_how_its_calls_do(boss: Client, settings: Any) -> None:
    row = method()
    page = reverse("admin:billing_paymentmethod_change", args=[row.pk])
    assert "payment services call https addresses only" in boss.get(page).content.decode()
    settings.SHOP_URL = "https://shop.example"
    shown = boss.get(page).content.decode()
    assert f"https://shop.example/pay/{row.token}/" in shown
    assert "https addresses only" not in shown
    assert Client().post(f"/pay/{row.token}/", b"{}", content_type="application/json").status_code == 400
    started(customer(has="0"), row)
    assert waiting(boss, page) == "0"
    TopUp.objects.update(created_at=database_now() - timedelta(hours=2))
    assert waiting(boss, page) == "1"
    assert "1 in the hour from" in boss.get(page).content.decode()


def waiting(boss: Client, page: str) -> str:
    """What the page shows as the number of top-ups that wait."""
    shown = re.sub(r"<[^>]+>|\s+", " ", boss.get(page).content.decode())
    return shown.partition("Top-ups that wait for more than an hour:")[2].split()[0]


def test_a_used_method_is_not_deleted(boss: Client) -> None:
    row = method()
    started(customer(has="0"), row)
    assert boss.post(reverse("admin:billing_paymentmethod_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_what_a_topup_costs_is_fixed_when_it_starts() -> None:
    row = method(fee_percent=Decimal("2.9"), fee_fixed=Decimal("0.3"), bonus_percent=Decimal(2), bonus_from=Decimal(50))
    topup = started(customer(has="0"), row, "50")
    assert (topup.fee, topup.bonus, topup.pay_amount) == (Decimal("1.75"), 1, Decimal("51.75"))
    PaymentMethod.objects.update(fee_percent=0, bonus_percent=100)
    assert TopUp.objects.get().fee == Decimal("1.75")


@pytest.mark.parametrize(
    ("currency", "rate", "pay"),
    [
        ("EUR", "0.92", "9.20"),
        ("JPY", "151.337", "1514"),
        ("BTC", "0.0000104213", "0.00010422"),
        ("KWD", "0.3071", "3.071"),
    ],
)
def test_another_currency_is_rounded_up_to_what_can_be_paid(currency: str, rate: str, pay: str) -> None:
    row = PaymentMethod(gateway="demo", currency=currency, exchange_rate=Decimal(rate))
    assert methods.price_of(row, Decimal(10)).pay == Decimal(pay)


@pytest.mark.parametrize("text", ["25", "25.00", "0.00000001", "1e2", "12E-7", 25])
def test_amounts_that_gateways_write_are_read_exactly(text: Any) -> None:
    assert read_amount(text) == Decimal(str(text))


@pytest.mark.parametrize(
    "text",
    [
        25.0,
        True,
        None,
        [],
        "",
        " 25",
        "25 ",
        "25,00",
        "+25",
        "-25",
        "NaN",
        "Infinity",
        "1e400",
        "２５",
        "٢٥",
        "0x10",
        "1_0",
    ],
)
def test_anything_else_is_no_amount(text: Any) -> None:
    with pytest.raises(Unreadable):
        read_amount(text)


@pytest.mark.parametrize("text", ["US", "ＵＳＤ", "UЅD", " USD", "USD\0", None, 5, ""])
def test_what_looks_like_a_currency_is_none(text: Any) -> None:
    with pytest.raises(Unreadable):
        read_currency(text)


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    assert read_currency("usd") == "USD"
    assert amount_text(Decimal("10.300000000000000000"), "USD") == "10.30 USD"
    assert amount_text(Decimal("1514"), "JPY") == "1514 JPY"
    assert amount_text(Decimal("0.000104220000000000"), "BTC") == "0.00010422 BTC"
