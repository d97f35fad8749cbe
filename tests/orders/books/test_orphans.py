"""Orders of our key that nobody knows: found by a daily scan, listed, and no explanation of anything."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from core.clock import database_now
from notices.models import Alert
from orders import decisions
from orders.books import breaks, reconciliation
from orders.books.figures import figures_of
from orders.models import (
    BreakKind,
    BreakState,
    ForwardAttempt,
    Order,
    OwnId,
    ProbeSchedule,
    ReconciliationBreak,
)
from orders.states import Explanation, Forward, Outcome
from tests.actors import OWNER
from tests.orders.cast import Shop
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    LOST_NOT_PLACED,
    SETTLE,
    ages,
    attempt_of,
    buys_and_sends,
    id_at_provider,
    resolves,
    unguarded,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


@pytest.fixture
def two_lost(shop: Shop, alice: User) -> list[Order]:
    """Twins in doubt, of which the provider has the first: no rule can tell whose the id is. A scan has met it."""
    buys_and_sends(shop, alice, quantity=500)
    reconciles(shop)
    first = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    second = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 9)
    ProbeSchedule.objects.update(next_scan_at=None)
    ages(shop, 1)
    resolves(shop, 6)
    return [first, second]


def test_an_orphan_is_listed_and_explains_nothing(shop: Shop, two_lost: list[Order]) -> None:
    """A scan during a doubt meets the lost order itself. Listing it must not make the doubt look unplaced."""
    own = OwnId.objects.get(upstream_id=id_at_provider(shop, two_lost[0])[0])
    assert own.explained == Explanation.ORPHAN
    assert {attempt_of(o).outcome for o in two_lost} == {Outcome.IN_DOUBT}


def unknown_order(shop: Shop) -> ReconciliationBreak:
    return ReconciliationBreak.objects.get(provider=shop.provider, kind=BreakKind.UNKNOWN_ORDER)


def is_alerted(row: ReconciliationBreak) -> bool:
    return Alert.objects.filter(cause=breaks.cause_of(row), closed_at=None).exists()


def reconciles(shop: Shop) -> None:
    for _ in range(2):
        reconciliation.reconcile(shop.provider, now=database_now())


def test_an_orphan_that_an_order_in_doubt_may_be_is_no_alarm(shop: Shop, two_lost: list[Order]) -> None:
    """Its charge counts, and its row names who may have placed it; the owner is asked once, about the doubts."""
    row = unknown_order(shop)
    assert not Alert.objects.filter(cause=breaks.cause_of(row)).exists()
    assert {(s["order"], s["why"]) for s in row.suspects} == {(order.pk, "in_doubt") for order in two_lost}
    reconciles(shop)
    assert not is_alerted(row)
    assert not ReconciliationBreak.objects.filter(kind=BreakKind.BALANCE).exists(), "the charge is in both books"

    [number] = id_at_provider(shop, two_lost[0])
    says: dict[str, Any] = {"actor": OWNER, "reason": "I see it there", "now": database_now()}
    decisions.decide_placed(order_id=two_lost[0].pk, upstream_id=number, **says)
    reconciles(shop)
    row.refresh_from_db()
    assert row.state == BreakState.CLOSED
    assert not Alert.objects.filter(cause=breaks.cause_of(row)).exists()


def test_an_orphan_is_an_alarm_once_no_order_in_doubt_may_be_it(shop: Shop, two_lost: list[Order]) -> None:
    for order in two_lost:
        assert not is_alerted(unknown_order(shop))
        decisions.decide_not_placed(order_id=order.pk, refund=True, actor=OWNER, reason="not there", now=database_now())
        reconciles(shop)
    row = unknown_order(shop)
    assert (row.suspects, is_alerted(row)) == ([], True)


def test_orders_of_our_key_that_nobody_knows_are_found_within_a_day(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    stranger = shop.buys(alice, quantity=333, link="https://example.com/p/elsewhere?fate=stuck")
    shop.forwards()
    _forget(stranger)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    orphan = OwnId.objects.get(explained=Explanation.ORPHAN)
    assert orphan.charge == Decimal("0.2997")
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:orphans").exists()
    assert decisions.mark_foreign(own_id=orphan.pk, actor=OWNER, reason="my other tool")
    assert not decisions.mark_foreign(own_id=orphan.pk, actor=OWNER, reason="my other tool")


def test_what_the_owner_calls_foreign_before_a_scan_is_in_the_books(shop: Shop, alice: User) -> None:
    """A search for a lost order met it, and its charge left the balance whatever it is called."""
    buys_and_sends(shop, alice, quantity=500)
    reconciles(shop)
    stranger = shop.buys(alice, quantity=333, link="https://example.com/p/elsewhere?fate=stuck")
    shop.forwards()
    number = stranger.attempts.get().upstream_id
    _forget(stranger)
    own = OwnId.objects.create(
        provider=shop.provider, upstream_id=number, number=int(number or 0), first_seen_at=database_now(),
        answered_at=database_now(), state="pending", charge=Decimal("0.2997"),
    )  # fmt: skip
    before = figures_of(shop.provider.pk).charges
    assert decisions.mark_foreign(own_id=own.pk, actor=OWNER, reason="my other tool")
    assert figures_of(shop.provider.pk).charges == before + Decimal("0.2997")
    row = unknown_order(shop)
    assert (row.upstream_id, row.state, row.note, row.actor) == (number, BreakState.EXPLAINED, "my other tool", "owner")
    assert not is_alerted(row)
    reconciles(shop)
    assert not ReconciliationBreak.objects.filter(kind=BreakKind.BALANCE).exists()


def test_what_was_closed_as_nobodys_counts_once_when_it_is_called_foreign(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    stranger = shop.buys(alice, quantity=333, link="https://example.com/p/elsewhere?fate=stuck")
    shop.forwards()
    _forget(stranger)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    row, before = unknown_order(shop), figures_of(shop.provider.pk).charges
    assert is_alerted(row)
    breaks.decide(break_id=row.pk, state=BreakState.CLOSED, note="seen", actor="owner", now=database_now())
    own = OwnId.objects.get(explained=Explanation.ORPHAN)
    assert decisions.mark_foreign(own_id=own.pk, actor=OWNER, reason="my other tool")
    assert unknown_order(shop).pk == row.pk
    assert figures_of(shop.provider.pk).charges == before


def _forget(order: Order) -> None:
    """As if something else had ordered it with our key."""
    attempts = ForwardAttempt.objects.filter(order=order)
    with unguarded():
        OwnId.objects.filter(attempt__in=attempts).delete()
        attempts.update(outcome=Outcome.REFUSED, upstream_id=None)
        Order.objects.filter(pk=order.pk).update(forward_state=Forward.REFUSED, upstream_id=None, next_poll_at=None)
