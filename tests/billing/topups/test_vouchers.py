"""Voucher codes: random, stored as digests, shown once, redeemed once."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import PaymentMethod, TopUp, TopUpState, Voucher, VoucherBatch
from billing.topups import vouchers
from core.clock import database_now
from core.models import StaffAction
from core.refusals import Refusal
from core.staff_actions import shell_actor
from tests.billing.cast import balance, customer
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import broken, method, moved
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_counts() -> None:
    cache.clear()


@pytest.fixture
def by(settings: Any) -> PaymentMethod:
    settings.DEMO = False
    return method("voucher", name="Voucher")


@pytest.fixture
def alice() -> User:
    return customer(has="0")


def made(count: int = 1, amount: str = "25", **given: Any) -> list[str]:
    values = {"name": "Flyers", "is_gift": False, "good_until": None, "actor": shell_actor(), "now": database_now()}
    return vouchers.make_batch(amount=Decimal(amount), count=count, **{**values, **given})[1]


def redeem(who: User | Client, code: str) -> str:
    page = who if isinstance(who, Client) else sign_in_customer(who)
    answer = page.post("/wallet/add/code/", {"code": code}, follow=True)
    return " ".join(answer.content.decode().split())


def test_codes_have_80_random_bits_and_only_digests_are_stored() -> None:
    codes = made(50)
    assert len(set(codes)) == 50
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)
    assert len(set(vouchers.ALPHABET)) == 32
    stored = set(Voucher.objects.values_list("digest", flat=True))
    assert stored == {vouchers.digest_of(code) for code in codes}
    assert not any(code in digest.upper() for code in codes for digest in stored)


def test_a_code_is_credited_with_its_whole_amount_once(by: PaymentMethod, alice: User) -> None:
    [code] = made()
    assert "$25.00 is in your wallet" in redeem(alice, code)
    assert "$25.00 is in your wallet" in redeem(alice, code.lower().replace("-", " "))
    assert balance(alice) == 25
    assert TopUp.objects.get().state == TopUpState.PAID
    assert broken() == []


def test_a_code_that_somebody_else_used_is_as_unknown_as_a_wrong_one(by: PaymentMethod, alice: User) -> None:
    [code] = made()
    redeem(alice, code)
    bob = customer("bob@example.com", has="0")
    assert "That code does not work" in redeem(bob, code)
    assert "That code does not work" in redeem(bob, "0000-0000-0000-0000")
    assert balance(bob) == 0


def test_look_alikes_are_read_as_what_they_stand_for() -> None:
    assert vouchers.plain(" oil0-1l ") == "011011"


def test_a_code_that_was_given_away_is_the_shops_own_money(by: PaymentMethod, alice: User) -> None:
    [code] = made(is_gift=True)
    redeem(alice, code)
    assert moved(TopUp.objects.get()) == {"bonus": 25}
    assert balance(alice) == 25
    assert broken() == []


@pytest.mark.parametrize("end", ["stopped", "past"])
def test_a_batch_that_ended_takes_no_code(by: PaymentMethod, alice: User, end: str) -> None:
    [code] = made(good_until=database_now() + timedelta(days=1))
    batch = VoucherBatch.objects.get()
    if end == "stopped":
        assert vouchers.stop_batch(batch, actor=shell_actor(), reason="", now=database_now())
    else:
        VoucherBatch.objects.update(good_until=database_now() - timedelta(seconds=1))
    assert "That code does not work" in redeem(alice, code)
    assert balance(alice) == 0


def test_after_ten_wrong_codes_a_right_one_has_to_wait(by: PaymentMethod, alice: User) -> None:
    [code] = made()
    page = sign_in_customer(alice)
    for _try in range(10):
        assert "That code does not work" in redeem(page, "WRONG")
    assert "Too many wrong codes" in redeem(page, code)
    assert balance(alice) == 0


def test_right_codes_are_not_counted(by: PaymentMethod, alice: User) -> None:
    page = sign_in_customer(alice)
    for code in made(12, "1"):
        redeem(page, code)
    assert balance(alice) == 12


def test_one_code_in_16_tabs_is_credited_once(by: PaymentMethod, alice: User) -> None:
    [code] = made()
    page = sign_in_customer(alice)
    tabs = [Client() for _tab in range(8)]
    for tab in tabs:
        tab.cookies = page.cookies

    all_at_once(lambda n: tabs[n].post("/wallet/add/code/", {"code": code}).status_code, 8)
    assert balance(alice) == 25
    assert TopUp.objects.count() == 1
    assert broken() == []


def test_without_a_method_no_code_is_taken(alice: User) -> None:
    [code] = made()
    assert "takes no codes" in redeem(alice, code)


@pytest.mark.parametrize(
    "wrong", [{"amount": "0"}, {"count": 0}, {"count": 1_001}, {"name": " "}, {"amount": "0.000001"}]
)
def test_a_batch_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        made(**wrong)


def test_the_file_with_the_codes_is_given_once(by: PaymentMethod, alice: User) -> None:
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    path = reverse("admin:billing_voucherbatch_add")
    assert boss.get(path).status_code == 200
    made_page = boss.post(path, {"name": "Flyers", "amount": "5", "count": "3", "is_gift": ""})
    batch = VoucherBatch.objects.get()
    assert made_page.headers["Location"] == reverse("admin:billing_voucherbatch_change", args=[batch.pk])
    file = reverse("admin:billing_voucherbatch_codes", args=[batch.pk])
    assert boss.get(file).status_code == 405
    answer = boss.post(file)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["amount"] for row in rows] == ["5.00000"] * 3
    redeem(alice, rows[0]["code"])
    assert balance(alice) == 5
    assert boss.post(file).status_code == 302
    page = boss.get(reverse("admin:billing_voucherbatch_change", args=[batch.pk])).content.decode()
    assert rows[1]["code"] not in page
    assert StaffAction.objects.filter(action="voucher.make").count() == 1


def test_only_staff_with_the_right_make_codes() -> None:
    weak = sign_in_staff(User.objects.create_user("weak@example.com", is_staff=True))
    answer = weak.post(reverse("admin:billing_voucherbatch_add"), {"name": "x", "amount": "5", "count": "1"})
    assert answer.status_code == 403
    assert VoucherBatch.objects.count() == 0
