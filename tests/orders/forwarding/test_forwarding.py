"""Sending: at most one upstream order for each of ours, whatever happens to the answer or to us."""

import json
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from billing.models import Hold
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders.forwarding import dispatch, lanes, leases, outcomes, permits
from orders.models import EventKind, ForwardAttempt, Order, ProviderExchange
from orders.states import Forward, Outcome
from storefront.embedded.postgres import OWNER_ROLE
from tests.orders.cast import Shop, balance, provider_at, service_of, until
from tests.roles import as_role
from upstream.dialect import Dialect
from upstream.errors import InDoubt, NotSent, Refused
from upstream.exchange import Exchange
from upstream.read_add import read_add

pytestmark = pytest.mark.django_db(transaction=True)


def attempt_of(order: Order) -> ForwardAttempt:
    return order.attempts.get()


def test_an_order_is_placed_as_it_was_bought(shop: Shop, alice: User) -> None:
    order = shop.buys(alice, quantity=250, link="https://example.com/p/7?x=1&y=ä")
    assert shop.forwards() == 1

    [accepted] = shop.accepted()
    assert accepted["link"] == order.link
    assert accepted["quantity"] == 250
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    assert order.upstream_id == str(accepted["order"])
    attempt = attempt_of(order)
    assert (attempt.outcome, attempt.upstream_id, attempt.send_calls) == (Outcome.PLACED, order.upstream_id, 2)
    kinds = list(order.events.values_list("kind", flat=True))
    assert kinds == [EventKind.ACCEPTED, EventKind.SENT, EventKind.PLACED]
    assert Hold.objects.get().earned == 0


def test_the_exchange_is_stored_without_the_key(shop: Shop, alice: User) -> None:
    shop.buys(alice)
    shop.forwards()
    transcript = ProviderExchange.objects.get().transcript
    assert transcript["http_status"] == 200
    assert shop.simulator.key not in str(transcript)
    with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE):
        ProviderExchange.objects.update(transcript={})


@pytest.mark.parametrize(
    "fault",
    ["close_no_answer", "timeout_after_accept", "h502_html", "drip_headers", "short_body", "order_zero", "h204"],
)
def test_a_lost_answer_leaves_the_order_in_doubt_and_is_never_sent_again(shop: Shop, alice: User, fault: str) -> None:
    shop.simulator.control(script=[fault], actions=["add"])
    order = shop.buys(alice)
    shop.forwards()
    Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())
    shop.forwards()
    leases.expire(now=database_now() + timedelta(hours=1))
    shop.forwards()

    order.refresh_from_db()
    assert order.forward_state == Forward.IN_DOUBT
    assert len(shop.accepted()) <= 1
    assert attempt_of(order).outcome == Outcome.IN_DOUBT
    assert balance(alice) == 100 - order.charge
    assert Hold.objects.get().refunded == 0
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:doubt", closed_at=None).count() == 1


def test_a_provider_that_cannot_be_reached_is_tried_again(shop: Shop, alice: User) -> None:
    url = shop.provider.url
    Provider.objects.update(url="http://127.0.0.1:9/api/v2")
    order = shop.buys(alice)
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert order.next_at is not None
    assert order.next_at > database_now()
    first = attempt_of(order)
    assert (first.outcome, first.send_calls) == (Outcome.NOT_SENT, 0)

    Provider.objects.update(url=url, outages=0)
    Order.objects.update(next_at=database_now())
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    assert list(order.attempts.values_list("n", "outcome")) == [(1, Outcome.NOT_SENT), (2, Outcome.PLACED)]
    assert len(shop.accepted()) == 1


@pytest.mark.parametrize(
    ("text", "word"), [("Incorrect link", "bad_link"), ("Quantity less than minimal 100", "bad_quantity")]
)
def test_a_refusal_of_the_order_refunds_it(shop: Shop, alice: User, text: str, word: str) -> None:
    order = shop.buys(alice, link="https://example.com/p/1")
    _answer(shop, {"error": text})
    order.refresh_from_db()
    assert order.forward_state == Forward.REFUSED
    assert order.last_refusal == word
    assert order.refunded == order.charge
    assert balance(alice) == 100
    assert Hold.objects.get().refunded == order.charge
    assert attempt_of(order).outcome == Outcome.REFUSED


def test_an_account_refusal_parks_the_provider_and_keeps_the_queue(shop: Shop, alice: User) -> None:
    shop.simulator.control(balance="0.10")
    first, second = shop.buys(alice), shop.buys(alice)
    shop.forwards()
    shop.provider.refresh_from_db()
    assert shop.provider.parked_reason == "not_enough_funds"
    for order in (first, second):
        order.refresh_from_db()
        assert order.forward_state == Forward.QUEUED
    assert second.attempts.count() == 0
    assert balance(alice) == 100 - 2 * first.charge
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:parked").exists()


def test_an_order_number_that_another_order_has_is_a_doubt(shop: Shop, alice: User) -> None:
    first = shop.buys(alice)
    shop.forwards()
    first.refresh_from_db()
    second = shop.buys(alice)
    _answer(shop, {"order": int(first.upstream_id or 0)})
    second.refresh_from_db()
    assert second.forward_state == Forward.IN_DOUBT
    assert attempt_of(second).unconfirmed_id == first.upstream_id
    first.refresh_from_db()
    assert first.forward_state == Forward.PLACED


