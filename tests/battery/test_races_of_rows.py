"""Part C, behind the counter: threads behind one barrier; whatever order they come in, the outcome is the one allowed.

The gate runs 20 rounds of each, the long version 500, each round with orders of its own in one growing shop. Races of
gateways and bonus codes wait for those to exist.
"""

import itertools
import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from accounts.models import User
from billing.models import Transfer
from core.clock import database_now
from orders import cancellations, decisions, refills, sweep
from orders.checkout.placement import place_order
from orders.doubt import late
from orders.following.poll import follow_due
from orders.forwarding import dispatch, leases, refill_sends
from orders.link_change import LinkIsFinal, change_link
from orders.models import Cancellation, ForwardAttempt, Order, Refill
from orders.states import Forward, Outcome
from tests.actors import owner_named
from tests.battery import counts
from tests.battery.crowd import *  # noqa: F403 - its fixtures
from tests.battery.crowd import ROUNDS, Crowd, Operation, of_round
from tests.battery.judge import Judge, Said, must_hold
from tests.orders.cast import Shop
from tests.orders.conftest import *  # noqa: F403 - the cast of the orders' stories
from tests.roles import unguarded

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_form_sent_32_times_is_one_order(shop: Shop, rich: User, judge: Judge, all_at_once: Crowd) -> None:
    for number in range(ROUNDS):

        def place(number: int = number) -> int:
            fields = {"link": of_round(number), "quantity": "100"}
            return place_order(
                customer=rich, service_id=shop.service.pk, fields=fields, nonce=f"once {number}", now=database_now()
            ).order.pk

        assert len(set(all_at_once([place] * 32))) == 1
        assert Order.objects.count() == Transfer.objects.filter(code="hold").count() == number + 1
        must_hold(judge.each_step())


def test_a_sweep_among_dispatchers_takes_nothing_from_them(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd, settings: Any
) -> None:
    settings.FORWARD_LANES = 4
    sweeps: list[Operation] = [lambda: sweep.do_due(now=database_now(), seconds=5)] * 4
    expiries: list[Operation] = [lambda: leases.expire(now=database_now())] * 8
    for number in range(ROUNDS):
        for one in range(4):
            shop.buys(rich, link=of_round(number, f"/{one}"))
        all_at_once([*sweeps, *expiries, *[lambda: dispatch.forward_due(seconds=5)] * 4])
        must_hold(judge.each_step())
        assert len(shop.accepted()) == 4 * (number + 1)


def test_what_is_sent_is_what_the_row_says(shop: Shop, rich: User, judge: Judge, all_at_once: Crowd) -> None:
    """As many changes of links as claims, 200 in the gate: each comes before the claim of its order, or is refused."""

    def changes(orders: Sequence[Order]) -> list[bool]:
        """Change the link of each order; return for each whether it has the new one."""
        changed = []
        for order in orders:
            try:
                changed.append(
                    change_link(
                        order_id=order.pk, link=f"{order.link}-corrected", actor=owner_named("owner"),
                        reason="a typo", now=database_now(),
                    )
                )  # fmt: skip
            except LinkIsFinal:
                changed.append(False)
        return changed

    rounds, size, editors = counts.sized(3, 2, 20), counts.sized(20, 200, 200), 20
    seen: set[bool] = set()
    for number in itertools.count():
        orders = [shop.buys(rich, link=of_round(number, f"/{one}")) for one in range(size)]
        # Each editor begins with its newest: the senders begin with the oldest, so neither is always first.
        parts = [orders[one::editors][::-1] for one in range(editors)]
        senders: list[Operation] = [lambda: dispatch.forward_due(seconds=5)] * 4
        answers = all_at_once([*senders, *[partial(changes, part) for part in parts]])[4:]
        while dispatch.forward_due(seconds=5):
            pass
        links = [sent["link"] for sent in shop.accepted()][-size:]
        for part, changed in zip(parts, answers, strict=True):
            for order, has_new in zip(part, changed, strict=True):
                order.refresh_from_db()
                assert order.link.endswith("-corrected") == has_new
                assert order.link == order.fields["link"]
                seen.add(has_new)
        assert sorted(links) == sorted(order.link for order in orders)
        must_hold(judge.each_step())
        if number + 1 >= rounds and seen == {True, False}:
            break
        assert number < 10 * rounds, f"only one side ever wins: {seen}"


