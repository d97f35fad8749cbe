"""The audit follows an order settled by hand through whatever is said of it later."""

from typing import Any

import pytest

from accounts.models import User
from billing import audit as books
from core.clock import database_now
from orders import audit, settling_by_hand
from orders.following import order_answers
from orders.models import Order
from tests.actors import OWNER
from tests.orders.cast import Shop
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


def hears(shop: Shop, order: Order, state: ProviderOrderState, remains: int | None) -> None:
    now, said = database_now(), OrderStatus(state=state, raw_state=state.value, remains=remains)
    order_answers.apply_answers({order.pk: said}, provider=shop.provider, asked_at=now, now=now)
    order.refresh_from_db()


def failing() -> list[str]:
    return [f"{f.name}: {f.rows}" for f in books.check(audit.EQUATIONS) if not f.holds]


@pytest.mark.parametrize("missing", [0, 157, 999, 1000])
@pytest.mark.parametrize(
    ("state", "remains"),
    [
        (ProviderOrderState.PARTIAL, 80),
        (ProviderOrderState.PARTIAL, 157),
        (ProviderOrderState.PARTIAL, 400),
        (ProviderOrderState.PARTIAL, 5000),
        (ProviderOrderState.PARTIAL, -5),
        (ProviderOrderState.PARTIAL, None),
        (ProviderOrderState.CANCELED, None),
        (ProviderOrderState.CANCELED, 157),
        (ProviderOrderState.REFUNDED, 0),
        (ProviderOrderState.COMPLETED, 7),
        (ProviderOrderState.IN_PROGRESS, 3),
    ],
)
def test_answers_after_a_decision_leave_every_equation_whole(
    shop: Shop, alice: User, settings: Any, missing: int, state: ProviderOrderState, remains: int | None
) -> None:
    settings.FORWARD_DEADLINE_SECONDS, settings.FORWARD_LEASE_SECONDS = 10, 25
    # A charge that no thousand divides evenly.
    order = shop.buys(alice, quantity=1777)
    shop.forwards()
    order.refresh_from_db()
    hears(shop, order, ProviderOrderState.PARTIAL, None)
    settling_by_hand.settle_by_hand(
        order_id=order.pk, missing=missing, seen=settling_by_hand.choice_of(order).seen, actor=OWNER,
        reason="their panel", now=database_now(),
    )  # fmt: skip
    order.refresh_from_db()
    assert failing() == []
    hears(shop, order, state, remains)
    hears(shop, order, state, remains)
    assert failing() == []
