"""Two people decide about one order by hand, and not alike: for the second, nothing is left to decide."""

from typing import Any

import pytest

from accounts.models import User
from core.clock import database_now
from orders import settling_by_hand
from orders.following import order_answers
from orders.models import Order
from tests.actors import OWNER
from tests.orders.cast import Shop
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def over(shop: Shop, alice: User, settings: Any) -> Order:
    """It was settled with 80 missing, and is said to be partial once more, without a number."""
    settings.FORWARD_DEADLINE_SECONDS, settings.FORWARD_LEASE_SECONDS = 10, 25
    order = shop.buys(alice)
    shop.forwards()
    for remains in (80, None):
        now, said = database_now(), OrderStatus(state=ProviderOrderState.PARTIAL, raw_state="Partial", remains=remains)
        order_answers.apply_answers({order.pk: said}, provider=shop.provider, asked_at=now, now=now)
    order.refresh_from_db()
    return order


def decides(order: Order, seen: str, missing: int | None) -> bool:
    decision: dict[str, Any] = {"seen": seen, "actor": OWNER, "reason": "looked", "now": database_now()}
    if missing is None:
        return settling_by_hand.nothing_to_do(order_id=order.pk, **decision)
    return settling_by_hand.settle_by_hand(order_id=order.pk, missing=missing, **decision)


@pytest.mark.parametrize(("first", "second"), [(300, None), (None, 300), (300, 400)])
def test_a_second_decision_of_another_number_is_refused(over: Order, first: int | None, second: int | None) -> None:
    seen = settling_by_hand.choice_of(over).seen
    assert decides(over, seen, first)
    assert not decides(over, seen, first), "the same form once more"
    with pytest.raises(settling_by_hand.NothingToDecide):
        decides(over, seen, second)
    over.refresh_from_db()
    assert over.missing_by_hand == first
