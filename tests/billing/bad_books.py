"""Rows of a provider's account, and of the shop's own state, that the database must not take."""

from decimal import Decimal
from typing import Any

from django.db import connection

from core.clock import database_now
from orders.models import (
    AuditState,
    BreakKind,
    BreakState,
    EntryKind,
    ProviderEntry,
    ReconciliationBreak,
    ReconciliationSchedule,
    ShopState,
)
from tests.billing.bad_rows import Shop, refuses


def entry(shop: Shop, key: str, **columns: Any) -> ProviderEntry:
    known = {"kind": EntryKind.DEPOSIT, "amount": Decimal(5), "currency": "USD", **columns}
    return ProviderEntry.objects.create(provider=shop.order.provider, key=key, **known)


def difference(shop: Shop, **columns: Any) -> ReconciliationBreak:
    now = database_now()
    known = {"kind": BreakKind.BALANCE, "currency": "USD", "first_seen": now, "last_seen": now, **columns}
    return ReconciliationBreak.objects.create(provider=shop.order.provider, **known)


@refuses("provider_entry_one_opening")
def an_account_opened_twice(shop: Shop) -> None:
    entry(shop, "one", kind=EntryKind.OPENING)
    entry(shop, "two", kind=EntryKind.OPENING)


@refuses("orders_providerentry_key_key")
def one_entry_written_twice(shop: Shop) -> None:
    entry(shop, "one")
    entry(shop, "one")


@refuses("orders_reconciliationschedule_provider_id_key")
def a_second_schedule_for_one_provider(shop: Shop) -> None:
    for _time in range(2):
        ReconciliationSchedule.objects.create(provider=shop.order.provider, next_at=database_now())


@refuses("provider_entry_sane")
def an_entry_that_is_no_number(shop: Shop) -> None:
    with connection.cursor() as cursor:  # Django would refuse it first.
        cursor.execute(
            "INSERT INTO orders_providerentry (provider_id, kind, amount, currency, key, reference, memo, actor) "
            "VALUES (%s, 'correction', 'NaN', 'USD', 'nan', '', '', '')",
            [shop.order.provider_id],
        )


@refuses("provider_entry_deposit_positive")
def a_deposit_of_nothing(shop: Shop) -> None:
    entry(shop, "nothing", amount=Decimal(0))


@refuses("break_one_open_per_cause")
def one_difference_as_two_rows(shop: Shop) -> None:
    difference(shop)
    difference(shop)


@refuses("break_closed_has_time")
def a_difference_closed_at_no_time(shop: Shop) -> None:
    difference(shop, state=BreakState.CLOSED)


@refuses("break_unknown_order_has_id")
def an_unknown_order_without_its_number(shop: Shop) -> None:
    difference(shop, kind=BreakKind.UNKNOWN_ORDER)


@refuses("break_is_kept")
def a_forgotten_difference(shop: Shop) -> None:
    difference(shop).delete()


@refuses("break_is_closed")
def a_closed_difference_opened_again(shop: Shop) -> None:
    row = difference(shop, state=BreakState.CLOSED, closed_at=database_now())
    ReconciliationBreak.objects.filter(pk=row.pk).update(state=BreakState.OPEN, closed_at=None)


@refuses("break_cause_is_final")
def a_difference_about_something_else(shop: Shop) -> None:
    ReconciliationBreak.objects.filter(pk=difference(shop).pk).update(kind=BreakKind.MARGIN)


@refuses("shop_state_is_one_row")
def a_second_state_of_the_shop(shop: Shop) -> None:
    ShopState.objects.create(pk=2, home="elsewhere")


@refuses("audit_state_is_one_row")
def a_second_state_of_the_audit(shop: Shop) -> None:
    AuditState.objects.create(pk=2, next_at=database_now())
