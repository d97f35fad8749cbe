"""The provider's account against ours: each difference is a row with an age, and none of them moves money."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from billing.models import Transfer
from catalog.models import Provider
from core.clock import database_now
from core.refusals import NoReason
from notices.models import Alert
from orders.books import breaks, entries, orphans, reconciliation
from orders.books.figures import figures_of
from orders.models import (
    BalanceReading,
    BreakKind,
    BreakState,
    EntryKind,
    ForwardAttempt,
    ProviderEntry,
    ReconciliationBreak,
    ReconciliationSchedule,
)
from storefront.embedded.postgres import OWNER_ROLE
from tests.orders.cast import Shop
from tests.orders.reconciling import audit, deposits, ends, looks, one_break, reported
from tests.roles import as_role

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize("shown", ["null", "zero", "absent"])
def test_charges_that_are_named_late_keep_the_books_equal(shop: Shop, alice: User, shown: str) -> None:
    """The account pays at once; until the charge is known, the expected one counts, and none once it is canceled."""
    looks(shop)
    shop.simulator.control(late_charges={"share": 1, "shown": shown, "after": None})
    for fate in ("stuck", "completed", "canceled"):
        ends(shop, alice, fate)
        reading = looks(shop)
        assert reading.amount == reported(shop) == figures_of(shop.provider.pk).ours
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
    with pytest.raises(entries.EntryKeyReused):
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
        schedule = ReconciliationSchedule.objects.get()
        waits.append((reading.is_quiet, round((schedule.next_at - reading.at) / timedelta(seconds=10)) * 10))
    assert waits == [(False, 60), (True, 3600), (True, 3600)]


def test_a_provider_that_does_not_answer_is_asked_ever_later_and_the_rest_goes_on(shop: Shop) -> None:
    shop.simulator.control(paused=True)
    Provider.objects.update(url="http://127.0.0.1:9/api/v2")
    reconciliation.reconcile_due(now=database_now())
    first = ReconciliationSchedule.objects.get()
    assert (BalanceReading.objects.count(), first.tries) == (0, 1)
    ReconciliationSchedule.objects.update(next_at=database_now())
    reconciliation.reconcile_due(now=database_now())
    assert ReconciliationSchedule.objects.get().tries == 2


def test_a_balance_in_another_currency_is_compared_with_nothing(shop: Shop) -> None:
    shop.simulator.control(currency="EUR")
    ReconciliationSchedule.objects.all().delete()
    reconciliation.reconcile_due(now=database_now())
    assert not BalanceReading.objects.exists()
    assert not ProviderEntry.objects.exists()


def test_an_order_that_nobody_placed_counts_until_it_is_attached(shop: Shop, alice: User) -> None:
    looks(shop)
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    [accepted] = shop.accepted()
    number = str(accepted["order"])
    found = [orphans.Orphan(number, Decimal("0.9"), "pending")]
    assert orphans.note_orphans(shop.provider, found, now=database_now()) == 1
    assert orphans.note_orphans(shop.provider, found, now=database_now()) == 0
    row = one_break(BreakKind.UNKNOWN_ORDER)
    assert (row.upstream_id, row.amount) == (number, Decimal("0.9"))
    assert Alert.objects.filter(cause=breaks.cause_of(row), severity="money").exists()
    assert figures_of(shop.provider.pk).charges == Decimal("0.9")
    looks(shop)
    assert not ReconciliationBreak.objects.filter(kind=BreakKind.BALANCE).exists()

    breaks.decide(break_id=row.pk, state=BreakState.CLOSED, note="seen", actor="owner", now=database_now())
    assert figures_of(shop.provider.pk).charges == Decimal("0.9"), "closing the row gives no money back"

    orphans.note_orphans(shop.provider, found, now=database_now())
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
    decision = {
        "break_id": row.pk,
        "state": BreakState.EXPLAINED,
        "note": "a fee",
        "actor": "owner",
        "now": database_now(),
    }
    with pytest.raises(NoReason):
        breaks.decide(**{**decision, "note": "  "})
    assert breaks.decide(**decision) is True
    assert breaks.decide(**decision) is False
    looks(shop)
    row.refresh_from_db()
    assert row.state == BreakState.EXPLAINED
    assert not Alert.objects.filter(cause=breaks.cause_of(row), closed_at=None).exists()
    shop.simulator.control(balance=start - 6)
    looks(shop)
    row.refresh_from_db()
    assert (row.state, row.amount) == (BreakState.OPEN, Decimal(-6))
    breaks.decide(**{**decision, "state": BreakState.CLOSED})
    with pytest.raises(breaks.AlreadyClosed):
        breaks.decide(**decision)
    looks(shop)
    assert one_break(BreakKind.BALANCE).pk != row.pk


@pytest.mark.parametrize("change", [{"amount": 1}, {"memo": "x"}])
def test_entries_and_readings_are_never_changed(shop: Shop, change: dict[str, Any]) -> None:
    looks(shop)
    for rows in (ProviderEntry.objects.all(), BalanceReading.objects.all()):
        with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE):
            rows.update(at=database_now())
        with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE):
            rows.delete()
    with pytest.raises(IntegrityError), as_role(OWNER_ROLE):
        ProviderEntry.objects.update(**change)


def test_a_break_keeps_its_cause_and_stays_closed(shop: Shop) -> None:
    breaks.record(shop.provider, BreakKind.BALANCE, amount=Decimal(1), now=database_now())
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
    breaks.close(row, now=database_now())
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
    breaks.record(shop.provider, BreakKind.BALANCE, amount=Decimal(-4), now=database_now(), facts=row.facts)
    assert audit() == {"provider_books"}