def test_a_late_answer_and_the_resolver_lose_no_verdict(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    """The sweep gave the attempt up while its answer was on the way: sender and resolver both have it now."""
    readers: list[Operation] = [lambda: late.read_late_answers(shop.provider, now=database_now())] * 8
    for number in range(ROUNDS):
        order = shop.buys(rich, link=of_round(number))
        shop.simulator.hold_next_add()
        sender = threading.Thread(target=lambda: all_at_once([lambda: dispatch.forward_due(seconds=5)]))
        sender.start()
        shop.simulator.wait_for_held()
        with unguarded():
            # Its session cannot be found, so it counts as gone.
            ForwardAttempt.objects.filter(order=order).update(lane_pid=1)
        assert leases.expire(now=database_now()) == 1
        shop.simulator.release()
        all_at_once(readers)
        sender.join()
        late.read_late_answers(shop.provider, now=database_now())
        order.refresh_from_db()
        assert order.forward_state == Forward.PLACED, "N2 is broken: the answer was lost"
        must_hold(judge.each_step())


def test_polls_and_cancellations_of_one_order_pay_back_once(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    asks: list[Operation] = [lambda: cancellations.ask_due(seconds=5)] * 4
    said = judge.truth.said = {}
    for number in range(ROUNDS):
        order = shop.buys(rich, link=of_round(number, "?fate=partial:400&after=1"))
        shop.forwards()
        shop.simulator.control(advance=60)

        def poll(order: Order = order) -> int:
            Order.objects.filter(pk=order.pk).update(next_poll_at=database_now())
            return follow_due(seconds=5)

        def cancel(order: Order = order) -> object:
            return cancellations.request_cancel(order=order, actor="customer", now=database_now())

        all_at_once([*[poll] * 8, *[cancel] * 4, *asks])
        poll()
        due = Fraction(order.charge) * 400 / 1000
        said[order.link] = Said((due,), due)
        must_hold(judge.each_step())
        kinds = sorted(Transfer.objects.filter(reference=order.reference).values_list("code", flat=True))
        assert kinds == ["hold", "release", "settle"], "S1 is broken: more than one settlement of one target"


def test_one_refill_and_one_cancel_asked_16_times_are_one_each(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    sends: list[Operation] = [lambda: refill_sends.send_due(seconds=5)] * 4
    for number in range(ROUNDS):
        done = shop.buys(rich, link=of_round(number, "?fate=completed&after=1"))
        running = shop.buys(rich, link=of_round(number, "?fate=stuck"))
        shop.forwards()
        shop.simulator.control(advance=30)
        shop.follows()

        def refill(done: Order = done) -> Refill:
            return refills.request_refill(order=done, actor="customer", now=database_now())

        def cancel(running: Order = running) -> object:
            return cancellations.request_cancel(order=running, actor="customer", now=database_now())

        all_at_once([*[refill] * 16, *[cancel] * 16, *sends])
        refill_sends.send_due(seconds=5)
        assert Refill.objects.count() == len(shop.simulator.record()["refills"]) == number + 1, "F1 is broken"
        assert Cancellation.objects.count() == number + 1
        must_hold(judge.each_step())


def test_two_owners_decide_one_doubt_once(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd, settings: Any
) -> None:
    settings.DOUBT_SETTLE_SECONDS = 0
    for number in range(ROUNDS):
        shop.simulator.control(script=["close_no_answer_np"], actions=["add"])
        order = shop.buys(rich, link=of_round(number))
        shop.forwards()
        assert ForwardAttempt.objects.get(order=order).outcome == Outcome.IN_DOUBT

        def decide(refund: bool, order: Order = order) -> bool:
            owner = owner_named(f"owner {refund}")
            return decisions.decide_not_placed(
                order_id=order.pk, refund=refund, actor=owner, reason="not there", now=database_now()
            )

        said = all_at_once([lambda: decide(refund=True), lambda: decide(refund=False)] * 4)
        assert said.count(True) == 1
        order.refresh_from_db()
        back = Transfer.objects.filter(reference=order.reference, code="release").count()
        assert back == (order.forward_state == Forward.REFUNDED)
        must_hold(judge.each_step())
        # What is to be sent again must not take the fault of the next round.
        shop.forwards()


def test_a_cancel_of_what_is_being_claimed_is_sent_or_refunded_never_both(
    shop: Shop, rich: User, judge: Judge, all_at_once: Crowd
) -> None:
    sent = 0
    for number in range(ROUNDS):
        order = shop.buys(rich, link=of_round(number))

        def cancel(order: Order = order) -> object:
            return cancellations.request_cancel(order=order, actor="customer", now=database_now())

        all_at_once([*[cancel] * 4, *[lambda: dispatch.forward_due(seconds=5)] * 4])
        order.refresh_from_db()
        sent += order.forward_state != Forward.REFUNDED
        assert len(shop.accepted()) == sent, "F3 is broken"
        must_hold(judge.each_step())
