"""Repeats and test orders that the database must refuse."""

import uuid
from typing import Any

from django.db import connection

from core.clock import database_now
from orders.models import ForwardAttempt, ProviderExchange, RepeatAttempt
from orders.states import Outcome
from tests.billing import cast
from tests.billing.bad_rows import Shop, refuses
from tests.billing.cast import money


def _repeat(shop: Shop, n: int = 1, **columns: Any) -> RepeatAttempt:
    attempt = shop.order.attempts.first() or cast.doubted(shop.order)
    return cast.repeat(attempt, n, **columns)


def _end(repeat: RepeatAttempt, *outcomes: Outcome, **columns: Any) -> None:
    for outcome in outcomes:
        last = columns if outcome is outcomes[-1] else {}
        sent = {"sent_at": database_now()} if outcome is Outcome.SENDING else {}
        RepeatAttempt.objects.filter(pk=repeat.pk).update(outcome=outcome, **sent, **last)


@refuses("repeat_n_once")
def one_repeat_twice(shop: Shop) -> None:
    _end(_repeat(shop), Outcome.RELEASED)
    _repeat(shop)


@refuses("repeat_one_under_way_per_provider")
def two_repeats_at_once(shop: Shop) -> None:
    _repeat(shop)
    _repeat(shop, 2)


@refuses("repeat_placed_has_id")
def a_repeat_that_names_nothing(shop: Shop) -> None:
    _end(_repeat(shop), Outcome.SENDING, Outcome.PLACED)


@refuses("repeat_sent_has_time")
def a_repeat_that_left_at_no_time(shop: Shop) -> None:
    RepeatAttempt.objects.filter(pk=_repeat(shop).pk).update(outcome=Outcome.SENDING)


@refuses("attempt_claim_is_final")
def a_repeat_with_another_token(shop: Shop) -> None:
    RepeatAttempt.objects.filter(pk=_repeat(shop).pk).update(token=uuid.uuid4())


@refuses("attempt_repeated_stays_in_doubt")
def a_repeated_attempt_that_was_refused(shop: Shop) -> None:
    repeat = _repeat(shop)
    _end(repeat, Outcome.SENDING)
    ForwardAttempt.objects.filter(pk=repeat.attempt_id).update(outcome=Outcome.REFUSED)


@refuses("attempt_is_kept")
def a_repeat_that_is_forgotten(shop: Shop) -> None:
    _repeat(shop)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_repeatattempt")


@refuses("orders_repeatattempt_exchange_id_key")
def one_exchange_of_two_repeats(shop: Shop) -> None:
    first = _repeat(shop)
    _end(first, Outcome.RELEASED)
    exchange = _exchange(shop)
    RepeatAttempt.objects.filter(pk=first.pk).update(exchange=exchange)
    _repeat(shop, 2, exchange_id=exchange)


def _exchange(shop: Shop) -> int:
    return ProviderExchange.objects.create(provider=shop.order.provider, action="add", transcript={}).pk


@refuses("orders_requestidtest_request_id_key")
def one_key_for_two_tests(shop: Shop) -> None:
    key = uuid.uuid4()
    cast.request_test(shop.order.provider, request_id=key, state="proven", first_id="1", second_id="1")
    cast.request_test(shop.order.provider, request_id=key)


@refuses("request_id_test_one_open_per_provider")
def two_open_tests(shop: Shop) -> None:
    cast.request_test(shop.order.provider)
    cast.request_test(shop.order.provider)


@refuses("request_id_test_charge_sane")
def a_test_below_nothing(shop: Shop) -> None:
    cast.request_test(shop.order.provider, expected_charge=money("-1"))


@refuses("request_id_test_proven_by_one_id")
def a_proof_by_two_numbers(shop: Shop) -> None:
    cast.request_test(shop.order.provider, state="proven", first_id="1", second_id="2")


@refuses("request_id_test_proven_by_one_id")
def a_proof_without_a_number(shop: Shop) -> None:
    cast.request_test(shop.order.provider, state="proven")


@refuses("append_only")
def a_test_that_is_forgotten(shop: Shop) -> None:
    cast.request_test(shop.order.provider)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_requestidtest")


@refuses("orders_requestidtest_first_exchange_id_key")
def one_exchange_of_two_tests(shop: Shop) -> None:
    exchange = _exchange(shop)
    cast.request_test(shop.order.provider, state="nothing", first_exchange_id=exchange)
    cast.request_test(shop.order.provider, first_exchange_id=exchange)


@refuses("orders_requestidtest_second_exchange_id_key")
def one_second_exchange_of_two_tests(shop: Shop) -> None:
    exchange = _exchange(shop)
    cast.request_test(shop.order.provider, state="nothing", second_exchange_id=exchange)
    cast.request_test(shop.order.provider, second_exchange_id=exchange)
