"""Counted money that the database must not take."""

from django.utils import timezone

from orders.models import CustomerMoneyDay, MoneyDay, MoneyState
from tests.billing.bad_rows import Shop, refuses

_NOTHING = {"orders": 0, "ended": 0, "earned": 0, "refunded": 0, "late_refunds": 0, "cost": 0}


@refuses("money_day_once")
def a_day_of_a_service_twice(shop: Shop) -> None:
    for _n in range(2):
        MoneyDay.objects.create(
            day=timezone.localdate(), service=shop.service, provider=shop.order.provider, **_NOTHING
        )


@refuses("customer_money_day_once")
def a_day_of_a_customer_twice(shop: Shop) -> None:
    for _n in range(2):
        CustomerMoneyDay.objects.create(day=timezone.localdate(), customer=shop.alice, **_NOTHING)


@refuses("money_state_one_row")
def a_second_state_of_counted_money(shop: Shop) -> None:
    MoneyState.objects.create(id=2, time_zone="UTC")
