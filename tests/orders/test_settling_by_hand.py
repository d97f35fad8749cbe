"""The owner settles by hand what no answer of the provider will settle, and the money adds up afterwards."""

import threading
from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from billing import audit as books
from billing.models import Hold, Transfer
from catalog.models import Service
from core.clock import database_now
from core.refusals import NoReason
from core.staff_actions import Actor
from orders import audit, settling_by_hand
from orders.books import reconciliation
from orders.cancellations import request_cancel
from orders.following import poll
from orders.following.batches import Batch
from orders.models import EventKind, Order, ReconciliationBreak
from orders.pages.story import story_of
from orders.states import Progress
from tests.actors import OWNER, owner_named
from tests.orders.answers import answered, bought, child_answered, due, placed, status
from tests.orders.cast import Shop, balance, service_of
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import ItemError, OrderStatus, StatusItem
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

PARTIAL, COMPLETED, CANCELED = ProviderOrderState.PARTIAL, ProviderOrderState.COMPLETED, ProviderOrderState.CANCELED
IN_PROGRESS, EXPIRED = ProviderOrderState.IN_PROGRESS, ProviderOrderState.EXPIRED

UNREADABLE = status(PARTIAL)
AFTER_A_PART = status(CANCELED, remains=400, charge=Decimal("0.54"))
FORGOTTEN = [ItemError(ErrorClass.UNKNOWN_ORDER)] * 10


def seen(order: Order) -> str:
    return settling_by_hand.choice_of(order).seen


def settles(order: Order, missing: int, *, saw: str = "", actor: Actor = OWNER, reason: str = "their panel") -> bool:
    is_new = settling_by_hand.settle_by_hand(
        order_id=order.pk, missing=missing, seen=saw or seen(order), actor=actor, reason=reason, now=database_now()
    )
    order.refresh_from_db()
    return is_new


def dismisses(order: Order, *, saw: str = "", reason: str = "seen") -> bool:
    is_new = settling_by_hand.nothing_to_do(
        order_id=order.pk, seen=saw or seen(order), actor=OWNER, reason=reason, now=database_now()
    )
    order.refresh_from_db()
    return is_new


def adds_up(order: Order) -> bool:
    hold = Hold.objects.get(reference=order.reference)
    assert (hold.charged, order.refunded) == (hold.earned + hold.refunded, hold.refunded)
    return [f for f in books.check(audit.EQUATIONS) if not f.holds] == []


@pytest.fixture
def unclear(shop: Shop, alice: User) -> Order:
    """A thousand, of which some did not arrive, and nobody says how many."""
    return answered(shop, bought(shop, alice), UNREADABLE)


@pytest.mark.parametrize(
    ("missing", "end"), [(0, Progress.COMPLETED), (157, Progress.PARTIAL), (1000, Progress.CANCELED)]
)
@pytest.mark.parametrize("story", [[UNREADABLE], [AFTER_A_PART], FORGOTTEN])
def test_what_did_not_arrive_goes_back_and_the_rest_is_earned(
    shop: Shop, alice: User, story: Sequence[StatusItem], missing: int, end: Progress
) -> None:
    order = answered(shop, bought(shop, alice), *story)
    about = order.needs_review
    assert about
    reconciliation.reconcile(shop.provider, now=database_now())
    assert settles(order, missing)
    assert (order.progress, order.needs_review, order.refunded) == (end, "", due(order, missing))
    assert (order.delivered, order.is_final) == (1000 - missing, True)
    assert balance(alice) == 100 - order.charge + due(order, missing)
    event = order.events.get(kind=EventKind.DECIDED)
    assert event.actor == OWNER.name
    assert event.detail == {
        "decision": "settled", "not delivered": missing, "about": about, "reason": "their panel"
    }  # fmt: skip
    assert set(Transfer.objects.exclude(code__in=["hold", "credit"]).values_list("actor", flat=True)) == {OWNER.name}
    assert adds_up(order)


