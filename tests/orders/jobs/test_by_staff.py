"""Jobs of staff: each order by the operation of its own page, once, by somebody who may; then the books add up."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing import audit as books
from core.clock import database_now
from core.models import StaffAction
from core.refusals import NoReason
from core.staff_actions import Actor
from orders import audit, freezing
from orders.jobs import running
from orders.jobs.by_staff import OF_STAFF, start_by_staff
from orders.jobs.plans import plans_of, totals_of
from orders.jobs.starting import NothingToDo, stop_job
from orders.models import Cancellation, EventKind, Job, Order, Refill
from orders.refund_by_hand import refund_by_hand, refundable
from orders.states import Forward, JobItemState, JobState
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop, balance
from tests.orders.doubts import LOST_NOT_PLACED, SETTLE, ages, buys_and_sends
from tests.orders.jobs.test_jobs import lapse, run_and_die
from upstream.states import ProviderOrderState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]


def started(staff: User, name: str, orders: Iterable[Order], *, percent: str | None = None, nonce: str = "one") -> Job:
    """Start the job that the page would start, of every order that it lists, possible or not."""
    kind, part = OF_STAFF[name], None if percent is None else Decimal(percent)
    plans = plans_of([order.pk for order in orders], kind.plan, percent=part or Decimal(100), now=database_now())
    return start_by_staff(
        person=staff, actor=Actor(f"staff:{staff.pk}", str(staff), "192.0.2.7"), kind=kind, percent=part,
        seen={plan.order.pk: plan.seen for plan in plans}, reason="provider is gone", nonce=nonce, now=database_now(),
    )  # fmt: skip


def done(
    staff: User, name: str, orders: Iterable[Order], *, percent: str | None = None, nonce: str = "one"
) -> dict[int, str]:
    """Run a job to its end; return what it says of each order. The books add up afterwards."""
    job = started(staff, name, orders, percent=percent, nonce=nonce)
    running.run_due()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert [finding for finding in books.check(audit.EQUATIONS) if not finding.holds] == []
    return dict(job.items.values_list("object_id", "message"))


def actions(name: str) -> list[StaffAction]:
    return list(StaffAction.objects.filter(action=name).order_by("id"))


def test_cancel_refunds_what_was_not_sent_and_asks_about_the_rest(shop: Shop, alice: User, staff: User) -> None:
    sent = bought(shop, alice)
    ended = answered(shop, bought(shop, alice, link="https://example.com/p/3"), status(ProviderOrderState.COMPLETED))
    before = balance(alice)
    queued = shop.buys(alice, link="https://example.com/p/2")
    said = done(staff, "staff_cancel", [queued, sent, ended])
    assert said == {
        queued.pk: "Canceled and refunded.",
        sent.pk: "The provider is asked to cancel it.",
        ended.pk: "This order has ended.",
    }
    assert balance(alice) == before
    assert Cancellation.objects.get().order_id == sent.pk
    job = Job.objects.get()
    assert {action.object_id: action.after["job"] for action in actions("order.cancel")} == {
        str(queued.pk): job.pk,
        str(sent.pk): job.pk,
    }
    assert {(a.actor, a.address, a.reason) for a in actions("order.cancel")} == {
        (f"staff:{staff.pk}", "192.0.2.7", "provider is gone")
    }
    assert actions("job.start")[0].after == {"kind": "staff_cancel", "objects": 3}


def test_a_refund_is_whole_or_a_part_of_what_is_left(shop: Shop, alice: User, staff: User) -> None:
    first = bought(shop, alice)
    second = answered(shop, bought(shop, alice, link="https://example.com/p/2"), status(ProviderOrderState.COMPLETED))
    queued = shop.buys(alice, link="https://example.com/p/3")
    before = balance(alice)
    said = done(staff, "staff_part", [first, second, queued], percent="25")
    assert said[first.pk] == said[second.pk] == "$0.2925 refunded."
    assert said[queued.pk].startswith("The provider does not have this order.")
    assert balance(alice) == before + first.charge / 2
    done(staff, "staff_refund", [first, second], nonce="two")
    assert balance(alice) == before + first.charge + second.charge
    assert done(staff, "staff_refund", [first], nonce="three") == {first.pk: "All of this order was refunded already."}
    first.refresh_from_db()
    assert (first.refunded, first.refunded_by_hand) == (first.charge, first.charge)


def test_money_that_moved_since_the_page_is_not_refunded_twice(shop: Shop, alice: User, staff: User) -> None:
    orders = [bought(shop, alice, link=f"https://example.com/p/{n}") for n in range(2)]
    job = started(staff, "staff_part", orders, percent="50")
    again = started(staff, "staff_part", orders, percent="50", nonce="two")
    refund_by_hand(
        order_id=orders[0].pk, amount=Decimal("0.1"), seen=refundable(orders[0]).seen,
        actor=Actor("staff:1", "x"), reason="late", now=database_now(),
    )  # fmt: skip
    running.run_due()
    assert list(job.items.order_by("object_id").values_list("state", flat=True)) == ["refused", "done"]
    assert set(again.items.values_list("message", flat=True)) == {
        "Money of this order has moved since you opened the page. Please look again."
    }
    orders[1].refresh_from_db()
    assert orders[1].refunded == orders[1].charge / 2


def test_only_orders_in_doubt_whose_time_is_over_are_sent_again(shop: Shop, alice: User, staff: User) -> None:
    early = buys_and_sends(shop, alice, fault=LOST_NOT_PLACED)
    queued = shop.buys(alice, link="https://example.com/p/2")
    said = done(staff, "staff_resend", [early, queued])
    assert said[early.pk] == "The provider may still carry it out. Please wait until the time shown."
    assert said[queued.pk] == "This order is not in doubt any more."
    ages(shop, SETTLE + 60)
    assert done(staff, "staff_resend", [early], nonce="two") == {early.pk: "It is sent again."}
    early.refresh_from_db()
    assert early.forward_state == Forward.QUEUED
    assert actions("doubt.not_placed")[0].after["then"] == "send again"
    again = done(staff, "staff_resend", [early], nonce="three")
    assert again == {early.pk: "This was already decided; nothing changed."}


def test_a_refill_is_asked_for_and_its_customer_reads_who_asked(shop: Shop, alice: User, staff: User) -> None:
    order = answered(shop, bought(shop, alice), status(ProviderOrderState.COMPLETED))
    assert done(staff, "staff_refill", [order]) == {order.pk: "A refill was requested."}
    assert Refill.objects.get().order_id == order.pk
    assert order.events.get(kind=EventKind.REFILL_ASKED).detail == {"by": "staff"}
    assert done(staff, "staff_refill", [order], nonce="two") == {order.pk: "A refill of this order is under way."}


def test_a_note_stands_in_the_history_of_each_order(shop: Shop, alice: User, staff: User) -> None:
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(2)]
    done(staff, "staff_note", orders)
    for order in orders:
        event = order.events.get(kind=EventKind.REMARK)
        assert (event.detail, event.actor) == ({"text": "provider is gone"}, str(staff))
    assert len(actions("order.note")) == 2


def test_the_preview_is_what_the_job_does(shop: Shop, alice: User, staff: User) -> None:
    orders = [buys_and_sends(shop, alice, fault=LOST_NOT_PLACED), bought(shop, alice, link="https://example.com/p/7")]
    ages(shop, SETTLE + 60)
    orders += [shop.buys(alice, link="https://example.com/p/8")]
    for name, kind in OF_STAFF.items():
        expected = plans_of([o.pk for o in orders], kind.plan, percent=Decimal(40), now=database_now())
        before = balance(alice)
        job = started(staff, name, orders, percent="40", nonce=name)
        running.run_due()
        refused = set(job.items.filter(state=JobItemState.REFUSED).values_list("object_id", flat=True))
        assert refused == {plan.order.pk for plan in expected if plan.why_not}, name
        assert balance(alice) - before == totals_of(expected).refund, name


def test_the_money_of_the_preview_adds_up(
    shop: Shop, alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    sent, queued = bought(shop, alice), shop.buys(alice, link="https://example.com/p/2")
    numbers = [queued.pk, sent.pk, 10**9]
    with django_assert_num_queries(6):
        plans = plans_of(numbers, OF_STAFF["staff_cancel"].plan, percent=Decimal(100), now=database_now())
    totals = totals_of(plans)
    assert (totals.orders, totals.at_once, totals.refund, totals.later) == (2, 1, queued.charge, sent.charge)
    assert [totals.paid, totals.paid_after, totals.cost_after] == [queued.charge + sent.charge, 0, 0]
    assert totals.profit == totals.paid - totals.cost
    half = totals_of(plans_of(numbers, OF_STAFF["staff_part"].plan, percent=Decimal(50), now=database_now()))
    assert (half.orders, half.refund, half.cost) == (1, sent.charge / 2, half.cost_after)
    assert half.profit_after == half.profit - half.refund


def test_a_refund_of_many_that_is_killed_twice_refunds_each_once(shop: Shop, alice: User, staff: User) -> None:
    orders = [shop.buys(alice, quantity=100, link=f"https://example.com/p/{n}") for n in range(12)]
    while shop.forwards():
        pass
    before = balance(alice)
    job = started(staff, "staff_part", orders, percent="50")
    for after, finished in ((4, 4), (5, 9)):
        run_and_die("staff_part", after)
        job.refresh_from_db()
        assert job.done == finished
        assert balance(alice) == before + finished * orders[0].charge / 2
        lapse(job)
    assert running.run_due() == 3
    job.refresh_from_db()
    assert (job.state, job.done, len(actions("order.refund"))) == (JobState.DONE, 12, 12)
    assert balance(alice) == before + 6 * orders[0].charge
    assert [finding for finding in books.check(audit.EQUATIONS) if not finding.holds] == []


def test_two_clicks_start_one_job(shop: Shop, alice: User, staff: User) -> None:
    order = bought(shop, alice)
    assert started(staff, "staff_part", [order], percent="50") == started(staff, "staff_part", [order], percent="50")
    assert (running.run_due(), Job.objects.count(), len(actions("job.start"))) == (1, 1, 1)


def test_a_job_without_a_reason_or_orders_does_not_start(shop: Shop, alice: User, staff: User) -> None:
    given: dict[str, Any] = {
        "person": staff, "actor": Actor("staff:1", "x"), "kind": OF_STAFF["staff_note"], "percent": None,
        "nonce": "n", "now": database_now(),
    }  # fmt: skip
    with pytest.raises(NoReason):
        start_by_staff(**given, seen={1: ""}, reason=" ")
    with pytest.raises(NothingToDo):
        start_by_staff(**given, seen={}, reason="x")
    assert not Job.objects.exists()


@pytest.mark.parametrize("lost", ["is_active", "is_staff", "is_superuser"])
def test_a_job_of_somebody_who_lost_the_right_does_nothing(shop: Shop, alice: User, staff: User, lost: str) -> None:
    job = started(staff, "staff_refund", [bought(shop, alice)])
    User.objects.filter(pk=staff.pk).update(**{lost: False})
    running.run_due()
    assert job.items.get().message == "The person who started this is not allowed to do it any more."
    assert Order.objects.get().refunded == 0


def test_a_frozen_shop_or_a_stop_ends_it_between_two_orders(
    shop: Shop, alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [bought(shop, alice, link=f"https://example.com/p/{n}") for n in range(4)]
    job = started(staff, "staff_refund", orders)
    monkeypatch.setattr(running, "_TURN", 1)
    assert running._take_turn(job, float("inf")) == 1
    freezing.freeze(why="test", now=database_now())
    assert running.run_due() == 0
    assert stop_job(job, now=database_now(), by=Actor(f"staff:{staff.pk}", str(staff)))
    assert Order.objects.filter(refunded__gt=0).count() == 1
    assert [action.actor for action in actions("job.stop")] == [f"staff:{staff.pk}"]


def test_an_order_that_is_being_sent_is_left_alone(shop: Shop, alice: User, staff: User) -> None:
    order = shop.buys(alice)
    Order.objects.filter(pk=order.pk).update(forward_state=Forward.CLAIMED, next_at=None)
    job = started(staff, "staff_cancel", [order])
    running.run_due()
    assert job.items.get().message == "This order is being sent. Try again in a moment."
    order.refresh_from_db()
    assert (order.forward_state, order.refunded) == (Forward.CLAIMED, 0)