def test_a_claim_whose_worker_died_is_queued_again(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        assert dispatch.claim_next(lane, now=database_now()) is not None
    # The lane's session is gone with its worker; nothing had left.
    until(lambda: leases.expire(now=database_now()))
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert attempt_of(order).outcome == Outcome.RELEASED
    shop.forwards()
    assert len(shop.accepted()) == 1


def test_a_send_whose_worker_died_is_a_doubt_at_once(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        permits.permit(permits.FORWARD, lane, attempt.token)()
    shop.buys(alice, link="https://example.com/p/2")
    shop.forwards()  # the next holder of the lane notices, before any lease is over
    order.refresh_from_db()
    assert order.forward_state == Forward.IN_DOUBT
    assert [o["link"] for o in shop.accepted()] == ["https://example.com/p/2"]


def test_a_paused_worker_that_lost_its_lease_sends_nothing(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        ForwardAttempt.objects.filter(pk=attempt.pk).update(leased_until=database_now())
        with pytest.raises(permits.PermitRefused):
            permits.permit(permits.FORWARD, lane, attempt.token)()
        dispatch.send(attempt, lane)  # it wakes up and goes on regardless
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert attempt_of(order).outcome == Outcome.RELEASED
    assert shop.accepted() == []


def test_a_parked_provider_gets_no_byte_even_after_the_claim(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        Provider.objects.update(parked_at=database_now(), parked_reason="outage")
        dispatch.send(attempt, lane)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert shop.accepted() == []


def test_a_hanging_session_is_ended_when_its_lease_is_over(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with pytest.raises(Exception, match="terminat|closed|lost"), lanes.take(shop.provider.pk) as lane:  # noqa: PT012
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        permit = permits.permit(permits.FORWARD, lane, attempt.token)
        assert leases.expire(now=database_now()) == 0
        assert leases.expire(now=database_now() + timedelta(seconds=10)) == 1
        permit()
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED


def test_a_late_answer_resolves_the_doubt_that_the_sweep_made(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    shop.simulator.hold_next_add()
    sender = threading.Thread(target=_forward_in_thread, args=(shop,))
    sender.start()
    shop.simulator.wait_for_held()
    ForwardAttempt.objects.update(leased_until=database_now())
    _expire_leaving_the_session(shop)
    order.refresh_from_db()
    assert order.forward_state == Forward.IN_DOUBT

    shop.simulator.release()
    sender.join()
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED
    assert attempt_of(order).outcome == Outcome.PLACED
    assert len(shop.accepted()) == 1


def test_sixteen_dispatchers_send_one_order_once(shop: Shop, alice: User, settings: Any) -> None:
    settings.FORWARD_LANES = 16
    for number in range(5):
        shop.buys(alice, link=f"https://example.com/p/{number}")
    crowd = [threading.Thread(target=_forward_in_thread, args=(shop,)) for _ in range(16)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert sorted(o["link"] for o in shop.accepted()) == [f"https://example.com/p/{n}" for n in range(5)]
    assert Order.objects.filter(forward_state=Forward.PLACED).count() == 5


def test_the_database_refuses_a_second_live_attempt(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    shop.forwards()
    first = attempt_of(order)
    again = {f.attname: getattr(first, f.attname) for f in ForwardAttempt._meta.concrete_fields if f.attname != "id"}
    again |= {"n": 2, "token": uuid.uuid4(), "outcome": Outcome.CLAIMED}
    with pytest.raises(IntegrityError), transaction.atomic():
        ForwardAttempt.objects.create(**again)
    with pytest.raises(IntegrityError, match="does not go from"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(forward_state=Forward.CLAIMED)
    with pytest.raises(IntegrityError, match="does not go from"), transaction.atomic():
        ForwardAttempt.objects.filter(pk=first.pk).update(outcome=Outcome.CLAIMED)


def test_a_run_out_of_time_begins_no_send_and_the_next_run_goes_on(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Providers that hang keep each send for its whole deadline: one more for each would outlive the worker."""
    names = ("Bay", "Cape", "Delta", "Estuary")
    others = [provider_at(shop.simulator, name) for name in names]
    shops = [shop, *(Shop(shop.simulator, provider, service_of(provider)) for provider in others)]
    for n, one in enumerate(shops):
        order = one.buys(alice)
        Order.objects.filter(pk=order.pk).update(next_at=order.created_at - timedelta(seconds=60 - n))
    clock, asked = [0.0], list[int]()

    def hang(provider_id: int, *, until: float) -> int:
        asked.append(provider_id)
        clock[0] += 30
        Order.objects.filter(provider_id=provider_id).update(next_at=database_now() + timedelta(minutes=1))
        return 1

    monkeypatch.setattr(dispatch, "elapsed_clock", lambda: clock[0])
    monkeypatch.setattr(dispatch, "forward_provider", hang)
    assert dispatch.forward_due(seconds=60) == 2
    assert clock == [60.0]
    dispatch.forward_due(seconds=60)
    dispatch.forward_due(seconds=60)
    assert asked == [one.provider.pk for one in shops]


def _answer(shop: Shop, body: dict[str, object]) -> None:
    """Forward once; the provider answers exactly ``body``."""
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        permits.permit(permits.FORWARD, lane, attempt.token)()
        exchange = Exchange(
            action="add",
            url=shop.provider.url,
            request_fields={},
            send_calls=2,
            http_status=200,
            content_type="application/json",
            body=json.dumps(body).encode(),
            complete=True,
            answered_at=0.1,
        )
        try:
            result: Any = read_add(exchange, Dialect())
        except (Refused, NotSent, InDoubt) as failure:
            result = failure
        outcomes.record(attempt, result, now=database_now())


def _forward_in_thread(shop: Shop) -> None:
    try:
        dispatch.forward_due(seconds=10)
    finally:
        connection.close()


def _expire_leaving_the_session(shop: Shop) -> None:
    """The sweep, when the sender's session cannot be ended (another role, a pooler): only the lease counts."""
    attempt = ForwardAttempt.objects.get()
    leases.give_up_forward(attempt, database_now())