def test_a_charge_that_stays_after_a_cancellation_by_hand_is_a_row_at_once(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), AFTER_A_PART)
    settles(order, 1000)
    assert ReconciliationBreak.objects.get(kind="owed", order=order).amount == Decimal("0.54")


def test_the_customers_story_tells_the_end_and_no_reason(shop: Shop, unclear: Order) -> None:
    settles(unclear, 157, reason="they lie")
    steps = [
        f"{step.title} {step.text}" for step in story_of(unclear, unclear.events.order_by("id"), now=database_now())
    ]
    assert "843 delivered, 157 not." in steps[-2]
    assert "refunded to your wallet" in steps[-1]
    assert "they lie" not in "".join(steps)


@pytest.mark.parametrize("missing", [-1, 1001, 10**30])
def test_more_than_was_bought_or_less_than_nothing_is_refused(unclear: Order, missing: int) -> None:
    with pytest.raises(settling_by_hand.OutOfRange):
        settles(unclear, missing)
    assert Hold.objects.get().refunded == 0


def test_a_decision_without_a_reason_is_refused(unclear: Order) -> None:
    with pytest.raises(NoReason):
        settles(unclear, 157, reason="  ")
    with pytest.raises(NoReason):
        dismisses(unclear, reason="")
    assert not unclear.events.filter(kind=EventKind.DECIDED).exists()


def test_a_second_click_changes_nothing_and_another_number_is_refused(alice: User, unclear: Order) -> None:
    saw = seen(unclear)
    assert settles(unclear, 157, saw=saw)
    before = balance(alice)
    assert not settles(unclear, 157, saw=saw)
    with pytest.raises(settling_by_hand.NothingToDecide):
        settles(unclear, 900, saw=saw)
    assert balance(alice) == before
    assert unclear.events.filter(kind=EventKind.DECIDED).count() == 1


@pytest.mark.parametrize(
    "later",
    [status(IN_PROGRESS, remains=3), AFTER_A_PART, status(ProviderOrderState.EXPIRED), status(PARTIAL, start_count=7)],
)
def test_a_page_left_open_decides_nothing_about_what_it_did_not_show(
    shop: Shop, unclear: Order, later: OrderStatus
) -> None:
    saw = seen(unclear)
    answered(shop, unclear, later)
    with pytest.raises(settling_by_hand.Stale):
        settles(unclear, 157, saw=saw)
    with pytest.raises(settling_by_hand.Stale):
        dismisses(unclear, saw=saw)
    assert (unclear.refunded, unclear.is_final) == (0, False)


def test_the_same_answer_once_more_makes_no_page_stale(shop: Shop, unclear: Order) -> None:
    saw = seen(unclear)
    answered(shop, unclear, UNREADABLE, UNREADABLE)
    assert settles(unclear, 157, saw=saw)


def test_an_answer_that_settled_it_meanwhile_leaves_nothing_to_decide(shop: Shop, unclear: Order) -> None:
    saw = seen(unclear)
    answered(shop, unclear, status(PARTIAL, remains=10))
    with pytest.raises(settling_by_hand.NothingToDecide):
        settles(unclear, 157, saw=saw)
    assert unclear.refunded == due(unclear, 10)


@pytest.mark.parametrize(
    ("later", "missing"),
    [
        (status(PARTIAL, remains=200), 200),
        (status(PARTIAL, remains=157), 157),
        (status(PARTIAL, remains=80), 157),
        (status(CANCELED), 1000),
        (status(COMPLETED), 157),
        (status(IN_PROGRESS, remains=400), 157),
    ],
)
def test_a_later_answer_pays_the_difference_or_moves_nothing(
    shop: Shop, alice: User, unclear: Order, later: OrderStatus, missing: int
) -> None:
    settles(unclear, 157)
    answered(shop, unclear, later, later)
    assert unclear.refunded == due(unclear, missing)
    assert balance(alice) == 100 - unclear.charge + due(unclear, missing)
    assert adds_up(unclear)


