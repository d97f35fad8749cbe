"""What is known of a lost order without a search: ids in spoiled answers, stored answers, lists of orders, balances."""

from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import User
from catalog.models import Provider, UnlistedText
from catalog.providers.connection import client_for
from core.clock import database_now
from orders.doubt import late
from orders.doubt.hints import NAMED_BY_ANSWER
from orders.forwarding import lanes, leases, outcomes
from orders.models import ForwardAttempt, Order, OwnId, ProviderExchange
from orders.states import Forward, Outcome
from tests.orders.cast import Shop, balance, until
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    LOST_NOT_PLACED,
    SETTLE,
    ages,
    attempt_of,
    buys_and_sends,
    id_at_provider,
    resolves,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


def test_an_id_in_a_spoiled_answer_is_asked_for_first(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="order_and_error_p")
    assert attempt_of(lost).unconfirmed_id
    resolves(shop, 1)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert attempt_of(lost).evidence["resolved"]["how"] == NAMED_BY_ANSWER


def test_an_id_that_names_another_lost_order_is_not_taken(shop: Shop, alice: User) -> None:
    """The panel refused the second for the link of the first, and named the first: nobody knew that number yet."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    [number] = id_at_provider(shop, lost)
    refused = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ForwardAttempt.objects.filter(order=refused).update(unconfirmed_id=number)
    resolves(shop, 3)
    refused.refresh_from_db()
    assert refused.forward_state == Forward.IN_DOUBT
    assert attempt_of(lost).outcome in (Outcome.IN_DOUBT, Outcome.PLACED)


def says_to_a_worker_that_died(shop: Shop, lost: Order, body: str) -> None:
    """What was said of the lost order is stored, and nobody has recorded it."""
    said = {"action": "add", "send_calls": 2, "http_status": 200, "body": body, "complete": True}
    said |= {"answered_at": 0.1, "content_type": "application/json", "url": shop.provider.url}
    ProviderExchange.objects.create(
        provider=shop.provider,
        action="add",
        forward_attempt=attempt_of(lost),
        http_status=200,
        send_calls=2,
        transcript=said,
    )


def test_an_answer_that_was_stored_by_a_worker_that_died_is_read(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    [number] = id_at_provider(shop, lost)
    says_to_a_worker_that_died(shop, lost, f'{{"order": {number}}}')
    resolves(shop, 1)
    lost.refresh_from_db()
    assert lost.upstream_id == number


def test_a_stored_answer_is_read_again_when_the_database_went_away_meanwhile(
    shop: Shop, alice: User, monkeypatch: Any
) -> None:
    def goes_away(*_args: Any, **_more: Any) -> None:
        raise OperationalError("the database is restarting")

    order = shop.buys(alice)
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "record", goes_away)
        with pytest.raises(OperationalError):
            shop.forwards()
        lanes.end_kept()
        until(lambda: leases.expire(now=database_now()))
        with pytest.raises(OperationalError):
            late.read_late_answers(shop.provider, now=database_now())
    late.read_late_answers(shop.provider, now=database_now())
    order.refresh_from_db()
    assert [order.upstream_id] == id_at_provider(shop, order)


def test_unknown_words_in_a_stored_answer_are_no_refusal(shop: Shop, alice: User) -> None:
    """The panel said in its language that all is well, and the worker that would have read the balance has died."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    paid = balance(alice)
    says_to_a_worker_that_died(shop, lost, '{"error": "Siparişiniz alındı"}')
    resolves(shop, 1)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT
    assert balance(alice) == paid
    assert UnlistedText.objects.get().text == "siparişiniz alındı"
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 1)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)


def test_a_list_of_recent_orders_shows_the_lost_one(shop: Shop, alice: User) -> None:
    shop.simulator.control(capabilities={"orders": True})
    Provider.objects.update(can_list_orders=True, probing_enabled=False)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    absent = buys_and_sends(shop, alice, quantity=800, fault=LOST_NOT_PLACED)
    resolves(shop, 1)
    lost.refresh_from_db()
    absent.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert absent.forward_state == Forward.IN_DOUBT  # an empty list proves nothing


@pytest.mark.parametrize("is_listed_as_nobodys", [True, False])
def test_an_older_order_of_ones_own_hand_in_the_list_is_not_the_lost_one(
    shop: Shop, alice: User, is_listed_as_nobodys: bool
) -> None:
    """The owner bought the same with the same key an hour ago, and panels write times without their zone."""
    shop.simulator.control(capabilities={"orders": True})
    Provider.objects.update(can_list_orders=True)
    buys_and_sends(shop, alice, quantity=500)
    fields = {"service": 1, "link": "https://example.com/p/same?fate=stuck", "quantity": 700}
    by_hand = client_for(shop.provider, deadline=5).add({name: str(value) for name, value in fields.items()}).order_id
    shop.simulator.control(advance=3600)
    if is_listed_as_nobodys:
        OwnId.objects.create(
            provider=shop.provider, upstream_id=by_hand, first_seen_at=database_now(), explained="orphan"
        )
    else:
        buys_and_sends(shop, alice, quantity=600)
    shop.simulator.control(script=[LOST_NOT_PLACED], actions=["add"])
    lost = shop.buys(alice, quantity=700, link=str(fields["link"]))
    shop.forwards()
    resolves(shop, 1)
    lost.refresh_from_db()
    assert (lost.forward_state, lost.upstream_id) == (Forward.IN_DOUBT, None)


def test_a_balance_that_fell_forbids_to_call_it_not_placed(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    attempt = attempt_of(lost)
    assert attempt.evidence["balance"]["fell_by_cost"] is False
    evidence = {**attempt.evidence, "balance": {**attempt.evidence["balance"], "fell_by_cost": True}}
    ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW
    assert attempt_of(lost).evidence["review"]["because"] == "paid_for"


def test_the_balance_around_a_placed_and_lost_order_fell_by_its_cost(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    assert attempt_of(lost).evidence["balance"]["fell_by_cost"] is True
