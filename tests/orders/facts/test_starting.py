"""When an order counts as started: the first answer that shows work, and never another one after it."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from core.clock import database_now
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop
from upstream.states import ProviderOrderState as State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (State.IN_PROGRESS, {}),
        (State.PROCESSING, {"start_count": 40}),
        (State.PENDING, {"remains": 900}),
        (State.FAILED, {"remains": 1}),
    ],
)
def test_the_first_answer_that_shows_work_is_the_start(
    shop: Shop, alice: User, state: State, facts: dict[str, Any]
) -> None:
    order, now = bought(shop, alice, quantity=1000), database_now()
    answered(shop, order, status(State.PENDING, remains=1000, start_count=40), at=now)
    assert order.started_at is None
    at = now + timedelta(minutes=4)
    answered(shop, order, status(state, **facts), at=at)
    assert order.started_at == at
    answered(shop, order, status(State.IN_PROGRESS, remains=5), at=at + timedelta(minutes=1))
    assert order.started_at == at


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (State.PROCESSING, {}),
        (State.PROCESSING, {"remains": 0}),
        (State.PENDING, {"start_count": 40, "remains": 1000}),
        (State.CANCELED, {"remains": 1000}),
        (State.PAUSED, {"start_count": 40}),
    ],
)
def test_an_answer_that_shows_no_work_is_no_start(shop: Shop, alice: User, state: State, facts: dict[str, Any]) -> None:
    order = bought(shop, alice, quantity=1000)
    answered(shop, order, status(state, **facts))
    assert order.started_at is None


@pytest.mark.parametrize("state", [State.COMPLETED, State.PARTIAL])
def test_an_order_that_was_never_seen_running_started_after_the_answer_before(
    shop: Shop, alice: User, state: State
) -> None:
    order, now = bought(shop, alice, quantity=1000), database_now()
    answered(shop, order, status(State.PENDING), at=now)
    answered(shop, order, status(state, remains=10), at=now + timedelta(minutes=2))
    assert order.started_at == now


def test_an_order_whose_first_answer_is_its_end_started_when_it_was_accepted(shop: Shop, alice: User) -> None:
    order = bought(shop, alice, quantity=1000)
    answered(shop, order, status(State.COMPLETED, remains=0))
    assert order.started_at == order.placed_at