@pytest.mark.parametrize("story", [[UNREADABLE], [AFTER_A_PART], FORGOTTEN])
def test_what_was_decided_about_is_not_asked_again(shop: Shop, alice: User, story: Sequence[StatusItem]) -> None:
    order = answered(shop, bought(shop, alice), *story)
    settles(order, 400)
    assert answered(shop, order, *story, *story).needs_review == ""
    assert order.refunded == due(order, 400)


def test_an_id_that_fails_every_call_is_not_asked_about_again(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), *FORGOTTEN)
    settles(order, 400)
    batch = Batch(shop.provider, {str(order.upstream_id): order.pk}, database_now())
    poll.record_failure(batch, Unavailable("not_json", "HTTP 200"), now=database_now())
    order.refresh_from_db()
    assert (order.poll_misses, order.needs_review) == (11, "")


def test_another_reason_after_a_decision_is_asked_about(shop: Shop, unclear: Order) -> None:
    settles(unclear, 157)
    assert answered(shop, unclear, AFTER_A_PART).needs_review
    assert settles(unclear, 400)
    assert unclear.refunded == due(unclear, 400)
    assert adds_up(unclear)


def test_an_ended_order_pays_back_late_but_takes_nothing_back(shop: Shop, alice: User) -> None:
    order = answered(shop, bought(shop, alice), status(PARTIAL, remains=80), UNREADABLE)
    for missing in (0, 80):
        with pytest.raises(settling_by_hand.MovesNothing):
            settles(order, missing)
    assert order.needs_review
    settles(order, 300)
    assert (order.refunded, order.remains) == (due(order, 300), 300)
    assert adds_up(order)


def test_nothing_to_do_is_for_orders_that_hold_no_money(shop: Shop, alice: User, unclear: Order) -> None:
    assert not settling_by_hand.choice_of(unclear).may_dismiss
    with pytest.raises(settling_by_hand.StillHeld):
        dismisses(unclear)
    answered(shop, unclear, status(PARTIAL, remains=80), UNREADABLE)
    about, before = unclear.needs_review, balance(alice)
    assert settling_by_hand.choice_of(unclear).may_dismiss
    assert dismisses(unclear)
    assert not dismisses(unclear)
    assert answered(shop, unclear, UNREADABLE).needs_review == ""
    event = unclear.events.get(kind=EventKind.DECIDED)
    assert (event.actor, event.detail) == (OWNER.name, {"decision": "nothing to do", "about": about, "reason": "seen"})
    assert balance(alice) == before
    assert adds_up(unclear)


