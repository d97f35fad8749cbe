"""Rows of orders, attempts and refills that the database must not take."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection

from orders.models import Order, OrderEvent, ProviderExchange
from orders.states import Forward, Outcome, RefillState
from tests.billing import cast
from tests.billing.bad_rows import Shop, refuses
from tests.billing.cast import ONE, money


@refuses("order_once_per_nonce")
def one_nonce_twice(shop: Shop) -> None:
    for _ in range(2):
        cast.order_row(shop.alice, shop.service, nonce="n1")


@refuses("order_one_per_upstream_id")
def two_orders_of_one_upstream_id(shop: Shop) -> None:
    for row in (shop.order, cast.order(shop.alice, shop.service)):
        cast.move(row, Forward.CLAIMED, Forward.SENDING, Forward.PLACED, upstream_id="9001")


@refuses("order_charge_positive")
def an_order_for_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, charge="0")


@refuses("order_charge_positive")
def an_order_for_more_than_there_is(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, charge="1e12", expected_cost=ONE, expected_charge=ONE)


@refuses("order_never_below_cost")
def a_sale_below_cost(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, expected_cost=money("1.00001"))


@refuses("order_never_below_cost")
def a_cost_below_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, expected_cost=money("-0.00001"))


@refuses("order_figures_sane")
def a_charge_of_the_provider_that_is_no_number(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET provider_charge = 'NaN'")


@refuses("order_figures_sane")
def a_price_of_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, price=money("0"))


@refuses("forward_attempt_cost_sane")
def an_attempt_that_costs_less_than_nothing(shop: Shop) -> None:
    cast.attempt(shop.order, expected_cost=money("-0.00001"))


@refuses("order_refunded_within_charge")
def more_refunded_than_paid(shop: Shop) -> None:
    Order.objects.update(refunded=money("1.00001"))


@refuses("order_refunded_within_charge")
def less_than_nothing_refunded(shop: Shop) -> None:
    Order.objects.update(refunded=money("-0.00001"))


@refuses("order_quantity_sane")
def an_order_of_nothing(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, quantity=0)


@refuses("order_quantity_sane")
def a_total_below_one_run(shop: Shop) -> None:
    cast.order_row(shop.alice, shop.service, quantity=1000, total=999)


@refuses("order_missing_by_hand_within_total")
def more_said_to_be_missing_than_was_bought(shop: Shop) -> None:
    Order.objects.update(missing_by_hand=shop.order.total + 1)


@refuses("order_missing_by_hand_within_total")
def less_than_nothing_said_to_be_missing(shop: Shop) -> None:
    Order.objects.update(missing_by_hand=-1)


@refuses("order_placed_has_upstream_id")
def placed_without_an_id(shop: Shop) -> None:
    cast.move(shop.order, Forward.CLAIMED, Forward.SENDING, Forward.PLACED)


@refuses("order_placed_has_upstream_id")
def an_id_without_being_placed(shop: Shop) -> None:
    Order.objects.update(upstream_id="9001")


@refuses("order_forward_moves")
def from_queued_straight_to_placed(shop: Shop) -> None:
    cast.move(shop.order, Forward.PLACED, upstream_id="9001")


@refuses("order_forward_moves")
def queue_what_was_placed(shop: Shop) -> None:
    cast.placed(shop.order)
    Order.objects.update(forward_state=Forward.QUEUED, upstream_id=None)


@refuses("order_forward_moves")
def send_what_was_refunded(shop: Shop) -> None:
    cast.move(shop.order, Forward.REFUNDED, Forward.QUEUED)


@refuses("order_terms_are_final")
def raise_a_charge(shop: Shop) -> None:
    Order.objects.update(charge=money("2"))


@refuses("order_terms_are_final")
def send_it_somewhere_else(shop: Shop) -> None:
    Order.objects.update(link="https://example.com/other")


@refuses("order_terms_are_final")
def change_more_than_the_link(shop: Shop) -> None:
    Order.objects.update(fields={**shop.order.fields, "quantity": "5"})


@refuses("order_link_is_final_once_sent")
def send_what_is_claimed_somewhere_else(shop: Shop) -> None:
    cast.move(shop.order, Forward.CLAIMED)
    Order.objects.update(link="https://example.com/b", fields={**shop.order.fields, "link": "https://example.com/b"})


@refuses("order_upstream_id_is_final")
def exchange_an_upstream_id(shop: Shop) -> None:
    cast.placed(shop.order)
    Order.objects.update(upstream_id="9002")


@refuses("order_is_kept")
def delete_an_order(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_order")


@refuses("append_only")
def reword_the_timeline(shop: Shop) -> None:
    OrderEvent.objects.update(actor="nobody")


@refuses("append_only")
def forget_an_event(shop: Shop) -> None:
    OrderEvent.objects.all().delete()


@refuses("append_only")
def rewrite_an_exchange(shop: Shop) -> None:
    ProviderExchange.objects.create(provider=shop.order.provider, action="add", transcript={"a": 1})
    ProviderExchange.objects.update(transcript={})


@refuses("exchange_about_one_thing")
def an_exchange_about_two_things(shop: Shop) -> None:
    ProviderExchange.objects.create(
        provider=shop.order.provider, action="add", transcript={}, forward_attempt=cast.attempt(shop.order),
        refill_attempt=cast.refill_attempt(cast.refill(shop.order)),
    )  # fmt: skip


@refuses("refill_one_open_per_order")
def two_open_refills(shop: Shop) -> None:
    cast.refill(shop.order, state=RefillState.REQUESTED)
    cast.refill(shop.order)


# --- Attempts: orders and refills alike -------------------------------------------------------------------------------
def both_kinds(names: str, make: Callable[[Shop, Callable[..., Any]], Any]) -> None:
    """The same bad attempt to send an order and to ask for a refill; ``names`` has a {} where they are told apart."""
    for kind in ("forward", "refill"):
        refuses(names.format(kind))(lambda shop, kind=kind: make(shop, shop.attempts_of(kind)))


def _end(make: Callable[..., Any], *outcomes: Outcome, **columns: Any) -> None:
    cast.end(make(), *outcomes, **columns)


def _two_live(shop: Shop, make: Callable[..., Any]) -> None:
    make(1)
    make(2)


def _doubtful_and_again(shop: Shop, make: Callable[..., Any]) -> None:
    _end(make, Outcome.SENDING, Outcome.IN_DOUBT)
    make(2)


def _same_try_twice(shop: Shop, make: Callable[..., Any]) -> None:
    _end(make, Outcome.RELEASED)
    make(1)


def _delete(shop: Shop, make: Callable[..., Any]) -> None:
    table = make()._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")


def _steal(shop: Shop, make: Callable[..., Any]) -> None:
    row = make()
    type(row).objects.filter(pk=row.pk).update(token=uuid.uuid4())


UNPROVEN = (Outcome.SENDING, Outcome.IN_DOUBT, Outcome.NOT_PLACED)
for _owner in ("one_live_per_order", "one_live_per_refill"):
    _kind = "forward" if _owner.endswith("order") else "refill"
    for _story in (_two_live, _doubtful_and_again):
        refuses(f"{_kind}_attempt_{_owner}")(lambda shop, k=_kind, s=_story: s(shop, shop.attempts_of(k)))
both_kinds("{}_attempt_n_once", _same_try_twice)
both_kinds("{}_attempt_placed_has_id", lambda shop, make: _end(make, Outcome.SENDING, Outcome.PLACED))
both_kinds("{}_attempt_placed_has_id", lambda shop, make: _end(make, Outcome.SENDING, upstream_id="1"))
both_kinds("{}_attempt_id_not_empty", lambda shop, make: _end(make, Outcome.SENDING, Outcome.PLACED, upstream_id=""))
both_kinds("{}_attempt_not_sent_is_proven", lambda shop, make: _end(make, Outcome.SENDING, Outcome.NOT_SENT))
both_kinds(
    "{}_attempt_not_sent_is_proven", lambda shop, make: _end(make, Outcome.SENDING, Outcome.NOT_SENT, send_calls=1)
)
both_kinds("{}_attempt_not_placed_is_proven", lambda shop, make: _end(make, *UNPROVEN))
both_kinds("{}_attempt_not_placed_is_proven", lambda shop, make: _end(make, *UNPROVEN, evidence={"balance": "same"}))
both_kinds("attempt_outcome_moves", lambda shop, make: _end(make, Outcome.PLACED, upstream_id="1"))
both_kinds("attempt_outcome_moves", lambda shop, make: _end(make, Outcome.SENDING, Outcome.RELEASED))
both_kinds("attempt_claim_is_final", _steal)
both_kinds("attempt_is_kept", _delete)


@refuses("attempt_begins_claimed")
def begin_by_sending(shop: Shop) -> None:
    cast.attempt(shop.order, outcome=Outcome.SENDING)


@refuses("attempt_needs_queued_order")
def send_a_refunded_order(shop: Shop) -> None:
    cast.move(shop.order, Forward.REFUNDED)
    cast.attempt(shop.order)


@refuses("attempt_needs_queued_order")
def send_an_order_in_doubt(shop: Shop) -> None:
    cast.doubted(shop.order)
    cast.attempt(shop.order, 2)


@refuses("forward_attempt_one_order_per_upstream_id")
def two_attempts_of_one_upstream_id(shop: Shop) -> None:
    for row in (shop.order, cast.order(shop.alice, shop.service)):
        tried = cast.attempt(row)
        cast.end(tried, Outcome.SENDING, Outcome.PLACED, upstream_id="9001")
