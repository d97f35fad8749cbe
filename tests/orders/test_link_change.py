"""The link of an order changes while nothing of it was ever sent, and what is sent is what its row says."""

import contextlib
import threading

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from core.models import StaffAction
from core.refusals import NoReason
from core.templatetags.money import money_text
from orders import freezing
from orders.cancellations import request_cancel
from orders.checkout.same_link import LinkHasOpenOrder
from orders.checkout.waiting import release_waiting
from orders.link_change import LinkIsFinal, NotALink, change_link, may_change_link
from orders.models import EventKind, Order
from orders.pages.story import story_of
from orders.states import Forward
from tests.actors import OWNER
from tests.billing import cast as rows
from tests.orders.answers import bought
from tests.orders.cast import Shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]
NEW = "https://example.com/new"


def changes(order: Order, link: str = NEW, reason: str = "a typo") -> bool:
    is_new = change_link(order_id=order.pk, link=link, actor=OWNER, reason=reason, now=database_now())
    order.refresh_from_db()
    return is_new


def test_the_new_link_is_sent(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    before = order.link
    assert changes(order)
    assert not changes(order)
    assert (order.link, order.fields["link"], order.link_key) == (NEW, NEW, "example.com/new")
    event = order.events.get(kind=EventKind.LINK_CHANGED)
    assert (event.detail["old link"], event.detail["new link"]) == (before, NEW)
    assert NEW in [step.text for step in story_of(order, order.events.all(), now=database_now())]
    action = StaffAction.objects.get(action="order.link")
    assert (action.before, action.after, action.reason) == ({"link": before}, {"link": NEW}, "a typo")
    shop.forwards()
    [sent] = shop.accepted()
    assert sent["link"] == NEW


def test_what_was_sent_keeps_its_link(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    assert not may_change_link(order)
    with pytest.raises(LinkIsFinal):
        changes(order)
    with pytest.raises(IntegrityError, match="order_link_is_final_once_sent|never changes"):
        Order.objects.filter(pk=order.pk).update(link=NEW, fields={**order.fields, "link": NEW})


def test_while_it_is_being_sent_it_keeps_its_link(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    shop.simulator.hold_next_add()
    sender = threading.Thread(target=shop.forwards)
    sender.start()
    shop.simulator.wait_for_held()
    try:
        with contextlib.suppress(LinkIsFinal):
            changes(order)
    finally:
        shop.simulator.release()
        sender.join()
    order.refresh_from_db()
    [sent] = shop.accepted()
    assert sent["link"] == order.link, "F1 is broken: the provider was sent another link than the row has"


def test_an_order_that_was_refused_once_keeps_its_link(shop: Shop, alice: User) -> None:
    """Queued again, but what was sent is known to the provider."""
    order = shop.buys(alice)
    rows.move(order, Forward.CLAIMED)
    attempt = rows.attempt(order)
    rows.move(order, Forward.SENDING)
    rows.end(attempt, "sending", "refused", sent_at=database_now())
    rows.move(order, Forward.QUEUED)
    order.refresh_from_db()
    assert not may_change_link(order)
    with pytest.raises(IntegrityError):
        Order.objects.filter(pk=order.pk).update(link=NEW, fields={**order.fields, "link": NEW})


@pytest.mark.parametrize("link", ["", "not a link", "javascript:alert(1)", "https://example.com/" + "x" * 5000])
def test_a_bad_link_changes_nothing(shop: Shop, alice: User, link: str) -> None:
    order = shop.buys(alice)
    with pytest.raises(NotALink):
        changes(order, link)
    with pytest.raises(NoReason):
        changes(order, reason=" ")
    order.refresh_from_db()
    assert order.link != link


def test_where_one_order_at_a_time_is_taken_the_link_must_be_free(shop: Shop, alice: User) -> None:
    shop.buys(alice, link=NEW)
    order = shop.buys(alice, link="https://example.com/other")
    assert changes(order, "https://example.com/third")
    shop.service.own_same_link = "refuse"
    shop.service.save()
    with pytest.raises(LinkHasOpenOrder):
        changes(order)


def test_who_waited_for_it_waits_for_the_one_before_it(shop: Shop, alice: User) -> None:
    Service.objects.update(own_same_link="wait")
    first, second, third = shop.buys(alice), shop.buys(alice), shop.buys(alice)
    assert changes(second)
    assert (second.waits_for_id, second.waits_for_order) == (None, False), "nothing is open for its new link"
    third.refresh_from_db()
    assert (third.waits_for_id, third.waits_for_order) == (first.pk, True)
    assert changes(first, "https://example.com/elsewhere")
    third.refresh_from_db()
    assert (third.waits_for_id, third.waits_for_order) == (None, False)
    assert shop.forwards() == 3


def test_it_waits_for_an_earlier_order_for_its_new_link(shop: Shop, alice: User) -> None:
    Service.objects.update(own_same_link="wait")
    first, second = shop.buys(alice, link=NEW), shop.buys(alice)
    assert changes(second)
    assert (second.waits_for_id, second.waits_for_order) == (first.pk, True)
    assert release_waiting(now=database_now()) == 0
    with pytest.raises(LinkHasOpenOrder):
        changes(first, shop.buys(alice, link="https://example.com/later").link)
    assert changes(second, "https://www.example.com/new/")
    assert second.waits_for_id == first.pk, "the same link in another spelling"
    request_cancel(order=first, actor="alice", now=database_now())
    assert release_waiting(now=database_now()) == 1


def test_only_the_link_changes(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    with pytest.raises(IntegrityError):
        Order.objects.filter(pk=order.pk).update(link=NEW)
    with pytest.raises(IntegrityError):
        Order.objects.filter(pk=order.pk).update(link=NEW, fields={**order.fields, "link": NEW, "quantity": "5"})


def test_the_owner_changes_it_on_the_page(owner: Client, shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    url = reverse("admin:orders_order_link", args=[order.pk])
    assert url in owner.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert order.link in owner.get(url).content.decode()
    wrong = owner.post(url, {"link": "nowhere", "reason": "typo"}).content.decode()
    assert "errorlist" in wrong
    answer = owner.post(url, {"link": NEW, "reason": "typo"}, follow=True)
    assert "has the new link" in str(list(answer.context["messages"])[-1])
    order.refresh_from_db()
    assert order.link == NEW


def test_the_owner_cancels_it_on_the_page(owner: Client, shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    url = reverse("admin:orders_order_cancel", args=[order.pk])
    before = owner.get(url).content.decode()
    for words in ("What it does", "Profit", f'value="Refund {money_text(order.charge)}"'):
        assert words in before
    answer = owner.post(url, {"reason": "asked by chat"}, follow=True)
    assert "canceled and refunded" in str(list(answer.context["messages"])[-1])
    again = owner.post(url, {"reason": "asked by chat"}).content.decode()
    assert "This order has ended." in again
    order.refresh_from_db()
    assert (order.forward_state, order.refunded) == (Forward.REFUNDED, order.charge)
    assert StaffAction.objects.filter(action="order.cancel").count() == 1


def test_what_cannot_be_canceled_now_says_why(owner: Client, shop: Shop, alice: User) -> None:
    """In a shop that was restored a queued order may have been sent; the page offers what the operation would do."""
    order = shop.buys(alice)
    page = reverse("admin:orders_order_change", args=[order.pk])
    url = reverse("admin:orders_order_cancel", args=[order.pk])
    assert url in owner.get(page).content.decode()
    freezing.freeze(why="restored", now=database_now(), is_restored=True)
    shown = owner.get(page).content.decode()
    assert url not in shown
    assert "The shop is checking whether this order was sent." in shown
    assert "The provider does not have this order." in shown
    assert "What it does" not in owner.get(url).content.decode()
