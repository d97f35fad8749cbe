"""A second order for a link while the first is open: warned about, kept in the queue, or refused."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.models import Hold
from catalog.models import Provider, SameLink, Service
from core.clock import database_now
from orders import sweep, timeouts
from orders.cancellations import request_cancel
from orders.checkout.placement import Placement, place_order
from orders.checkout.same_link import LinkHasOpenOrder
from orders.checkout.waiting import release_waiting
from orders.models import Order
from orders.states import Forward
from tests.orders.cast import Shop, balance, customer, service_of

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/p/1"


def rule(shop: Shop, which: SameLink) -> None:
    Service.objects.filter(pk=shop.service.pk).update(own_same_link=which)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised; all of them begin together."""
    start, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(n: int) -> None:
        start.wait()
        try:
            results[n] = calls[n]()
        except Exception as problem:
            results[n] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_by_default_it_is_taken_and_nothing_is_looked_up(shop: Shop, alice: User) -> None:
    shop.buys(alice)
    with CaptureQueriesContext(connection) as asked:
        shop.buys(alice)
    assert [q["sql"].split()[0] for q in asked] == ["SELECT", "SELECT", "WITH", "SELECT"]  # clock first, the row last
    assert shop.forwards() == 2


def test_a_refusing_service_takes_one_order_at_a_time_for_a_link(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.REFUSE)
    first = shop.buys(alice)
    for link in (LINK, "http://www.example.com/p/1/?utm_source=x"):
        with pytest.raises(LinkHasOpenOrder, match=f"Your order #{first.pk} for this link is still open"):
            shop.buys(alice, link=link)
    assert Order.objects.count() == Hold.objects.count() == 1
    shop.buys(alice, link="https://example.com/p/2")
    assert request_cancel(order=first, actor="alice", now=database_now()) is None
    assert shop.buys(alice).pk > first.pk, "the first has ended"


def test_what_others_ordered_counts_for_nothing(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.REFUSE)
    shop.buys(customer("bob@example.com"))
    assert shop.buys(alice).waits_for_id is None


def test_another_service_and_the_default_of_the_provider(shop: Shop, alice: User) -> None:
    Provider.objects.update(same_link=SameLink.REFUSE)
    other = service_of(shop.provider, "9", name="Other")
    shop.buys(alice)
    with pytest.raises(LinkHasOpenOrder):
        shop.buys(alice)
    fields = {"link": LINK, "quantity": "10"}
    place_order(customer=alice, service_id=other.pk, fields=fields, now=database_now())
    rule(shop, SameLink.WARN)
    shop.buys(alice)


def test_of_two_at_once_one_is_taken(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.REFUSE)
    shop.buys(alice, link="https://example.com/p/0")  # the accounts are there
    found = at_once(*[lambda: shop.buys(alice)] * 4)
    assert sorted(type(result).__name__ for result in found) == ["LinkHasOpenOrder"] * 3 + ["Order"]
    assert Order.objects.count() == 2


def test_a_double_click_is_no_second_order(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.REFUSE)

    def click() -> Placement:
        fields = {"link": LINK, "quantity": "1000"}
        return place_order(customer=alice, service_id=shop.service.pk, fields=fields, nonce="n1", now=database_now())

    found = at_once(*[click] * 3)
    assert len({placement.number for placement in found}) == 1
    assert sorted(placement.is_repeat for placement in found) == [False, True, True]


def test_a_waiting_order_is_sent_when_the_one_before_it_has_ended(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.WAIT)
    first, second, third = shop.buys(alice), shop.buys(alice), shop.buys(alice)
    assert [order.waits_for_id for order in (first, second, third)] == [None, first.pk, second.pk]
    assert balance(alice) == 100 - 3 * first.charge, "its money is held like that of any order"
    assert shop.forwards() == 1
    assert release_waiting(now=database_now()) == 0
    shop.simulator.control(advance=1000)
    shop.follows()
    sweep.do_due(now=database_now(), seconds=30)
    assert [o.forward_state for o in Order.objects.order_by("id")] == [Forward.PLACED, Forward.PLACED, Forward.QUEUED]
    assert len(shop.accepted()) == 2


def test_a_waiting_order_goes_on_when_no_earlier_one_is_open(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.WAIT)
    first, second, third = shop.buys(alice), shop.buys(alice), shop.buys(alice)
    assert shop.forwards() == 1
    request_cancel(order=second, actor="alice", now=database_now())
    assert release_waiting(now=database_now()) == 0, "what the canceled order waited for is at the provider"
    shop.simulator.control(advance=1000)
    shop.follows()
    assert release_waiting(now=database_now()) == 1
    assert shop.forwards() == 1
    assert {order["order"] for order in shop.accepted()} == set(
        Order.objects.filter(pk__in=[first.pk, third.pk]).values_list("upstream_id", flat=True)
    )


def test_a_waiting_order_goes_on_when_all_before_it_were_canceled(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.WAIT)
    first, second, third = shop.buys(alice), shop.buys(alice), shop.buys(alice)
    shop.buys(customer("bob@example.com"))
    for order in (second, first):
        request_cancel(order=order, actor="alice", now=database_now())
    assert release_waiting(now=database_now()) == 1
    third.refresh_from_db()
    assert not third.waits_for_order


def test_of_two_at_once_one_waits_for_the_other(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.WAIT)
    found = sorted(at_once(*[lambda: shop.buys(alice)] * 3), key=lambda order: order.pk)
    assert [order.waits_for_id for order in found] == [None, found[0].pk, found[1].pk]


def test_waiting_ends_with_the_providers_patience(shop: Shop, alice: User) -> None:
    rule(shop, SameLink.WAIT)
    shop.buys(alice)
    shop.forwards()
    second = shop.buys(alice)
    assert timeouts.give_up(now=second.created_at + timedelta(days=1, hours=1)) == 1
    second.refresh_from_db()
    assert (second.forward_state, second.last_refusal) == (Forward.REFUNDED, "waited_for_link")
    assert second.refunded == second.charge
