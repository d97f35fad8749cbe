"""The provider's account against ours: each difference is a row with an age, and none of them moves money."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from billing import audit as money
from billing.audit import check
from billing.models import Transfer
from catalog.models import Provider
from core.clock import database_now
from notices.alerts import close_alert
from notices.models import Alert
from orders import audit as deeds
from orders import hearing, reconciliation
from orders.books import breaks, entries, order_costs, orphans
from orders.books.figures import figures_of
from orders.models import (
    BalanceReading,
    BreakKind,
    BreakState,
    EntryKind,
    ForwardAttempt,
    Order,
    ProviderEntry,
    ReconciliationBreak,
    ReconciliationDesk,
)
from orders.states import Progress
from tests.orders.cast import Shop
from tests.orders.doubts import unguarded
from upstream.messages import OrderStatus
from upstream.states import OrderState

pytestmark = pytest.mark.django_db(transaction=True)


def looks(shop: Shop, times: int = 2) -> BalanceReading:
    """Look so many times, with all the time in the world between two looks."""
    for _time in range(times):
        ReconciliationDesk.objects.update(next_at=database_now())
        assert reconciliation.reconcile_due(now=database_now()) == 1
    reading = BalanceReading.objects.filter(provider=shop.provider).first()
    assert reading is not None
    return reading


def deposits(shop: Shop, amount: str, key: str = "deposit:1") -> bool:
    return entries.enter(
        shop.provider, EntryKind.DEPOSIT, Decimal(amount), key=key, memo="card", actor="owner", now=database_now()
    )


def ends(shop: Shop, alice: User, fate: str, quantity: int = 1000) -> Order:
    """Buy an order, let it run to its end, and hear of it."""
    order = shop.buys(alice, quantity, link=f"https://example.com/p/{Order.objects.count()}?fate={fate}&after=1")
    shop.forwards()
    shop.simulator.control(advance=60)
    shop.follows()
    order.refresh_from_db()
    return order


def one_break(kind: BreakKind, **more: Any) -> ReconciliationBreak:
    return ReconciliationBreak.objects.get(kind=kind, closed_at=None, **more)


def audit() -> set[str]:
    return {f.name for f in check([*money.EQUATIONS, *deeds.EQUATIONS]) if not f.holds}


def reported(shop: Shop) -> Decimal:
    core = shop.simulator.simulator
    assert core is not None
    return core.books.balance


def test_the_first_reading_opens_the_books_and_orders_keep_them_equal(shop: Shop, alice: User) -> None:
    start = reported(shop)
    looks(shop)
    assert ProviderEntry.objects.get().amount == start
    for fate in ("completed", "partial:157", "canceled"):
        ends(shop, alice, fate)
    reading = looks(shop)
    assert reading.is_quiet
    assert reading.amount == reported(shop) == figures_of(shop.provider.pk).ours
    assert reading.charges == Decimal("0.9") + Decimal("0.9") * 843 / 1000
    assert not ReconciliationBreak.objects.exists()
    assert audit() == set()


def test_books_that_open_late_take_earlier_charges_as_given(shop: Shop, alice: User) -> None:
    ends(shop, alice, "completed")
    looks(shop)
    assert ProviderEntry.objects.get().amount == reported(shop) + Decimal("0.9")
    assert not ReconciliationBreak.objects.exists()


def test_money_that_vanished_is_a_break_that_ages_and_alerts_and_closes_by_itself(shop: Shop, alice: User) -> None:
    looks(shop)
    start, moved = reported(shop), Transfer.objects.count()
    shop.simulator.control(balance=start - 5)
    looks(shop)
    row = one_break(BreakKind.BALANCE)
    assert (row.amount, row.currency, row.state, row.order) == (Decimal(-5), "USD", BreakState.OPEN, None)
    assert Alert.objects.filter(cause=breaks.cause_of(row), severity="money", closed_at=None).count() == 1
    assert "provider_books" not in audit()

    looks(shop)
    again = one_break(BreakKind.BALANCE)
    assert (again.pk, again.first_seen) == (row.pk, row.first_seen)
    assert again.last_seen > row.last_seen

    shop.simulator.control(balance=start)
    looks(shop)
    row.refresh_from_db()
    assert (row.state, row.closed_at is not None) == (BreakState.CLOSED, True)
    assert not Alert.objects.filter(cause=breaks.cause_of(row), closed_at=None).exists()
    assert Transfer.objects.count() == moved


def test_a_deposit_nobody_registered_is_a_break_until_it_is(shop: Shop) -> None:
    looks(shop)
    shop.simulator.control(balance=reported(shop) + Decimal("25.5"))
    looks(shop)
    row = one_break(BreakKind.BALANCE)
    assert row.amount == Decimal("25.5")
    assert not Alert.objects.filter(cause=breaks.cause_of(row)).exists(), "too much money costs nothing"
    assert deposits(shop, "25.5")
    assert deposits(shop, "25.5") is False
    with pytest.raises(entries.KeyReused):
        deposits(shop, "26")
    looks(shop)
    assert not ReconciliationBreak.objects.filter(closed_at=None).exists()
    assert audit() == set()


def test_an_order_in_doubt_that_was_charged_is_the_suspect(shop: Shop, alice: User) -> None:
    looks(shop)
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    looks(shop)
    row = one_break(BreakKind.BALANCE)
    assert row.amount == Decimal("-0.9")
    assert row.suspects == [{"order": order.pk, "why": "in_doubt", "expected": "0.9", "charge": None}]


def test_nothing_is_compared_while_orders_are_sent_or_charged(shop: Shop, alice: User) -> None:
    looks(shop)
    shop.simulator.control(balance=reported(shop) - 5)
    for number in range(3):
        shop.buys(alice, link=f"https://example.com/p/{number}?fate=pending")
        shop.forwards()
        assert looks(shop, 1).is_quiet is False
    assert not ReconciliationBreak.objects.exists()
    assert looks(shop, 1).is_quiet


def test_an_unquiet_account_is_looked_at_again_soon_and_a_quiet_one_after_an_hour(shop: Shop) -> None:
    waits = []
    for _time in range(3):
        reading = looks(shop, 1)
        desk = ReconciliationDesk.objects.get()
        waits.append((reading.is_quiet, round((desk.next_at - reading.at) / timedelta(seconds=10)) * 10))
    assert waits == [(False, 60), (True, 3600), (True, 3600)]


def test_a_provider_that_does_not_answer_is_asked_ever_later_and_the_rest_goes_on(shop: Shop) -> None:
    shop.simulator.control(paused=True)
    Provider.objects.update(url="http://127.0.0.1:9/api/v2")
    reconciliation.reconcile_due(now=database_now())
    first = ReconciliationDesk.objects.get()
    assert (BalanceReading.objects.count(), first.tries) == (0, 1)
    ReconciliationDesk.objects.update(next_at=database_now())
    reconciliation.reconcile_due(now=database_now())
    assert ReconciliationDesk.objects.get().tries == 2


def test_a_balance_in_another_currency_is_compared_with_nothing(shop: Shop) -> None:
    shop.simulator.control(currency="EUR")
    ReconciliationDesk.objects.all().delete()
    reconciliation.reconcile_due(now=database_now())
    assert not BalanceReading.objects.exists()
    assert not ProviderEntry.objects.exists()


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
    close_alert(cause=breaks.cause_of(loss), now=later)
    breaks.decide(break_id=explained.pk, state=BreakState.EXPLAINED, note="known", actor="owner", now=later)
    assert look(now=later) == 8
    assert alerts.filter(cause=breaks.cause_of(loss), closed_at=None).exists()
    assert not alerts.filter(cause=breaks.cause_of(explained), closed_at=None).exists()


def test_the_audit_finds_a_charge_that_has_no_row(shop: Shop, alice: User) -> None:
    order = ends(shop, alice, "completed")
    looks(shop)
    Order.objects.update(provider_charge=2, heard_at=database_now() - timedelta(days=1))
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
    Order.objects.filter(pk=order.pk).update(heard_currency="EUR", provider_charge=Decimal(90))
    assert order_costs.check_orders(shop.provider, shop_currency="USD", now=database_now()) == 0
    assert figures_of(shop.provider.pk).charges == 0
    shop.simulator.control(balance=reported(shop) - 1)
    looks(shop)
    shop.simulator.control(balance=reported(shop) - 1)
    looks(shop)
    assert one_break(BreakKind.BALANCE).suspects[0]["why"] == "currency"


def test_an_order_that_nobody_placed_counts_until_it_is_attached(shop: Shop, alice: User) -> None:
    looks(shop)
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    [accepted] = shop.accepted()
    number = str(accepted["order"])
    found = [orphans.Orphan(number, Decimal("0.9"), "pending")]
    assert orphans.note(shop.provider, found, now=database_now()) == 1
    assert orphans.note(shop.provider, found, now=database_now()) == 0
    row = one_break(BreakKind.UNKNOWN_ORDER)
    assert (row.upstream_id, row.amount) == (number, Decimal("0.9"))
    assert Alert.objects.filter(cause=breaks.cause_of(row), severity="money").exists()
    assert figures_of(shop.provider.pk).charges == Decimal("0.9")
    looks(shop)
    assert not ReconciliationBreak.objects.filter(kind=BreakKind.BALANCE).exists()

    breaks.decide(break_id=row.pk, state=BreakState.CLOSED, note="seen", actor="owner", now=database_now())
    assert figures_of(shop.provider.pk).charges == Decimal("0.9"), "closing the row gives no money back"

    orphans.note(shop.provider, found, now=database_now())
    ForwardAttempt.objects.filter(order=order).update(outcome="placed", upstream_id=number)
    looks(shop)
    assert not ReconciliationBreak.objects.filter(closed_at=None).exists()
    assert figures_of(shop.provider.pk).charges == Decimal("0.9"), "counted once, as the attempt's"


def test_an_explained_break_is_quiet_until_it_changes(shop: Shop) -> None:
    looks(shop)
    start = reported(shop)
    shop.simulator.control(balance=start - 5)
    looks(shop)
    row = one_break(BreakKind.BALANCE)
    told = {"break_id": row.pk, "state": BreakState.EXPLAINED, "note": "a fee", "actor": "owner", "now": database_now()}
    with pytest.raises(breaks.NoReason):
        breaks.decide(**{**told, "note": "  "})
    assert breaks.decide(**told) is True
    assert breaks.decide(**told) is False
    looks(shop)
    row.refresh_from_db()
    assert row.state == BreakState.EXPLAINED
    assert not Alert.objects.filter(cause=breaks.cause_of(row), closed_at=None).exists()
    shop.simulator.control(balance=start - 6)
    looks(shop)
    row.refresh_from_db()
    assert (row.state, row.amount) == (BreakState.OPEN, Decimal(-6))
    breaks.decide(**{**told, "state": BreakState.CLOSED})
    with pytest.raises(breaks.AlreadyClosed):
        breaks.decide(**told)
    looks(shop)
    assert one_break(BreakKind.BALANCE).pk != row.pk


@pytest.mark.parametrize("change", [{"amount": 1}, {"memo": "x"}])
def test_entries_and_readings_are_never_changed(shop: Shop, change: dict[str, Any]) -> None:
    looks(shop)
    for rows in (ProviderEntry.objects.all(), BalanceReading.objects.all()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.update(at=database_now())
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        ProviderEntry.objects.update(**change)


def test_a_break_keeps_its_cause_and_stays_closed(shop: Shop) -> None:
    breaks.see(shop.provider, BreakKind.BALANCE, amount=Decimal(1), now=database_now())
    row = one_break(BreakKind.BALANCE)
    for damage in ({"kind": BreakKind.OWED}, {"first_seen": database_now()}, {"upstream_id": "1"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReconciliationBreak.objects.filter(pk=row.pk).update(**damage)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReconciliationBreak.objects.create(
            provider=shop.provider,
            kind=BreakKind.BALANCE,
            currency="USD",
            first_seen=row.first_seen,
            last_seen=row.first_seen,
        )
    breaks.gone(row, now=database_now())
    with pytest.raises(IntegrityError), transaction.atomic():
        ReconciliationBreak.objects.filter(pk=row.pk).update(state=BreakState.OPEN, closed_at=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.delete()


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1e12", "0.0000000000000000001"])
def test_a_deposit_has_to_be_an_amount(shop: Shop, amount: str) -> None:
    with pytest.raises(entries.BadEntry):
        deposits(shop, amount)


def test_the_owner_may_open_the_books_before_the_first_reading(shop: Shop) -> None:
    opening = {"key": "provider:1:opening", "memo": "statement of March", "actor": "owner", "now": database_now()}
    assert entries.enter(shop.provider, EntryKind.OPENING, Decimal(10), **opening)
    with pytest.raises(entries.BadEntry):
        entries.enter(shop.provider, EntryKind.OPENING, Decimal(11), **{**opening, "key": "another"})
    looks(shop)
    assert one_break(BreakKind.BALANCE).amount == reported(shop) - 10


def test_the_audit_finds_a_difference_without_a_row(shop: Shop) -> None:
    looks(shop)
    shop.simulator.control(balance=reported(shop) - 5)
    looks(shop)
    assert audit() == set()
    row = one_break(BreakKind.BALANCE)
    breaks.see(shop.provider, BreakKind.BALANCE, amount=Decimal(-4), now=database_now(), facts=row.facts)
    assert audit() == {"provider_books"}


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
    dear = OrderStatus(state=OrderState.COMPLETED, raw_state="Completed", charge=Decimal(2))
    hearing.apply({order.pk: dear}, provider=shop.provider, asked_at=asked_at, now=database_now())
    assert "order_costs_have_their_row" not in audit()
    looks(shop)
    assert one_break(BreakKind.CHARGE).order == order
