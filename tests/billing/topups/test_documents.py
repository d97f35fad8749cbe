"""Receipts and credit notes: one for each movement at a gateway, numbers without gaps, and never changed."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from billing.documents import pdf
from billing.models import BuyerDetails, CatchUp, Document, DocumentCounter, MoneySettings, TopUp
from billing.topups import refunding
from billing.topups.applying import apply
from core.clock import database_now
from core.staff_actions import shell_actor
from orders import freezing
from tests.billing.cast import balance, customer, money
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, looked, method, reading, started
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return customer(has="0")


def paid(who: User, amount: str = "50", **columns: Any) -> TopUp:
    topup = started(who, method(**columns), amount)
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_credit_has_a_receipt_with_its_tax_and_both_parties(alice: User) -> None:
    MoneySettings.objects.create(
        company="Quay <Ltd>", address="12 Quay Street\nGalway", tax_number="IE1", tax_percent=23
    )
    BuyerDetails.objects.create(customer=alice, name="Harbor & Sons", tax_number="DK 12")
    topup = paid(alice, bonus_percent=2)
    receipt = Document.objects.get()
    year = receipt.made_at.year
    assert (receipt.number, receipt.amount, receipt.tax) == (f"R-{year}-000001", 50, Decimal("9.35"))
    for words in (
        "Quay &lt;Ltd&gt;",
        "Harbor &amp; Sons",
        "DK 12",
        "$40.65",
        "$9.35",
        "VAT 23%",
        "+$1.00",
        topup.number,
    ):
        assert words in " ".join(receipt.html.split())
    assert broken() == []


def test_a_receipt_stays_as_it_was_written(alice: User) -> None:
    paid(alice)
    before = Document.objects.get().html
    MoneySettings.objects.create(company="Another Ltd")
    BuyerDetails.objects.create(customer=alice, name="Another name")
    page = sign_in_customer(alice)
    shown = page.get(f"/wallet/receipts/{Document.objects.get().pk}/")
    assert before in shown.content.decode()
    assert "Another" not in before


def test_each_refund_has_a_credit_note_and_the_last_one_ends_the_tax(alice: User) -> None:
    MoneySettings.objects.create(tax_percent=21)
    topup = paid(alice, "10")
    for amount in ("3.33", "6.67"):
        refunding.ask_refund(
            topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(amount), actor=shell_actor(),
            reason="Asked for it", now=database_now(),
        )  # fmt: skip
    receipt, first, second = Document.objects.order_by("pk")
    assert [each.amount for each in (receipt, first, second)] == [10, money("3.33"), money("6.67")]
    assert first.corrects == second.corrects == receipt
    assert first.series.startswith("C-")
    assert receipt.tax == first.tax + second.tax
    assert receipt.number in first.html
    assert broken() == []


def test_a_dispute_that_is_lost_and_won_has_a_note_and_a_receipt(alice: User) -> None:
    topup = paid(alice, "10")
    DRIVERS["demo"].charges_back(topup)
    looked(topup)
    DRIVERS["demo"].loses_dispute(topup)
    looked(topup)
    assert [each.kind for each in Document.objects.order_by("pk")] == ["receipt", "credit_note", "receipt"]
    assert broken() == []


def test_the_same_answer_again_writes_nothing(alice: User) -> None:
    topup = paid(alice)
    looked(topup)
    looked(topup)
    assert Document.objects.count() == 1


def test_many_credits_at_once_have_consecutive_numbers() -> None:
    by = method()
    people = [customer(f"c{n}@example.com", has="0") for n in range(12)]
    topups = [started(who, by, "10") for who in people]
    all_at_once(lambda n: apply(topups[n].pk, reading(topups[n], "10"), cause="look", now=database_now()), 12)
    assert sorted(Document.objects.values_list("ordinal", flat=True)) == list(range(1, 13))
    assert DocumentCounter.objects.get().last == 12
    assert broken() == []


def test_a_worker_that_dies_after_the_number_leaves_no_gap() -> None:
    by = method()
    first, second = (started(customer(f"c{n}@example.com", has="0"), by, "10") for n in range(2))
    numbered, dies = threading.Event(), threading.Event()

    def killed() -> None:
        try:
            with transaction.atomic():
                apply(first.pk, reading(first, "10"), cause="look", now=database_now())
                numbered.set()
                dies.wait(20)
                raise SystemExit
        except SystemExit:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=killed)
    thread.start()
    assert numbered.wait(20)
    threading.Timer(0.3, dies.set).start()
    # It waits for the number that the other one holds, and gets it.
    apply(second.pk, reading(second, "10"), cause="look", now=database_now())
    thread.join()
    assert [each.ordinal for each in Document.objects.all()] == [1]
    apply(first.pk, reading(first, "10"), cause="look", now=database_now())
    assert sorted(each.ordinal for each in Document.objects.all()) == [1, 2]
    assert broken() == []


def test_a_frozen_shop_credits_and_gives_no_number_and_no_bonus(alice: User) -> None:
    freezing.freeze(why="restored", now=database_now(), is_restored=True)
    topup = paid(alice, "10", bonus_percent=10)
    assert balance(alice) == 10
    assert Document.objects.count() == 0
    assert CatchUp.objects.get().topup == topup
    assert broken() == []


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_customer_finds_receipts_from_the_wallet_and_of_nobody_else(alice: User) -> None:
    paid(alice)
    own = Document.objects.get()
    page, other = sign_in_customer(alice), sign_in_customer(customer("bob@example.com", has="0"))
    assert "/wallet/receipts/" in text(page.get("/wallet/"))
    assert own.number in text(page.get("/wallet/receipts/"))
    assert own.number in text(page.get(f"/wallet/topups/{own.topup_id}/"))
    assert own.number not in text(other.get("/wallet/receipts/"))
    for path in (f"/wallet/receipts/{own.pk}/", f"/wallet/receipts/{own.pk}/pdf/", f"/wallet/receipts/{9**30}/"):
        assert other.get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert "no-store" in page.get(f"/wallet/receipts/{own.pk}/").headers["Cache-Control"]


def test_details_for_the_next_receipts_are_saved_and_bad_ones_stay_typed(alice: User) -> None:
    page = sign_in_customer(alice)
    bad = page.post("/wallet/receipts/", {"name": "Harbor", "address": "\n".join("abcdefgh"), "tax_number": "DK"})
    assert "at most 6 lines" in text(bad)
    assert 'value="Harbor"' in text(bad)
    assert not BuyerDetails.objects.exists()
    page.post("/wallet/receipts/", {"name": "Harbor", "address": "Dock 1\nPort", "tax_number": "DK 12"})
    assert BuyerDetails.objects.get(customer=alice).tax_number == "DK 12"
    paid(alice)
    assert "Dock 1<br>Port" in Document.objects.get().html


@pytest.mark.skipif(not pdf.is_available(), reason="WeasyPrint or Pango is not installed")
def test_a_pdf_is_made_once(alice: User) -> None:
    paid(alice)
    own = Document.objects.get()
    page = sign_in_customer(alice)
    first = page.get(f"/wallet/receipts/{own.pk}/pdf/")
    assert first.content.startswith(b"%PDF-")
    assert own.number in first.headers["Content-Disposition"]
    assert page.get(f"/wallet/receipts/{own.pk}/pdf/").content == first.content


@pytest.mark.skipif(not pdf.is_available(), reason="WeasyPrint or Pango is not installed")
def test_a_pdf_fetches_and_reads_nothing(tmp_path: Any) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("@page { margin: 0 }")
    for link in (secret.as_uri(), "http://192.0.2.1/x.css"):
        plain = pdf.made_of("<p>x</p>")
        named = pdf.made_of(f'<link rel="stylesheet" href="{link}"><img src="{link}"><p>x</p>')
        assert abs(len(plain) - len(named)) < 200


def test_without_the_library_there_is_no_pdf(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_weasyprint", lambda: None)
    paid(alice)
    assert sign_in_customer(alice).get(f"/wallet/receipts/{Document.objects.get().pk}/pdf/").status_code == 404
