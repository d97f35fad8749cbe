"""Each job of staff, asked about orders in every state: what it does to which, and the books afterwards."""

import pytest

from accounts.models import User
from core.clock import database_now
from orders.cancellations import request_cancel
from orders.doubt import conclude
from orders.models import Job, Order
from orders.states import Forward, Progress
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop
from tests.orders.doubts import LOST_NOT_PLACED, SETTLE, ages, attempt_of, buys_and_sends
from tests.orders.jobs.test_by_staff import done
from upstream.states import ProviderOrderState as State

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

#: What each job does something to; every other order stays as it is and says why.
DOES = {
    "staff_cancel": {"queued", "pending", "running"},
    "staff_refund": {"pending", "running", "completed", "partial"},
    "staff_part": {"pending", "running", "completed", "partial"},
    "staff_resend": {"doubt", "review"},
    "staff_refill": {"completed"},
    "staff_note": {
        "queued", "doubt", "review", "pending", "running", "completed", "partial", "canceled", "refunded", "refused"
    },
}  # fmt: skip
#: Those that refund what they do something to.
MOVES = ("staff_refund", "staff_part")


def one_of_each(shop: Shop, alice: User) -> dict[str, Order]:
    """An order in every state that lasts, made by what its provider answered."""
    orders = {"doubt": buys_and_sends(shop, alice, fault=LOST_NOT_PLACED)}
    orders["review"] = buys_and_sends(shop, alice, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 60)
    assert conclude.to_review(attempt_of(orders["review"]).pk, reason="unclear", now=database_now())
    orders["refused"] = buys_and_sends(shop, alice, fault="error_known:Incorrect link")
    ends = {
        "pending": [], "running": [status(State.IN_PROGRESS, remains=500)], "completed": [status(State.COMPLETED)],
        "partial": [status(State.PARTIAL, remains=400)], "canceled": [status(State.CANCELED)],
    }  # fmt: skip
    for name, answers in ends.items():
        orders[name] = answered(shop, bought(shop, alice, link=f"https://example.com/s/{name}"), *answers)
    for name in ("queued", "refunded"):
        orders[name] = shop.buys(alice, link=f"https://example.com/s/{name}")
    request_cancel(order=orders["refunded"], actor="alice", now=database_now())
    for order in orders.values():
        order.refresh_from_db()
    return orders


@pytest.mark.parametrize("name", DOES)
def test_a_job_does_what_each_state_allows(shop: Shop, alice: User, staff: User, name: str) -> None:
    orders = one_of_each(shop, alice)
    assert [orders["refused"].forward_state, orders["review"].forward_state] == [Forward.REFUSED, Forward.REVIEW]
    assert orders["partial"].progress == Progress.PARTIAL
    before = dict(Order.objects.values_list("pk", "refunded"))
    done(staff, name, orders.values(), percent="30" if name == "staff_part" else None)
    changed = set(Job.objects.get().items.filter(state="done").values_list("object_id", flat=True))
    assert {state for state, order in orders.items() if order.pk in changed} == DOES[name]
    after = dict(Order.objects.values_list("pk", "refunded"))
    moved = {state for state, order in orders.items() if before[order.pk] != after[order.pk]}
    assert moved == ({"queued"} if name == "staff_cancel" else DOES[name] if name in MOVES else set())
