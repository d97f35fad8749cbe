"""Rows of held deposits, and orders that would spend them, that the database must not take."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import AccountKind, Code, DepositRule, HeldDeposit
from core.clock import database_now
from tests.billing.bad_rows import Shop, post, refuses, wallet
from tests.billing.bad_topups import a_topup
from tests.billing.cast import ONE, own


def a_held_deposit(shop: Shop, **columns: Any) -> HeldDeposit:
    topup = columns.pop("topup", None) or a_topup(shop)
    facts = {"wallet_id": wallet(shop.alice), "amount": ONE, "until": database_now() + timedelta(hours=1)}
    return HeldDeposit.objects.create(**{**facts, "topup": topup, **columns})


@refuses("deposit_rule_sane")
def hold_for_no_hours(shop: Shop) -> None:
    DepositRule.objects.create(hours=0)


@refuses("deposit_rule_sane")
def hold_for_more_than_a_month(shop: Shop) -> None:
    DepositRule.objects.create(hours=721)


@refuses("deposit_rule_sane")
def hold_for_accounts_of_no_age(shop: Shop) -> None:
    DepositRule.objects.create(hours=1, younger_than_days=0)


@refuses("held_deposit_sane")
def hold_less_than_nothing(shop: Shop) -> None:
    a_held_deposit(shop, amount=-ONE)


@refuses("held_deposit_sane")
def hold_until_before_it_came(shop: Shop) -> None:
    a_held_deposit(shop, until=database_now() - timedelta(seconds=1))


@refuses("billing_helddeposit_topup_id_key")
def hold_one_deposit_twice(shop: Shop) -> None:
    topup = a_topup(shop)
    a_held_deposit(shop, topup=topup)
    a_held_deposit(shop, topup=topup)


@refuses("held_deposit_is_kept")
def delete_a_held_deposit(shop: Shop) -> None:
    held = a_held_deposit(shop)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_helddeposit WHERE id = %s", [held.pk])


@refuses("held_deposit_is_kept")
def hold_it_in_another_wallet(shop: Shop) -> None:
    a_held_deposit(shop)
    HeldDeposit.objects.update(wallet=wallet(shop.bob))


@refuses("held_deposit_is_kept")
def hold_what_was_released(shop: Shop) -> None:
    a_held_deposit(shop, released_at=database_now())
    HeldDeposit.objects.update(released_at=None)


@refuses("held_deposit_is_kept")
def end_a_hold_early(shop: Shop) -> None:
    a_held_deposit(shop)
    HeldDeposit.objects.update(until=database_now() + timedelta(minutes=1))


@refuses("deposit_is_held")
def spend_what_is_held(shop: Shop) -> None:
    a_held_deposit(shop, amount=Decimal(1000))
    post(Code.HOLD, wallet(shop.alice), own(AccountKind.HELD), reference="order:9")


@refuses("topup_is_fixed")
def change_from_where_a_topup_was_started(shop: Shop) -> None:
    topup = a_topup(shop, address="203.0.113.9", device="Firefox")
    topup.device = "Chrome"
    topup.save()
