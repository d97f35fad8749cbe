"""Jobs: each object is asked about once, whatever dies in between; stopped and frozen jobs ask nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import get_language

from accounts.models import User
from core.clock import database_now
from core.refusals import Refusal
from notices import causes
from notices.models import Alert
from orders import freezing, sweep
from orders.jobs import kinds, running
from orders.jobs.kinds import JobKind, register
from orders.jobs.of_orders import CANCEL, REFILL, preview, start_for_orders
from orders.jobs.starting import MOST_OBJECTS, MOST_RUNNING, NothingToDo, TooMany, TooManyRunning, start_job, stop_job
from orders.models import EventKind, Job, JobItem, Order, Refill, ShopState
from orders.states import Forward, JobItemState, JobState, Progress
from tests.orders.cast import Shop, balance, customer
from tests.orders.jobs.dying import lapse, run_and_die

pytestmark = pytest.mark.django_db(transaction=True)


def completed(shop: Shop, who: User, count: int) -> list[Order]:
    """Orders that can be refilled, without the way there."""
    orders = [shop.buys(who, quantity=1, link=f"https://example.com/c/{n}") for n in range(count)]
    for order in orders:
        moved = Order.objects.filter(pk=order.pk)
        for state in (Forward.CLAIMED, Forward.SENDING):
            moved.update(forward_state=state, next_at=None)
        moved.update(
            forward_state=Forward.PLACED, upstream_id=f"u{order.pk}", progress=Progress.COMPLETED,
            finished_at=database_now(),
        )  # fmt: skip
    return orders


def started(who: User, orders: list[Order], kind: JobKind = REFILL, nonce: str = "one") -> Job:
    numbers = [order.pk for order in orders]
    return start_for_orders(customer=who, kind=kind, numbers=numbers, nonce=nonce, now=database_now())


def states_of(job: Job) -> list[str]:
    return list(job.items.order_by("object_id").values_list("state", flat=True))


def test_each_order_of_a_job_gets_its_result(shop: Shop, alice: User) -> None:
    orders = completed(shop, alice, 3)
    queued = shop.buys(alice)
    job = started(alice, [*orders, queued])
    assert running.run_due() == 4
    job.refresh_from_db()
    assert (job.state, job.done, job.refused, job.failed, job.total) == (JobState.DONE, 3, 1, 0, 4)
    assert job.finished_at is not None
    assert Refill.objects.count() == 3
    assert job.items.get(object_id=queued.pk).message == "Only a completed order can be refilled."
    assert running.run_due() == 0
    for order in orders:
        assert order.events.filter(kind=EventKind.REFILL_ASKED, actor=alice.email).count() == 1


def test_a_bulk_cancel_brings_the_money_of_each_unsent_order_back(shop: Shop, alice: User) -> None:
    before = balance(alice)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(5)]
    job = started(alice, orders, CANCEL)
    assert running.run_due() == 5
    assert balance(alice) == before
    assert states_of(job) == [JobItemState.DONE] * 5
    assert job.items.first().message == "Canceled. Its money is back in your wallet."  # type: ignore[union-attr]


def test_the_same_form_sent_again_starts_nothing_again(shop: Shop, alice: User) -> None:
    orders = completed(shop, alice, 2)
    job = started(alice, orders)
    running.run_due()
    assert started(alice, orders).pk == job.pk
    assert (running.run_due(), Refill.objects.count(), Job.objects.count()) == (0, 2, 1)


def test_a_second_job_about_the_same_orders_asks_nothing_twice(shop: Shop, alice: User) -> None:
    orders = completed(shop, alice, 2)
    started(alice, orders)
    second = started(alice, orders, nonce="two")
    running.run_due()
    assert Refill.objects.count() == 2
    assert states_of(second) == [JobItemState.REFUSED] * 2


def test_orders_of_others_are_left_out(shop: Shop, alice: User) -> None:
    bob = customer("bob@example.com")
    [own], [his] = completed(shop, alice, 1), completed(shop, bob, 1)
    assert [item.object_id for item in started(alice, [own, his]).items.all()] == [own.pk]
    with pytest.raises(NothingToDo):
        started(alice, [his], nonce="two")


def test_what_is_too_much_is_refused(alice: User) -> None:
    many = range(1, MOST_OBJECTS + 2)
    for ask in (
        lambda: preview(customer=alice, kind=REFILL, numbers=many, now=database_now()),
        lambda: start_for_orders(customer=alice, kind=REFILL, numbers=many, nonce="n", now=database_now()),
        lambda: start_job(kind=REFILL, object_ids=list(many), nonce="n", now=database_now(), customer=alice),
    ):
        with pytest.raises(TooMany):
            ask()


def test_the_preview_says_of_each_order_why_not(
    shop: Shop, alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    orders = completed(shop, alice, 3)
    old = orders[2]
    Order.objects.filter(pk=old.pk).update(refill_days=30, finished_at=database_now() - timedelta(days=60))
    started(alice, orders[:1])
    running.run_due()
    queued = shop.buys(alice)
    numbers = [*(order.pk for order in orders), queued.pk, 10**9]
    now = database_now()
    with django_assert_num_queries(3):
        refills = preview(customer=alice, kind=REFILL, numbers=numbers, now=now)
    why = {candidate.order.pk: candidate.why_not for candidate in refills}
    assert [*why] == [queued.pk, *(order.pk for order in reversed(orders))]
    assert why[queued.pk] == "Only a completed order can be refilled."
    assert why[orders[0].pk] == "A refill of this order is under way."
    assert why[orders[1].pk] == ""
    assert why[old.pk].startswith("This order could be refilled until ")
    with django_assert_num_queries(4):
        cancels = preview(customer=alice, kind=CANCEL, numbers=numbers, now=now)
    assert [c.why_not for c in cancels] == ["", *["This order has ended."] * 3]


def test_what_the_preview_says_is_what_a_job_does(shop: Shop, alice: User) -> None:
    orders = [*completed(shop, alice, 2), shop.buys(alice)]
    for kind in (REFILL, CANCEL):
        expected = {
            c.order.pk: c.why_not
            for c in preview(customer=alice, kind=kind, numbers=[o.pk for o in orders], now=database_now())
        }
        job = started(alice, orders, kind, nonce=kind.name)
        running.run_due()
        for item in job.items.all():
            assert (item.state == JobItemState.REFUSED, item.message if item.state == JobItemState.REFUSED else "") == (
                bool(expected[item.object_id]),
                expected[item.object_id],
            )


def test_a_refill_of_a_hundred_goes_on_after_two_kills(shop: Shop, alice: User) -> None:
    orders = completed(shop, alice, 100)
    job = started(alice, orders)
    for after, done in ((30, 30), (45, 75)):
        run_and_die("refill", after)
        job.refresh_from_db()
        assert (job.done, Refill.objects.count()) == (done, done)
        assert states_of(job).count(JobItemState.CLAIMED) == 1  # the one it died at
        lapse(job)
    assert running.run_due() == 25
    job.refresh_from_db()
    assert (job.state, job.done, Refill.objects.count()) == (JobState.DONE, 100, 100)
    assert Refill.objects.values("order").distinct().count() == 100


def test_workers_side_by_side_ask_each_thing_once(shop: Shop, alice: User) -> None:
    orders = completed(shop, alice, 40)
    job = started(alice, orders)
    finished: list[int] = []

    def work() -> None:
        try:
            finished.append(running.run_due())
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    finished.append(running.run_due())
    job.refresh_from_db()
    assert (sum(finished), job.done, Refill.objects.count(), job.state) == (40, 40, 40, JobState.DONE)


def test_a_stopped_job_asks_nothing_more(shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = started(alice, completed(shop, alice, 10))
    monkeypatch.setattr(running, "_TURN", 3)
    assert running._take_turn(job, float("inf")) == 3
    assert stop_job(job, now=database_now())
    assert (running.run_due(), Refill.objects.count()) == (0, 3)
    job.refresh_from_db()
    assert (job.state, job.done, job.unsettled) == (JobState.STOPPED, 3, 7)
    assert not stop_job(job, now=database_now())


def test_a_claim_of_a_job_that_was_stopped_meanwhile_does_nothing(shop: Shop, alice: User) -> None:
    job = started(alice, completed(shop, alice, 1))
    item = running._claim(job)
    assert item is not None
    stop_job(job, now=database_now())
    assert not running._do(job, item)
    assert not Refill.objects.exists()


def test_a_claim_whose_lease_ran_out_and_was_claimed_again_does_nothing(shop: Shop, alice: User) -> None:
    job = started(alice, completed(shop, alice, 1))
    slow = running._claim(job)
    lapse(job)
    quick = running._claim(job)
    assert slow is not None
    assert quick is not None
    assert not running._do(job, slow)
    assert running._do(job, quick)
    assert Refill.objects.count() == 1


def test_a_frozen_shop_asks_nothing_and_goes_on_afterwards(shop: Shop, alice: User) -> None:
    job = started(alice, completed(shop, alice, 2))
    claimed = running._claim(job)
    assert claimed is not None
    freezing.freeze(why="test", now=database_now())
    assert not running._do(job, claimed)
    assert not running.due(database_now()).exists()
    assert (running.run_due(), Refill.objects.count()) == (0, 0)
    ShopState.objects.update(frozen_at=None)
    lapse(job)
    assert running.run_due() == 2


def test_an_object_that_breaks_ends_as_failed_and_the_others_go_on(shop: Shop, alice: User) -> None:
    tried: list[int] = []

    def act(_job: Job, item: JobItem, _now: object) -> str:
        tried.append(item.object_id)
        if item.object_id == 2:
            raise ZeroDivisionError
        if item.object_id == 3:
            raise Refusal("Not this one.")
        return "Done."

    kind = register(JobKind("breaking", str, act))
    try:
        job = start_job(
            kind=kind, object_ids=[1, 2, 3], nonce="n", now=database_now(), customer=alice
        )  # fmt: skip
        for _run in range(running.MOST_TRIES):
            running.run_due()
            lapse(job)
    finally:
        del kinds._KINDS["breaking"]
    assert states_of(job) == [JobItemState.DONE, JobItemState.FAILED, JobItemState.REFUSED]
    assert tried.count(2) == running.MOST_TRIES
    job.refresh_from_db()
    assert (job.state, job.failed) == (JobState.DONE, 1)
    assert Alert.objects.filter(cause__startswith=causes.FAILURE.key_for({"part": ""})).exists()
    with pytest.raises(ValueError, match="two kinds"):
        register(JobKind("refill", str, act))


def test_a_job_of_a_kind_that_is_gone_alerts_and_stops_no_other(shop: Shop, alice: User) -> None:
    gone = JobKind("gone", str, lambda _job, _item, _now: "")
    start_job(kind=gone, object_ids=[1], nonce="n", now=database_now(), customer=alice)
    job = started(alice, completed(shop, alice, 1))
    running.run_due()
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_results_are_in_the_language_of_who_asked(shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "mail_language", lambda _user: "ar")
    kind = register(JobKind("speaking", str, lambda _job, _item, _now: str(get_language())))
    try:
        job = start_job(kind=kind, object_ids=[1], nonce="n", now=database_now(), customer=alice)
        running.run_due()
    finally:
        del kinds._KINDS["speaking"]
    assert job.items.get().message == "ar"


def test_the_sweep_runs_jobs_and_rings_for_them(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch, unhurried: None
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(sweep, "ring", rung.append)
    sweep.ring_for_due(now=database_now())
    assert "orders.tasks.run_jobs" not in rung
    started(alice, completed(shop, alice, 2))
    sweep.ring_for_due(now=database_now())
    assert "orders.tasks.run_jobs" in rung
    assert sweep.do_due(now=database_now(), seconds=5).jobs == 2


def test_jobs_take_turns(shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long job of one customer does not keep another one waiting until its end."""
    bob = customer("bob@example.com")
    monkeypatch.setattr(running, "_TURN", 2)
    long, short = started(alice, completed(shop, alice, 9)), started(bob, completed(shop, bob, 1))
    running.run_due()
    ended = {job.pk: job.finished_at for job in Job.objects.all()}
    assert ended[short.pk] < ended[long.pk]  # type: ignore[operator]
    assert JobItem.objects.filter(state=JobItemState.DONE).count() == 10


def test_customers_take_turns_however_many_jobs_one_has_and_one_has_five_at_most(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob, turns, real = customer("bob@example.com"), list[int | None](), running._take_turn
    monkeypatch.setattr(running, "_TURN", 1)
    monkeypatch.setattr(running, "_take_turn", lambda job, until: turns.append(job.customer_id) or real(job, until))
    orders = completed(shop, alice, 6)
    for order in orders[:MOST_RUNNING]:
        started(alice, [order], nonce=f"{order.pk}")
    started(bob, completed(shop, bob, 2))
    with pytest.raises(TooManyRunning):
        started(alice, orders[MOST_RUNNING:], nonce="another")
    assert started(alice, orders, nonce=f"{orders[0].pk}").total == 1
    assert running.run_due() == 7
    assert turns == [alice.pk, bob.pk] * 2 + [alice.pk] * 3
    assert started(alice, orders[MOST_RUNNING:], nonce="another").is_running
