"""What the provider charged for each order against what it should: a difference is a row, a loss one more."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from accounts.models import User
from core.clock import database_now
from notices.alerts import close_alerts
from notices.models import Alert
from orders.books import breaks, order_costs
from orders.books.figures import figures_of
from orders.following import order_answers
from orders.models import BreakKind, BreakState, Order, ReconciliationBreak
from orders.states import Progress
from tests.orders.cast import Shop
from tests.orders.reconciling import audit, ends, looks, one_break, reported
from tests.roles import unguarded
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_canceled_order_that_is_still_charged_is_owed_to_us(shop: Shop, alice: User) -> None:
    looks(shop)
    order = ends(shop, alice, "canceled_charge_full")
    assert order.progress == Progress.CANCELED
    looks(shop)
    row = one_break(BreakKind.OWED)
    assert (row.order, row.amount, row.currency) == (order, Decimal("0.9"), "USD")
    assert Alert.objects.filter(cause=breaks.cause_of(row), closed_at=None).exists()
    assert not ReconciliationBreak.objects.filter(kind=BreakKind.BALANCE).exists(), "the charge is in both books"
    # The provider gives it back after all.
    Order.objects.filter(pk=order.pk).update(provider_charge=0)
    looks(shop, 1)
    row.refresh_from_db()
    assert row.state == BreakState.CLOSED


def test_a_charge_above_the_price_is_a_break_and_a_loss_one_more(shop: Shop, alice: User) -> None:
    looks(shop)
    shop.simulator.control(rates={"1": "1.00"})
    dearer = ends(shop, alice, "completed")
    shop.simulator.control(rates={"1": "2.00"})
    at_a_loss = ends(shop, alice, "completed")
    looks(shop)
    assert one_break(BreakKind.CHARGE, order=dearer).amount == Decimal("0.1")
    assert one_break(BreakKind.CHARGE, order=at_a_loss).amount == Decimal("1.1")
    loss = one_break(BreakKind.MARGIN)
    assert (loss.order, loss.amount, loss.currency) == (at_a_loss, at_a_loss.charge - 2, "USD")
    assert loss.facts == {"expected": "0.9", "charge": "2", "net": "1.17000", "cost": "2.00000"}
    assert Alert.objects.filter(cause=breaks.cause_of(loss), severity="money").exists()
    assert audit() == set()


def test_differences_that_stay_are_seen_again_in_as_many_statements_however_many(
    shop: Shop, alice: User, django_assert_num_queries: Any
) -> None:
    shop.simulator.control(rates={"1": "2.00"})
    ends(shop, alice, "completed")
    look = partial(order_costs.check_orders, shop.provider, shop_currency="USD")
    assert look(now=database_now()) == 2
    before = database_now()
    with django_assert_num_queries(4):
        assert look(now=before) == 2
    for _ in range(3):
        ends(shop, alice, "completed")
    assert look(now=before) == 8
    later = database_now()
    with django_assert_num_queries(4):
        assert look(now=later) == 8
    assert set(ReconciliationBreak.objects.values_list("last_seen", flat=True)) == {later}
    alerts = Alert.objects.filter(cause__contains=":margin:")
    assert sorted(alerts.values_list("times", flat=True)) == [2, 2, 2, 4]
    # One that somebody closed while the difference stays is opened again; one that was explained stays quiet.
    loss, explained = ReconciliationBreak.objects.filter(kind=BreakKind.MARGIN).order_by("pk")[:2]
    close_alerts([breaks.cause_of(loss)], now=later)
    breaks.decide(break_id=explained.pk, state=BreakState.EXPLAINED, note="known", actor="owner", now=later)
    assert look(now=later) == 8
    assert alerts.filter(cause=breaks.cause_of(loss), closed_at=None).exists()
    assert not alerts.filter(cause=breaks.cause_of(explained), closed_at=None).exists()


def test_the_audit_finds_a_charge_that_has_no_row(shop: Shop, alice: User) -> None:
    order = ends(shop, alice, "completed")
    looks(shop)
    Order.objects.update(provider_charge=2, answered_at=database_now() - timedelta(days=1))
    assert audit() == {"order_costs_have_their_row"}
    order_costs.check_orders(shop.provider, shop_currency="USD", now=database_now())
    assert ReconciliationBreak.objects.filter(order=order).count() == 2
    assert audit() == set()


def test_a_partial_that_pays_back_more_than_the_provider_is_a_loss(shop: Shop, alice: User) -> None:
    order = ends(shop, alice, "partial:500")
    Order.objects.filter(pk=order.pk).update(provider_charge=order.expected_charge)
    assert order_costs.check_orders(shop.provider, shop_currency="USD", now=database_now()) == 1
    assert one_break(BreakKind.MARGIN).amount == Decimal("0.585") - Decimal("0.9")


def test_a_charge_in_another_currency_is_never_computed_with(shop: Shop, alice: User) -> None:
    order = ends(shop, alice, "completed")
    Order.objects.filter(pk=order.pk).update(answered_currency="EUR", provider_charge=Decimal(90))
    assert order_costs.check_orders(shop.provider, shop_currency="USD", now=database_now()) == 0
    assert figures_of(shop.provider.pk).charges == 0
    shop.simulator.control(balance=reported(shop) - 1)
    looks(shop)
    shop.simulator.control(balance=reported(shop) - 1)
    looks(shop)
    assert one_break(BreakKind.BALANCE).suspects[0]["why"] == "currency"


def test_a_charge_beyond_all_sense_is_a_row_and_keeps_no_other_from_its_own(shop: Shop, alice: User) -> None:
    looks(shop)
    odd, dear = ends(shop, alice, "completed"), ends(shop, alice, "completed")
    with unguarded():  # as at a provider whose currency is worth more than the shop's
        Order.objects.filter(pk=odd.pk).update(expected_cost=odd.expected_charge + Decimal("0.1"))
    Order.objects.filter(pk=odd.pk).update(provider_charge=Decimal("999999999999"))
    Order.objects.filter(pk=dear.pk).update(provider_charge=Decimal(9))
    looks(shop)
    assert one_break(BreakKind.MARGIN, order=odd).amount is None
    assert one_break(BreakKind.MARGIN, order=dear).amount == dear.charge - 9
    assert Alert.objects.filter(cause=breaks.cause_of(one_break(BreakKind.MARGIN, order=odd))).exists()


def test_an_answer_that_a_look_overtook_is_no_damage(shop: Shop, alice: User) -> None:
    order = ends(shop, alice, "completed")
    asked_at = database_now()
    looks(shop)
    dear = OrderStatus(state=ProviderOrderState.COMPLETED, raw_state="Completed", charge=Decimal(2))
    order_answers.apply_answers({order.pk: dear}, provider=shop.provider, asked_at=asked_at, now=database_now())
    assert "order_costs_have_their_row" not in audit()
    looks(shop)
    assert one_break(BreakKind.CHARGE).order == order
