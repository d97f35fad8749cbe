"""Rows of receipts, bonuses and unknown payments that the database must not take."""

from decimal import Decimal
from typing import Any

from billing.models import (
    BonusRule,
    Document,
    DocumentCounter,
    DocumentPdf,
    FirstBonus,
    MoneySettings,
    SignUpCredit,
    TopUp,
    UnknownPayment,
    Voucher,
)
from core.clock import database_now
from tests.billing.bad_rows import Shop, refuses
from tests.billing.bad_topups import a_method, a_topup
from tests.billing.bad_vouchers import a_voucher
from tests.billing.cast import ONE

ZERO = Decimal(0)


def a_document(shop: Shop, **columns: Any) -> Document:
    facts = {"kind": "receipt", "series": "R-2026", "ordinal": 1, "amount": ONE, "fee": ZERO, "tax": ZERO}
    facts |= {"language": "en", "html": "<article>", "made_at": database_now(), "customer": shop.alice}
    topup = columns.pop("topup", None) or a_topup(shop)
    return Document.objects.create(**{**facts, "topup": topup, **columns})


@refuses("document_number_once")
def two_receipts_of_one_number(shop: Shop) -> None:
    topup = a_topup(shop)
    a_document(shop, topup=topup)
    a_document(shop, topup=topup)


@refuses("document_sane")
def a_receipt_of_nothing(shop: Shop) -> None:
    a_document(shop, amount=ZERO)


@refuses("document_sane")
def a_receipt_that_is_all_tax(shop: Shop) -> None:
    a_document(shop, tax=ONE)


@refuses("document_of_known_kind")
def a_receipt_of_another_kind(shop: Shop) -> None:
    a_document(shop, kind="invoice")


@refuses("document_is_final")
def reword_a_receipt(shop: Shop) -> None:
    a_document(shop)
    Document.objects.update(html="<article>other")


@refuses("document_is_final")
def replace_the_pdf_of_a_receipt(shop: Shop) -> None:
    DocumentPdf.objects.create(document=a_document(shop), content=b"%PDF-", made_at=database_now())
    DocumentPdf.objects.update(content=b"other")


@refuses("document_numbers_without_gaps")
def leave_out_a_number(shop: Shop) -> None:
    DocumentCounter.objects.create(series="R-2026", last=1)
    DocumentCounter.objects.update(last=3)


@refuses("money_settings_one_row")
def two_rows_of_settings(shop: Shop) -> None:
    MoneySettings.objects.create(id=2)


@refuses("money_settings_sane")
def a_tax_above_half(shop: Shop) -> None:
    MoneySettings.objects.create(tax_percent=Decimal(51))


@refuses("bonus_rule_sane")
def a_bonus_of_more_than_all(shop: Shop) -> None:
    BonusRule.objects.create(percent=Decimal(101))


@refuses("given_once")
def give_a_first_bonus_to_another_topup(shop: Shop) -> None:
    FirstBonus.objects.create(customer=shop.alice, topup=a_topup(shop))
    FirstBonus.objects.update(topup=a_topup(shop))


@refuses("billing_firstbonus_topup_id_key")
def one_topup_as_the_first_of_two_customers(shop: Shop) -> None:
    topup = a_topup(shop)
    FirstBonus.objects.create(customer=shop.alice, topup=topup)
    FirstBonus.objects.create(customer=shop.bob, topup=topup)


def a_signup_credit(**columns: Any) -> SignUpCredit:
    facts = {"person": "p", "network": "192.0.2.0/24", "amount": ONE, "at": database_now()}
    return SignUpCredit.objects.create(**{**facts, **columns})


@refuses("signup_credit_sane")
def a_credit_of_nothing_for_a_new_customer(shop: Shop) -> None:
    a_signup_credit(customer=shop.alice, amount=ZERO)


@refuses("billing_signupcredit_person_key")
def two_credits_for_one_person(shop: Shop) -> None:
    a_signup_credit(customer=shop.alice)
    a_signup_credit(customer=shop.bob, network="198.51.100.0/24")


@refuses("billing_signupcredit_network_key")
def two_credits_for_one_network(shop: Shop) -> None:
    a_signup_credit(customer=shop.alice)
    a_signup_credit(customer=shop.bob, person="q")


@refuses("given_once")
def raise_a_credit_for_a_new_customer(shop: Shop) -> None:
    a_signup_credit(customer=shop.alice)
    SignUpCredit.objects.update(amount=ONE + ONE)


def an_unknown_payment(**columns: Any) -> UnknownPayment:
    facts = {"payment_id": "p1", "amount": ONE, "currency": "USD", "paid_at": database_now(), "seen_at": database_now()}
    return UnknownPayment.objects.create(**{**facts, "method": columns.pop("method", None) or a_method(), **columns})


@refuses("unknown_payment_once")
def one_unknown_payment_twice(shop: Shop) -> None:
    by = a_method()
    an_unknown_payment(method=by)
    an_unknown_payment(method=by)


@refuses("unknown_payment_sane")
def an_unknown_payment_of_nothing(shop: Shop) -> None:
    an_unknown_payment(amount=ZERO)


@refuses("unknown_payment_closed_with_reason")
def close_an_unknown_payment_without_a_reason(shop: Shop) -> None:
    an_unknown_payment(closed_at=database_now(), closed_by="owner")


@refuses("topup_is_fixed")
def raise_the_bonus_for_a_first_topup(shop: Shop) -> None:
    a_topup(shop, bonus=ONE)
    TopUp.objects.update(first_bonus=ONE)


@refuses("topup_amounts_sane")
def write_off_more_than_came_in(shop: Shop) -> None:
    a_topup(shop, written_off=ONE)


@refuses("voucher_is_used_once")
def redeem_a_voucher_that_was_spent(shop: Shop) -> None:
    voucher = a_voucher()
    Voucher.objects.update(spent_at=database_now())
    Voucher.objects.filter(pk=voucher.pk).update(topup=a_topup(shop))
