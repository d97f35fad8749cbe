"""An order whose answer was lost: found, proven not placed, or brought before the owner; never bought twice."""

import pytest

from accounts.models import User
from billing.models import Hold
from core.clock import database_now
from notices.models import Alert
from orders import decisions, lifecycle, settlement
from orders.forwarding import dispatch, lanes, leases, permits
from orders.models import Order, OwnId, ProbePass
from orders.states import Forward, Outcome
from tests.actors import OWNER
from tests.orders.cast import Shop, balance
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    LOST_NOT_PLACED,
    SETTLE,
    ages,
    attempt_of,
    buys_and_sends,
    id_at_provider,
    resolves,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


def test_a_lost_order_that_was_placed_is_found(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    assert lost.forward_state == Forward.IN_DOUBT
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    assert resolves(shop) == 1

    lost.refresh_from_db()
    assert lost.forward_state == Forward.PLACED
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    attempt = attempt_of(lost)
    assert (attempt.outcome, attempt.decided_by) == (Outcome.PLACED, None)
    assert attempt.evidence["resolved"]["how"] == "bracket"
    assert OwnId.objects.get(upstream_id=lost.upstream_id).attempt == attempt
    assert Hold.objects.get(pk=lost.reference).refunded == 0
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:doubt", closed_at=None).count() == 0
    shop.follows()
    lost.refresh_from_db()
    assert lost.progress


def test_a_lost_order_that_was_not_placed_is_proven_so_and_sent_once_more(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, 61)
    resolves(shop, 3)
    assert attempt_of(lost).outcome == Outcome.IN_DOUBT
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT  # one search is not enough
    resolves(shop, 3)

    lost.refresh_from_db()
    assert lost.forward_state == Forward.QUEUED
    first = attempt_of(lost)
    assert first.outcome == Outcome.NOT_PLACED
    assert len(first.evidence["bracket"]["passes"]) == 2
    Order.objects.filter(pk=lost.pk).update(next_at=database_now())
    shop.forwards()
    resolves(shop, 3)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.PLACED
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert list(lost.attempts.values_list("outcome", flat=True).order_by("n")) == [Outcome.NOT_PLACED, Outcome.PLACED]
    assert balance(alice) == 100 - sum(o.charge for o in Order.objects.all())


def test_an_order_that_takes_effect_late_is_still_found(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="late_place:300")
    ages(shop, 61)
    resolves(shop, 2)
    assert id_at_provider(shop, lost) == []
    ages(shop, 300)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert lost.attempts.count() == 1


def test_one_false_denial_does_not_prove_anything(shop: Shop, alice: User) -> None:
    """The first full search gets "Incorrect order ID" for the very id; the second does not."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="late_place:250")
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    [number] = id_at_provider(shop, lost)
    provider = shop.simulator.simulator
    assert provider is not None
    hidden = provider.books.orders.pop(number)
    resolves(shop, 1)
    provider.books.orders[number] = hidden
    assert ProbePass.objects.latest("id").ranges
    resolves(shop, 6)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert lost.attempts.count() == 1


def test_only_evidence_decides_between_two_doubts_of_one_price(shop: Shop, alice: User) -> None:
    """One was placed and one was not, and nothing tells which: the owner is asked, and nobody guesses."""
    buys_and_sends(shop, alice, quantity=500)
    first = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    second = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 8)
    assert {attempt_of(o).outcome for o in (first, second)} == {Outcome.IN_DOUBT}
    ages(shop, 1800)
    resolves(shop, 1)
    for order in (first, second):
        order.refresh_from_db()
        assert order.forward_state == Forward.REVIEW
    assert attempt_of(first).evidence["review"]["because"] == "ambiguous"
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:review", closed_at=None).exists()

    # The owner knows one of them from the provider's own page; that decides the other.
    [number] = id_at_provider(shop, first)
    decisions.decide_placed(order_id=first.pk, upstream_id=number, actor=OWNER, reason="seen", now=database_now())
    ages(shop, 400)
    resolves(shop, 2)
    second.refresh_from_db()
    assert second.forward_state == Forward.QUEUED


def test_an_order_found_after_its_refund_is_the_stores_loss(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    lifecycle.move(order_id=lost.pk, old=Forward.IN_DOUBT, new=Forward.REFUNDED, now=database_now())
    settlement.refund_everything(lost, now=database_now())
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 2)
    assert attempt_of(lost).outcome == Outcome.PLACED
    lost.refresh_from_db()
    assert (lost.forward_state, lost.refunded) == (Forward.REFUNDED, lost.charge)
    assert Alert.objects.get(cause=f"order:{lost.pk}:loss").times == 1


def test_a_killed_workers_order_is_resolved_too(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    order = shop.buys(alice, quantity=700, link="https://example.com/p/killed?fate=stuck")
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        permits.permit(permits.FORWARD, lane, attempt.token)()
    ages(shop, 100)
    leases.expire(now=database_now())
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
