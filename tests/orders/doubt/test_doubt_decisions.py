"""The owner decides what became of an order: by name, with a reason, once; and may be wrong."""

from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from core.refusals import NoReason
from orders import decisions
from orders.models import (
    Order,
)
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


@pytest.fixture
def lost(shop: Shop, alice: User) -> Order:
    Provider.objects.update(probing_enabled=False)
    buys_and_sends(shop, alice, quantity=500)
    return buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)


def test_the_owner_says_placed(shop: Shop, lost: Order) -> None:
    [number] = id_at_provider(shop, lost)
    decision: dict[str, Any] = {
        "order_id": lost.pk,
        "upstream_id": f" 0{number}",
        "actor": OWNER,
        "reason": "I see it there",
    }
    assert decisions.decide_placed(**decision, now=database_now())
    assert not decisions.decide_placed(**decision, now=database_now())
    lost.refresh_from_db()
    assert (lost.forward_state, lost.upstream_id) == (Forward.PLACED, number)
    attempt = attempt_of(lost)
    assert attempt.decided_by == OWNER.name
    assert lost.events.get(kind="decided").detail["reason"] == "I see it there"


def test_the_owner_cannot_name_an_id_of_another(shop: Shop, lost: Order) -> None:
    first = Order.objects.exclude(pk=lost.pk).get()
    for number in (first.upstream_id, "1", "not a number"):
        with pytest.raises(decisions.NotThatId):
            decisions.decide_placed(
                order_id=lost.pk, upstream_id=str(number), actor=OWNER, reason="?", now=database_now()
            )
    with pytest.raises(NoReason):
        decisions.decide_placed(order_id=lost.pk, upstream_id="1", actor=OWNER, reason=" ", now=database_now())
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT


@pytest.mark.parametrize("refund", [True, False])
def test_the_owner_says_not_placed_after_a_while(shop: Shop, alice: User, lost: Order, refund: bool) -> None:
    decision: dict[str, Any] = {
        "order_id": lost.pk,
        "refund": refund,
        "actor": OWNER,
        "reason": "the provider says so",
    }
    with pytest.raises(decisions.TooEarly):
        decisions.decide_not_placed(**decision, now=database_now())
    ages(shop, SETTLE + 1)
    before = balance(alice)
    assert decisions.decide_not_placed(**decision, now=database_now())
    assert not decisions.decide_not_placed(**decision, now=database_now())
    lost.refresh_from_db()
    assert lost.forward_state == (Forward.REFUNDED if refund else Forward.QUEUED)
    assert balance(alice) == before + (lost.charge if refund else 0)
    assert attempt_of(lost).outcome == Outcome.NOT_PLACED


def test_a_wrong_not_placed_of_the_owner_is_not_forgotten(shop: Shop, alice: User) -> None:
    """Its id must not be given to another doubt of the same price."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    other = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    decisions.decide_not_placed(order_id=lost.pk, refund=True, actor=OWNER, reason="wrong", now=database_now())
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 8)
    other.refresh_from_db()
    assert other.upstream_id is None
    assert other.forward_state == Forward.IN_DOUBT
