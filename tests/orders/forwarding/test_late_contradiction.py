"""An answer "placed" that comes after somebody called the order not placed raises an alert."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders import decisions
from orders.doubt import late, resolve
from orders.forwarding import outcomes
from orders.models import ForwardAttempt, Order, ProviderExchange
from orders.states import Forward, Outcome
from tests.actors import OWNER
from tests.orders.cast import Shop
from tests.orders.doubts import LOST_BUT_PLACED, SETTLE, ages, attempt_of, buys_and_sends, id_at_provider, resolves
from upstream.messages import AcceptedOrder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


@pytest.fixture
def lost(shop: Shop, alice: User) -> Order:
    """No search is allowed here and no order is in doubt any more, so that nothing else calls the resolver."""
    Provider.objects.update(probing_enabled=False)
    order = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ages(shop, SETTLE + 1)
    return order


def calls_not_placed(order: Order) -> bool:
    return decisions.decide_not_placed(
        order_id=order.pk, refund=True, actor=OWNER, reason="not in their list", now=database_now()
    )


@pytest.fixture
def called_not_placed(lost: Order) -> Order:
    assert calls_not_placed(lost)
    return lost


def is_alerted(shop: Shop, order: Order) -> bool:
    [number] = id_at_provider(shop, order)
    alerts = Alert.objects.filter(cause=f"order:{order.pk}:contradiction", severity="money", body__contains=number)
    return alerts.exists()


def stores_an_answer(shop: Shop, order: Order) -> None:
    """A worker that had hung stores its answer, and dies before it records it."""
    [number] = id_at_provider(shop, order)
    body = f'{{"order": {number}}}'
    transcript = {"action": "add", "send_calls": 2, "http_status": 200, "body": body, "complete": True}
    transcript |= {"answered_at": 0.1, "content_type": "application/json", "url": shop.provider.url}
    ProviderExchange.objects.create(
        provider=shop.provider,
        action="add",
        forward_attempt=attempt_of(order),
        http_status=200,
        send_calls=2,
        transcript=transcript,
    )


def test_a_stored_answer_contradicts_a_person(shop: Shop, called_not_placed: Order) -> None:
    order = called_not_placed
    stores_an_answer(shop, order)
    assert resolve.is_due(now=database_now())
    resolves(shop, 1)
    assert is_alerted(shop, order)
    order.refresh_from_db()
    attempt = attempt_of(order)
    assert (order.forward_state, attempt.outcome) == (Forward.REFUNDED, Outcome.NOT_PLACED)
    assert attempt.evidence["person"]["reason"] == "not in their list"
    ages(shop, SETTLE)
    assert not resolve.is_due(now=database_now()), "once read, it is never read again"


def test_the_answer_of_a_worker_that_wakes_up_contradicts_a_person(shop: Shop, called_not_placed: Order) -> None:
    order = called_not_placed
    stale = attempt_of(order)
    stale.outcome = Outcome.SENDING
    [number] = id_at_provider(shop, order)
    outcomes.record(stale, AcceptedOrder(number), now=database_now())
    assert is_alerted(shop, order)
    assert ForwardAttempt.objects.get(pk=stale.pk).outcome == Outcome.NOT_PLACED


def test_the_id_that_the_order_has_from_a_later_try_is_no_contradiction(shop: Shop, alice: User) -> None:
    """A panel that recognises the repeated order answers with the same number twice: it was bought once."""
    Provider.objects.update(probing_enabled=False)
    lost = buys_and_sends(shop, alice, quantity=700, fault="h504_np")
    ages(shop, SETTLE + 1)
    decisions.decide_not_placed(order_id=lost.pk, refund=False, actor=OWNER, reason="no", now=database_now())
    first = attempt_of(lost)
    shop.forwards()
    lost.refresh_from_db()
    assert lost.upstream_id
    outcomes.record(first, AcceptedOrder(lost.upstream_id), now=database_now())
    assert not Alert.objects.filter(cause__endswith=":contradiction").exists()


def test_a_decision_made_while_an_answer_is_read_keeps_its_reason(
    shop: Shop, lost: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = outcomes.record

    def decided_first(attempt: ForwardAttempt, result: Any, *, now: datetime) -> None:
        calls_not_placed(lost)
        record(attempt, result, now=now)

    stores_an_answer(shop, lost)
    monkeypatch.setattr(outcomes, "record", decided_first)
    assert late.read_late_answers(shop.provider, now=database_now())
    evidence = attempt_of(lost).evidence
    assert evidence["person"]["reason"] == "not in their list"
    assert evidence["late"]["exchange"]
    assert is_alerted(shop, lost)
