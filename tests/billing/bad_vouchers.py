"""Rows of vouchers and reviews that the database must not take."""

from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import StoredFile, TransferReview, Voucher, VoucherBatch
from core.clock import database_now
from tests.billing.bad_rows import Shop, refuses
from tests.billing.bad_topups import a_method, a_topup
from tests.billing.cast import ONE


def a_batch(**columns: Any) -> VoucherBatch:
    facts = {"name": "Flyers", "amount": ONE, "count": 1, "made_by": "owner", "created_at": database_now()}
    return VoucherBatch.objects.create(**{**facts, **columns})


def a_voucher(**columns: Any) -> Voucher:
    return Voucher.objects.create(**{"batch": a_batch(), "digest": "a" * 64, **columns})


def a_review(shop: Shop, **columns: Any) -> TransferReview:
    facts = {"actor": "staff:1", "actor_name": "dana", "is_approved": True, "amount": ONE, "at": database_now()}
    topup = columns.pop("topup", None) or a_topup(shop)
    return TransferReview.objects.create(**{**facts, "topup": topup, **columns})


@refuses("voucher_batch_sane")
def vouchers_of_nothing(shop: Shop) -> None:
    a_batch(amount=Decimal(0))


@refuses("billing_voucher_digest_key")
def one_code_twice(shop: Shop) -> None:
    a_voucher()
    a_voucher()


@refuses("billing_voucher_topup_id_key")
def two_codes_for_one_topup(shop: Shop) -> None:
    topup = a_topup(shop)
    a_voucher(topup=topup)
    a_voucher(topup=topup, digest="b" * 64)


@refuses("voucher_is_used_once")
def redeem_a_code_again(shop: Shop) -> None:
    by = a_method()
    a_voucher(topup=a_topup(shop, method=by))
    Voucher.objects.update(topup=a_topup(shop, method=by))


@refuses("voucher_is_used_once")
def make_a_used_code_new(shop: Shop) -> None:
    a_voucher(topup=a_topup(shop))
    Voucher.objects.update(topup=None)


@refuses("voucher_is_used_once")
def delete_a_code(shop: Shop) -> None:
    a_voucher()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_voucher")


@refuses("transfer_review_once_each")
def approve_twice(shop: Shop) -> None:
    topup = a_topup(shop)
    a_review(shop, topup=topup)
    a_review(shop, topup=topup)


@refuses("transfer_review_says_what")
def approve_nothing(shop: Shop) -> None:
    a_review(shop, amount=None)


@refuses("transfer_review_says_what")
def reject_without_a_reason(shop: Shop) -> None:
    a_review(shop, is_approved=False, amount=None)


@refuses("transfer_review_is_final")
def change_a_review(shop: Shop) -> None:
    a_review(shop)
    TransferReview.objects.update(amount=ONE + ONE)


def a_file(shop: Shop, **columns: Any) -> StoredFile:
    facts = {"digest": "a" * 64, "kind": "image/jpeg", "content": b"x", "created_at": database_now()}
    return StoredFile.objects.create(**{**facts, "owner": shop.alice, **columns})


@refuses("billing_storedfile_digest_key")
def one_file_twice(shop: Shop) -> None:
    a_file(shop)
    a_file(shop)


@refuses("stored_file_of_known_kind")
def a_page_as_a_file(shop: Shop) -> None:
    a_file(shop, kind="text/html")
