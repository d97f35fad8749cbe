"""Rows of top-ups that the database must not take."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import connection

from billing.models import (
    DemoPayment,
    GatewayEvent,
    PaymentMethod,
    PaymentRefund,
    TopUp,
    TopUpEvent,
    TopUpPayment,
)
from core.clock import database_now
from tests.billing.bad_rows import Shop, refuses
from tests.billing.cast import ONE


def a_method(**columns: Any) -> PaymentMethod:
    return PaymentMethod.objects.create(**{"gateway": "demo", "name": "Demo", "currency": "USD", **columns})


def a_topup(shop: Shop, **columns: Any) -> TopUp:
    now = database_now()
    by = columns.pop("method", None) or a_method()
    facts = {"nonce": uuid4().hex, "is_live": False, "credit_amount": ONE, "pay_amount": ONE, "pay_currency": "USD"}
    facts |= {"expires_at": now + timedelta(hours=1), "watch_until": now + timedelta(days=1)}
    return TopUp.objects.create(**{**facts, "customer": shop.alice, "method": by, **columns})


def a_payment(shop: Shop, **columns: Any) -> TopUpPayment:
    topup = columns.pop("topup", None) or a_topup(shop)
    facts = {"payment_id": "p1", "amount": ONE, "currency": "USD", "seen_at": database_now(), "method": topup.method}
    return TopUpPayment.objects.create(**{**facts, "topup": topup, **columns})


@refuses("payment_method_sane")
def a_largest_below_the_smallest(shop: Shop) -> None:
    a_method(least=Decimal(10), most=Decimal(5))


@refuses("payment_method_sane")
def a_rate_of_nothing(shop: Shop) -> None:
    a_method(exchange_rate=Decimal(0))


@refuses("payment_method_sane")
def a_fee_above_half(shop: Shop) -> None:
    a_method(fee_percent=Decimal(51))


@refuses("billing_paymentmethod_token_key")
def two_methods_at_one_address(shop: Shop) -> None:
    a_method(token="same")
    a_method(token="same")


@refuses("topup_amounts_sane")
def a_topup_of_nothing(shop: Shop) -> None:
    a_topup(shop, credit_amount=Decimal(0))


@refuses("topup_amounts_sane")
def a_topup_of_not_a_number(shop: Shop) -> None:
    topup = a_topup(shop)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_topup SET received = 'NaN' WHERE id = %s", [topup.pk])


@refuses("topup_never_over_credited")
def credit_more_than_was_asked_for(shop: Shop) -> None:
    a_topup(shop, credited=ONE + ONE)


@refuses("topup_never_over_credited")
def take_back_more_than_was_credited(shop: Shop) -> None:
    a_topup(shop, credited=ONE, taken=ONE + ONE)


@refuses("billing_topup_reference_key")
def two_topups_of_one_reference(shop: Shop) -> None:
    a_topup(shop, reference="a" * 32)
    a_topup(shop, reference="a" * 32)


@refuses("billing_topup_nonce_key")
def two_topups_of_one_form(shop: Shop) -> None:
    a_topup(shop, nonce="a" * 32)
    a_topup(shop, nonce="a" * 32)


@refuses("topup_remote_id_once")
def two_topups_of_one_payment_page(shop: Shop) -> None:
    by = a_method()
    a_topup(shop, method=by, remote_id="cs_1")
    a_topup(shop, method=by, remote_id="cs_1")


@refuses("topup_is_fixed")
def raise_what_a_topup_credits(shop: Shop) -> None:
    a_topup(shop)
    TopUp.objects.update(credit_amount=ONE + ONE)


@refuses("topup_is_fixed")
def lower_what_a_topup_asks_for(shop: Shop) -> None:
    a_topup(shop)
    TopUp.objects.update(pay_amount=ONE / 2)


@refuses("topup_is_fixed")
def hand_a_topup_over(shop: Shop) -> None:
    a_topup(shop)
    TopUp.objects.update(customer=shop.bob)


@refuses("topup_is_fixed")
def point_a_topup_at_another_payment(shop: Shop) -> None:
    a_topup(shop, remote_id="cs_1")
    TopUp.objects.update(remote_id="cs_2")


@refuses("topup_is_fixed")
def delete_a_topup(shop: Shop) -> None:
    a_topup(shop).delete()


@refuses("topup_payment_once")
def one_payment_for_two_topups(shop: Shop) -> None:
    by = a_method()
    a_payment(shop, topup=a_topup(shop, method=by))
    a_payment(shop, topup=a_topup(shop, method=by))


@refuses("topup_payment_sane")
def a_payment_of_nothing(shop: Shop) -> None:
    a_payment(shop, amount=Decimal(0))


@refuses("topup_payment_sane")
def refund_more_than_was_paid(shop: Shop) -> None:
    a_payment(shop, refunded=ONE + ONE)


@refuses("topup_payment_is_kept")
def move_a_payment_to_another_topup(shop: Shop) -> None:
    a_payment(shop)
    TopUpPayment.objects.update(topup=a_topup(shop))


@refuses("topup_payment_is_kept")
def delete_a_payment(shop: Shop) -> None:
    a_payment(shop).delete()


@refuses("gateway_event_once")
def one_event_twice(shop: Shop) -> None:
    by = a_method()
    for _twice in range(2):
        GatewayEvent.objects.create(method=by, event_id="evt_1", body=b"", received_at=database_now())


@refuses("topup_history_is_final")
def reword_the_history_of_a_topup(shop: Shop) -> None:
    TopUpEvent.objects.create(topup=a_topup(shop), at=database_now(), new="paid", cause="test")
    TopUpEvent.objects.update(cause="nobody")


@refuses("billing_demopayment_remote_id_key")
def one_payment_of_the_demo_twice(shop: Shop) -> None:
    for _twice in range(2):
        DemoPayment.objects.create(remote_id="demo-1", asked=ONE, currency="USD")


def a_refund(shop: Shop, **columns: Any) -> PaymentRefund:
    now = database_now()
    facts = {"amount": ONE, "key": "k", "actor": "owner", "reason": "asked", "created_at": now, "next_at": now}
    payment = columns.pop("payment", None) or a_payment(shop)
    return PaymentRefund.objects.create(**{**facts, "payment": payment, **columns})


@refuses("topup_payment_sane")
def ask_back_more_than_was_paid(shop: Shop) -> None:
    a_payment(shop, refund_asked=ONE + ONE)


@refuses("payment_refund_sane")
def a_refund_of_nothing(shop: Shop) -> None:
    a_refund(shop, amount=Decimal(0))


@refuses("payment_refund_is_due_or_over")
def a_refund_that_waits_for_ever(shop: Shop) -> None:
    a_refund(shop, next_at=None)


@refuses("payment_refund_is_due_or_over")
def a_refund_that_is_sent_again(shop: Shop) -> None:
    a_refund(shop, state="done")


@refuses("billing_paymentrefund_key_key")
def two_refunds_of_one_key(shop: Shop) -> None:
    payment = a_payment(shop)
    a_refund(shop, payment=payment)
    a_refund(shop, payment=payment)
