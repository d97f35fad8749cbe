"""Limits of staff, and money moved by hand, that the database must not take."""

from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import MoneyByHand, StaffLimit
from tests.billing.bad_rows import Shop, refuses
from tests.billing.cast import money


@refuses("staff_limit_sane")
def a_negative_limit_of_a_day(shop: Shop) -> None:
    StaffLimit.objects.create(group=Group.objects.create(name="g"), per_day=money("-1"))


@refuses("staff_limit_sane")
def a_negative_limit_of_an_action(shop: Shop) -> None:
    StaffLimit.objects.create(group=Group.objects.create(name="g"), per_action=money("-1"))


@refuses("money_by_hand_sane")
def a_day_on_which_nothing_moved(shop: Shop) -> None:
    MoneyByHand.objects.create(person=shop.alice, day=timezone.localdate(), amount=money("0"))


@refuses("money_by_hand_within_limit")
def more_than_the_limit_of_the_day(shop: Shop) -> None:
    MoneyByHand.objects.create(person=shop.alice, day=timezone.localdate(), amount=money("2"), most=money("1"))


@refuses("money_by_hand_once_a_day")
def a_day_of_a_person_twice(shop: Shop) -> None:
    for _n in range(2):
        MoneyByHand.objects.create(person=shop.alice, day=timezone.localdate(), amount=money("1"))