def test_an_order_that_needs_no_look_or_never_left_is_not_settled(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    Order.objects.update(needs_review="not sent after many tries")
    order.refresh_from_db()
    assert not settling_by_hand.choice_of(order)
    with pytest.raises(settling_by_hand.NothingToDecide):
        settles(order, 1000)
    Order.objects.update(needs_review="")
    assert not settling_by_hand.choice_of(placed(shop, order))
    with pytest.raises(settling_by_hand.NothingToDecide):
        settles(order, 1000)


def test_an_open_cancellation_is_answered_by_the_end(shop: Shop, alice: User, unclear: Order) -> None:
    request_cancel(order=unclear, actor=str(unclear.customer), now=database_now())
    assert unclear.cancellations.filter(state="queued").exists()
    settles(unclear, 1000)
    assert not unclear.cancellations.filter(state__in=["queued", "asked"]).exists()
    assert adds_up(unclear)


# Parents of child orders

CHILDLESS = [status(COMPLETED, children=())]
LIST_UNREADABLE = [status(COMPLETED, children=("1",), flags=("children_unreadable",))]


@pytest.mark.parametrize("story", [CHILDLESS, LIST_UNREADABLE])
@pytest.mark.parametrize("missing", [0, 120])
def test_a_parent_settled_by_hand_is_not_settled_again_by_the_children_nobody_could_count(
    shop: Shop, drip: Order, story: Sequence[StatusItem], missing: int
) -> None:
    answered(shop, drip, *story)
    assert drip.needs_review
    settles(drip, missing)
    answered(shop, drip, *story, *story)
    for child in drip.children.all():
        child_answered(shop, drip, child.upstream_id, status(COMPLETED), status(PARTIAL))
    assert (drip.refunded, drip.needs_review) == (due(drip, missing), "")
    assert adds_up(drip)


def test_a_run_that_stays_unclear_is_not_asked_about_again(shop: Shop, drip: Order) -> None:
    ids = ("1", "2", "3")
    answered(shop, drip, status(COMPLETED, children=ids))
    child_answered(shop, drip, "1", status(COMPLETED))
    for i in ("2", "3"):
        child_answered(shop, drip, i, UNREADABLE)
    settles(drip, 50)
    for i in ("2", "3"):
        child_answered(shop, drip, i, UNREADABLE)
    assert (drip.needs_review, drip.refunded) == ("", due(drip, 50))
    for i in ("2", "3"):
        child_answered(shop, drip, i, status(PARTIAL, remains=40))
    answered(shop, drip, status(COMPLETED, children=ids))
    assert drip.refunded == due(drip, 80), "all of them can be counted now"
    assert adds_up(drip)


def test_a_parent_settled_by_hand_and_then_canceled_pays_everything_back(shop: Shop, drip: Order) -> None:
    answered(shop, drip, *CHILDLESS)
    settles(drip, 0)
    answered(shop, drip, status(CANCELED, children=()))
    assert (drip.progress, drip.refunded) == (Progress.CANCELED, drip.charge)
    assert adds_up(drip)


def test_a_subscription_is_settled_by_the_units_of_its_posts(shop: Shop, alice: User) -> None:
    likes: Service = service_of(shop.provider, "3", type="subscriptions", name="Likes", min=10, max=1000)
    order = placed(shop, shop.subscribes(alice, likes, posts="2", old_posts="1", min="50"))
    answered(shop, order, status(ProviderOrderState.ACTIVE, children=("81",)))
    child_answered(shop, order, "81", status(COMPLETED, charge=Decimal("0.09")))
    answered(shop, order, status(EXPIRED, children=("81", "82")))
    child_answered(shop, order, "82", status(COMPLETED))
    assert "child order 82" in order.needs_review
    assert Hold.objects.get().earned == due(order, 100)
    settles(order, 130)
    assert (order.progress, order.delivered, order.refunded) == (Progress.EXPIRED, 170, due(order, 130))
    assert adds_up(order)


# At once


def test_two_owners_at_once_settle_once(alice: User, unclear: Order) -> None:
    saw, results = seen(unclear), list[object]()
    barrier = threading.Barrier(2)

    def decides(missing: int) -> None:
        try:
            barrier.wait()
            results.append(
                settles(Order.objects.get(pk=unclear.pk), missing, saw=saw, actor=owner_named(f"owner {missing}"))
            )
        except settling_by_hand.NothingToDecide as refusal:
            results.append(refusal.code)
        finally:
            connection.close()

    owners = [threading.Thread(target=decides, args=[missing]) for missing in (100, 300)]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join(20)
    unclear.refresh_from_db()
    assert sorted(map(str, results)) == ["True", "nothing_to_decide"]
    assert unclear.missing_by_hand in (100, 300)
    assert balance(alice) == 100 - unclear.charge + due(unclear, unclear.missing_by_hand or 0)
    assert unclear.events.filter(kind=EventKind.DECIDED).count() == 1
    assert adds_up(unclear)


@pytest.mark.parametrize("number", [-1, 1001])
def test_the_database_knows_the_bounds_too(unclear: Order, number: int) -> None:
    with pytest.raises(IntegrityError):
        Order.objects.filter(pk=unclear.pk).update(missing_by_hand=number)
