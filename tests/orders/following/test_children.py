"""Drip-feeds and subscriptions: their child orders are found, followed, and settle the parent."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from billing import audit as books
from billing.models import Hold
from catalog.models import Service
from core.clock import database_now
from notices.models import Alert
from orders import audit
from orders.checkout.fields import BadFields
from orders.checkout.placement import quote
from orders.following import poll
from orders.following.batches import Batch
from orders.models import ChildOrder, EventKind, Order
from orders.states import Progress
from tests.orders.answers import answered, asked_once, bought, child_answered, due, placed, status
from tests.orders.cast import Shop, balance, service_of
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import ItemError, OrderStatus
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

ACTIVE, COMPLETED, CANCELED = ProviderOrderState.ACTIVE, ProviderOrderState.COMPLETED, ProviderOrderState.CANCELED
IN_PROGRESS, PARTIAL, EXPIRED = ProviderOrderState.IN_PROGRESS, ProviderOrderState.PARTIAL, ProviderOrderState.EXPIRED


@pytest.fixture
def likes(shop: Shop) -> Service:
    return service_of(shop.provider, "3", type="subscriptions", name="Likes for new posts", min=10, max=1000)


@pytest.fixture
def subscription(shop: Shop, alice: User, likes: Service) -> Order:
    return placed(shop, shop.subscribes(alice, likes, posts="2", old_posts="1"))


def after(seconds: float) -> datetime:
    return database_now() + timedelta(seconds=seconds)


def hold_of(order: Order) -> Hold:
    return Hold.objects.get(reference=order.reference)


def adds_up() -> bool:
    return all(finding.holds for finding in books.check(audit.EQUATIONS))


def test_a_drip_feed_is_followed_through_its_runs_to_the_end(shop: Shop, alice: User, drip: Order) -> None:
    shop.simulator.control(fates={"completed": 1}, advance=5)
    shop.follows()
    assert drip.children.count() == 1
    for _n in range(3):
        shop.simulator.control(advance=700)
        shop.follows()
        shop.follows()
    drip.refresh_from_db()
    assert drip.children.count() == 3
    assert (drip.progress, drip.delivered, drip.refunded) == (Progress.COMPLETED, 300, 0)
    assert hold_of(drip).earned == drip.charge
    assert [a["quantity"] for a in shop.accepted() if a["parent"]] == [100, 100, 100]
    assert adds_up()


def test_a_drip_feed_without_listed_runs_is_one_plain_order(shop: Shop, alice: User) -> None:
    order = placed(shop, shop.drips(alice, link="https://example.com/d/2?fate=partial:120&after=5"))
    assert (order.total, order.fields["quantity"], order.fields["runs"]) == (300, "100", "3")
    shop.simulator.control(advance=60)
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.refunded) == (Progress.PARTIAL, due(order, 120))
    assert not order.children.exists()


def test_runs_that_fell_short_and_runs_that_never_came_are_paid_back_together(
    shop: Shop, alice: User, drip: Order
) -> None:
    answered(shop, drip, status(IN_PROGRESS, children=("70011", "70012"), runs=3))
    child_answered(shop, drip, "70011", status(COMPLETED, remains=0, charge=Decimal("0.09")))
    child_answered(shop, drip, "70012", status(IN_PROGRESS, remains=60))
    assert drip.delivered == 140
    answered(shop, drip, status(COMPLETED, children=("70011", "70012"), runs=3))
    assert not drip.is_final, "a run is still open"
    assert hold_of(drip).refunded == 0
    child_answered(shop, drip, "70012", status(PARTIAL, remains=30))
    answered(shop, drip, status(COMPLETED, children=("70011", "70012"), runs=3), at=after(601))
    assert (drip.progress, drip.delivered) == (Progress.PARTIAL, 170)
    assert drip.refunded == due(drip, 130)
    hold = hold_of(drip)
    assert (hold.earned, hold.refunded) == (drip.charge - drip.refunded, drip.refunded)
    assert adds_up()


def test_a_run_that_is_listed_after_the_end_is_not_paid_back_before(shop: Shop, alice: User, drip: Order) -> None:
    """Some panels call a drip-feed completed as its last run begins, and list that one a moment later."""
    answered(shop, drip, status(COMPLETED, children=("1", "2")))
    for i in ("1", "2"):
        child_answered(shop, drip, i, status(COMPLETED))
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(590))
    assert (drip.is_final, drip.refunded) == (False, 0)
    answered(shop, drip, status(COMPLETED, children=("1", "2", "3")), at=after(610))
    child_answered(shop, drip, "3", status(PARTIAL, remains=20))
    assert (drip.progress, drip.refunded) == (Progress.PARTIAL, due(drip, 20))
    assert adds_up()


def test_runs_that_are_never_listed_are_paid_back_once_that_is_believable(shop: Shop, alice: User, drip: Order) -> None:
    answered(shop, drip, status(COMPLETED, children=("1",)))
    child_answered(shop, drip, "1", status(COMPLETED))
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(400))
    child_answered(shop, drip, "2", status(COMPLETED))
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(990))
    assert (drip.is_final, drip.refunded) == (False, 0), "it lists one more from time to time"
    answered(shop, drip, status(IN_PROGRESS, children=("1", "2")), at=after(1000))
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(1010))
    assert drip.refunded == 0, "it ran again, and ended only now"
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(1611))
    assert (drip.progress, drip.refunded) == (Progress.PARTIAL, due(drip, 100))
    answered(shop, drip, status(COMPLETED, children=("1", "2")), at=after(9000))
    assert drip.refunded == due(drip, 100)
    assert adds_up()


def test_a_late_partial_of_a_run_pays_the_difference_and_nothing_is_paid_twice(shop: Shop, drip: Order) -> None:
    ids = ("1001", "1002", "1003")
    answered(shop, drip, status(COMPLETED, children=ids))
    for i in ids:
        child_answered(shop, drip, i, status(COMPLETED, remains=0))
    assert (drip.progress, drip.refunded) == (Progress.COMPLETED, 0)
    child_answered(shop, drip, "1002", status(PARTIAL, remains=40))
    assert (drip.progress, drip.refunded) == (Progress.PARTIAL, due(drip, 40))
    child_answered(
        shop,
        drip,
        "1002",
        status(COMPLETED),
        status(PARTIAL, remains=10),
        status(PARTIAL, remains=40),
        status(CANCELED),
    )
    assert drip.refunded == due(drip, 100)
    answered(shop, drip, status(COMPLETED, children=ids), status(IN_PROGRESS, children=ids))
    assert drip.refunded == due(drip, 100)
    assert adds_up()


def test_a_canceled_drip_feed_keeps_what_its_runs_delivered(shop: Shop, alice: User, drip: Order) -> None:
    answered(shop, drip, status(CANCELED, children=("501",)))
    child_answered(shop, drip, "501", status(COMPLETED))
    assert (drip.progress, drip.refunded) == (Progress.PARTIAL, due(drip, 200))
    assert balance(alice) == 100 - drip.charge + drip.refunded


def test_nothing_delivered_pays_everything_back(shop: Shop, alice: User, drip: Order) -> None:
    answered(shop, drip, status(CANCELED, children=()))
    assert (drip.progress, drip.refunded) == (Progress.CANCELED, drip.charge)
    assert balance(alice) == 100


@pytest.mark.parametrize(
    "unclear",
    [
        status(COMPLETED, children=()),
        status(COMPLETED, children=("1",), flags=("children_unreadable",)),
        status(COMPLETED, children=tuple(str(n) for n in range(1, 60))),
    ],
)
def test_an_end_that_its_runs_do_not_explain_keeps_the_money_held(
    shop: Shop, drip: Order, unclear: OrderStatus
) -> None:
    answered(shop, drip, unclear)
    assert drip.needs_review
    assert not drip.is_final
    assert (hold_of(drip).earned, hold_of(drip).refunded) == (0, 0)


def test_a_run_that_cannot_be_read_waits_for_a_person(shop: Shop, drip: Order) -> None:
    answered(shop, drip, status(COMPLETED, children=("1", "2", "3")))
    for i in ("1", "2"):
        child_answered(shop, drip, i, status(COMPLETED))
    child_answered(shop, drip, "3", status(PARTIAL))
    assert "child order 3" in drip.needs_review
    assert not drip.is_final
    child_answered(shop, drip, "3", *[ItemError(ErrorClass.UNKNOWN_ORDER)] * 10, status(PARTIAL, remains=50))
    assert (drip.progress, drip.refunded) == (Progress.PARTIAL, due(drip, 50))
    assert drip.needs_review == ""


def remarks(order: Order) -> int:
    return order.events.filter(kind=EventKind.REMARK).count()


def test_two_runs_that_need_a_look_are_shown_once_and_one_after_the_other(shop: Shop, drip: Order) -> None:
    answered(shop, drip, status(COMPLETED, children=("1", "2", "3")))
    child_answered(shop, drip, "3", status(COMPLETED))
    for _poll in range(3):
        for i in ("1", "2"):
            child_answered(shop, drip, i, status(PARTIAL))
    assert remarks(drip) == 1
    assert "child order 1:" in drip.needs_review
    child_answered(shop, drip, "1", status(PARTIAL, remains=50))
    assert "child order 2:" in drip.needs_review
    child_answered(shop, drip, "2", status(PARTIAL), status(PARTIAL, remains=50))
    assert (drip.needs_review, drip.refunded, remarks(drip)) == ("", due(drip, 100), 2)


def test_a_run_and_its_parent_do_not_take_each_others_place_before_the_owner(shop: Shop, drip: Order) -> None:
    answered(shop, drip, status(IN_PROGRESS, children=("1",)))
    for _poll in range(3):
        child_answered(shop, drip, "1", status(PARTIAL))
        answered(shop, drip, status(COMPLETED, children=("1",), flags=("children_unreadable",)))
    assert remarks(drip) == 2
    assert "cannot be read" in drip.needs_review


def test_a_run_that_stays_unknown_after_an_outage_is_shown_to_the_owner(shop: Shop, drip: Order) -> None:
    answered(shop, drip, status(IN_PROGRESS, children=("1",)))
    child = drip.children.get()
    batch = Batch(shop.provider, {}, database_now(), {"1": child.pk})
    for _time in range(11):
        poll.record_failure(batch, Unavailable("timeout", outage=True), now=database_now())
    assert child_answered(shop, drip, "1", ItemError(ErrorClass.UNKNOWN_ORDER)).needs_review
    assert "child order 1" in drip.needs_review


def test_another_orders_number_is_never_taken_for_a_run(shop: Shop, alice: User, drip: Order) -> None:
    other = bought(shop, alice)
    answered(shop, drip, status(COMPLETED, children=(str(other.upstream_id), "9001")))
    assert list(drip.children.values_list("upstream_id", flat=True)) == ["9001"]
    assert Alert.objects.filter(cause=f"order:{drip.pk}:loss").exists()
    child_answered(shop, drip, "9001", status(COMPLETED))
    assert hold_of(drip).earned == 0


def test_a_run_in_a_foreign_currency_is_not_computed_with_and_shown_to_the_owner(shop: Shop, drip: Order) -> None:
    answered(shop, drip, status(IN_PROGRESS, children=("31",)))
    strange = status(COMPLETED, charge=Decimal("7.10"), currency="RUB", flags=("currency_differs",))
    assert child_answered(shop, drip, "31", strange).charge is None
    assert drip.provider_charge is None
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:order_currency", severity="money").exists()


def test_children_and_orders_stand_in_one_line(shop: Shop, alice: User, drip: Order) -> None:
    answered(shop, drip, status(IN_PROGRESS, children=("31", "32")))
    now = database_now()
    Order.objects.update(next_poll_at=now)
    ChildOrder.objects.filter(upstream_id="31").update(next_poll_at=now.replace(year=2020))
    type(shop.provider).objects.update(batch_size=2)
    shop.provider.refresh_from_db()
    first = poll.claim_batch(shop.provider, now=now)
    assert "31" in first.children
    assert len(first.asked) == 2
    second = poll.claim_batch(shop.provider, now=now)
    assert len(second.asked) == 1
    assert set(first.asked) | set(second.asked) == {"31", "32", drip.upstream_id}
    assert not poll.claim_batch(shop.provider, now=now).asked


def test_a_parent_and_its_child_are_asked_for_in_one_call(shop: Shop, alice: User, drip: Order) -> None:
    shop.simulator.control(advance=5)
    shop.follows()
    [child] = drip.children.all()[:1]
    now = database_now()
    Order.objects.update(next_poll_at=now)
    ChildOrder.objects.update(next_poll_at=None, answered_at=None)
    ChildOrder.objects.filter(pk=child.pk).update(next_poll_at=now)
    before = shop.simulator.record()["requests"]["actions"]["status"]
    batch = poll.claim_batch(shop.provider, now=now)
    assert set(batch.asked) == {drip.upstream_id, child.upstream_id}
    asked_once(batch)
    assert shop.simulator.record()["requests"]["actions"]["status"] == before + 1
    child.refresh_from_db()
    assert child.answered_at == now


def test_a_subscription_reserves_the_most_it_can_cost(shop: Shop, alice: User, subscription: Order) -> None:
    assert (subscription.quantity, subscription.total) == (100, 300)
    assert subscription.charge == Decimal("0.351")
    [accepted] = shop.accepted()
    sent = {"service": "3", "username": "bob", "min": "100", "max": "100", "posts": "2", "old_posts": "1", "delay": "0"}
    assert accepted["fields"] == sent


def test_each_post_earns_its_share_and_the_end_returns_the_rest(shop: Shop, alice: User, subscription: Order) -> None:
    answered(shop, subscription, status(ACTIVE, children=("81",), posts=3))
    child_answered(shop, subscription, "81", status(COMPLETED, charge=Decimal("0.09")))
    assert hold_of(subscription).earned == Decimal("0.117")
    answered(shop, subscription, status(ACTIVE, children=("81", "82"), posts=3))
    child_answered(shop, subscription, "82", status(PARTIAL, remains=50, charge=Decimal("0.045")))
    assert hold_of(subscription).earned == Decimal("0.1755")
    assert hold_of(subscription).refunded == 0
    answered(shop, subscription, status(EXPIRED, children=("81", "82"), posts=3))
    hold = hold_of(subscription)
    assert (subscription.progress, hold.earned, hold.refunded) == (
        Progress.EXPIRED,
        Decimal("0.1755"),
        Decimal("0.1755"),
    )
    assert subscription.delivered == 150
    assert balance(alice) == 100 - Decimal("0.1755")
    assert adds_up()


def test_a_subscription_lives_to_its_end_at_a_real_panel(shop: Shop, alice: User, likes: Service) -> None:
    shop.simulator.control(fates={"completed": 1})
    order = placed(shop, shop.subscribes(alice, likes, posts="3", min="50", max="150"))
    for _n in range(6):
        shop.simulator.control(advance=600)
        shop.follows()
        shop.follows()
    order.refresh_from_db()
    delivered = sum(a["quantity"] for a in shop.accepted() if a["parent"])
    assert order.children.count() == 3
    assert (order.progress, order.delivered) == (Progress.COMPLETED, delivered)
    assert order.refunded == due(order, 450 - delivered)
    assert order.provider_charge == Decimal(delivered) * Decimal("0.0009")
    assert adds_up()


def test_a_post_of_unknown_size_waits_for_a_person(shop: Shop, alice: User, likes: Service) -> None:
    order = placed(shop, shop.subscribes(alice, likes, min="50", max="150"))
    answered(shop, order, status(EXPIRED, children=("7",)))
    child_answered(shop, order, "7", status(COMPLETED))
    assert "child order 7" in order.needs_review
    assert not order.is_final
    child_answered(shop, order, "7", status(COMPLETED, charge=Decimal("0.108")))
    assert (order.delivered, order.refunded) == (120, due(order, 180))


def test_a_subscription_without_posts_pays_everything_back(shop: Shop, alice: User, subscription: Order) -> None:
    answered(shop, subscription, status(EXPIRED, children=()))
    assert (subscription.progress, subscription.refunded) == (Progress.CANCELED, subscription.charge)
    assert balance(alice) == 100


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"username": ""}, "username"),
        ({"username": "two words"}, "username"),
        ({"posts": ""}, "posts"),
        ({"posts": "0"}, "posts"),
        ({"posts": "60", "old_posts": "41"}, "posts"),
        ({"min": "5"}, "min"),
        ({"max": "1001"}, "max"),
        ({"min": "200", "max": "100"}, "max"),
        ({"delay": "7"}, "delay"),
        ({"expiry": "31.12.2030"}, "expiry"),
        ({"expiry": "01/01/2001"}, "expiry"),
    ],
)
def test_a_subscription_that_cannot_be_ordered_says_why(
    shop: Shop, likes: Service, fields: dict[str, str], wrong: str
) -> None:
    typed = {"username": "bob", "posts": "2", "min": "100", "max": "100", "delay": "0", **fields}
    with pytest.raises(BadFields) as no:
        quote(service_id=likes.pk, fields=typed, now=database_now())
    assert list(no.value.problems) == [wrong]


def test_a_day_is_sent_as_the_provider_writes_it(shop: Shop, likes: Service) -> None:
    typed = {"username": "@bob", "posts": "2", "min": "100", "max": "100", "delay": "30", "expiry": "2130-12-31"}
    sent = quote(service_id=likes.pk, fields=typed, now=database_now()).fields.sent
    assert (sent["expiry"], sent["username"]) == ("31/12/2130", "bob")
