"""Refusals that are not about one order: the same trouble in a row, words nobody knows, links that are busy."""

import tracemalloc
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, UnlistedText
from catalog.providers.account import read_balance
from catalog.providers.unlisted_texts import give_meaning
from core.clock import database_now
from orders import timeouts
from orders.forwarding import dispatch, lanes
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from tests.orders.cast import Shop, balance
from tests.orders.doubts import unguarded
from upstream.client import ProviderClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

TURKISH = "error_known:Bakiyeniz yetersiz"


def refuses(shop: Shop, *faults: str) -> None:
    shop.simulator.control(script=list(faults), actions=["add"])


def due_again() -> None:
    Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=database_now())


def states(*orders: Order) -> list[str]:
    for order in orders:
        order.refresh_from_db()
    return [order.forward_state for order in orders]


def balance_is_read(shop: Shop) -> None:
    read_balance(Provider.objects.get(), now=database_now())


def test_unknown_words_are_a_refusal_when_the_balance_did_not_fall(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, TURKISH)
    order = shop.buys(alice)
    shop.forwards()
    assert states(order) == [Forward.REFUSED]
    assert balance(alice) == 100
    words = UnlistedText.objects.get()
    assert (words.text, words.times) == ("bakiyeniz yetersiz", 1)


def test_unknown_words_are_a_doubt_when_the_balance_fell(shop: Shop, alice: User) -> None:
    """The panel said in its language that all is well, and took the money."""
    balance_is_read(shop)
    refuses(shop, TURKISH)
    order = shop.buys(alice)
    shop.simulator.control(balance=str(Decimal(shop.simulator.record()["balance"]) - order.expected_charge))
    shop.forwards()
    assert states(order) == [Forward.IN_DOUBT]
    assert balance(alice) == 100 - order.charge


def test_our_own_other_orders_explain_a_lower_balance(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, "", "", TURKISH)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(3)]
    shop.forwards()
    assert states(*orders) == [Forward.PLACED, Forward.PLACED, Forward.REFUSED]


def test_unknown_words_without_any_evidence_stay_a_doubt(shop: Shop, alice: User) -> None:
    shop.simulator.control(faults={"balance_null": 1.0}, actions=["balance"])
    refuses(shop, TURKISH)
    order = shop.buys(alice)
    shop.forwards()
    assert states(order) == [Forward.IN_DOUBT]


@pytest.mark.parametrize("bought", [False, True])
def test_without_a_balance_the_next_ids_decide(shop: Shop, alice: User, bought: bool) -> None:
    for n in range(6):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    while shop.forwards():
        pass
    shop.simulator.control(faults={"balance_null": 1.0}, actions=["balance"])
    refuses(shop, "order_and_error" if bought else TURKISH)
    order = shop.buys(alice)
    shop.forwards()
    assert states(order) == [Forward.IN_DOUBT if bought else Forward.REFUSED]


def test_an_own_order_among_the_next_ids_is_a_doubt(shop: Shop, alice: User) -> None:
    for n in range(6):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    while shop.forwards():
        pass
    shop.simulator.control(faults={"balance_null": 1.0}, actions=["balance"])
    _order_elsewhere(shop)
    refuses(shop, TURKISH)
    order = shop.buys(alice)
    shop.forwards()
    assert states(order) == [Forward.IN_DOUBT]


def test_ids_that_encode_the_time_are_not_listed_one_by_one(shop: Shop, alice: User) -> None:
    """Between two of them lie so many that to list them all would take the machine's memory."""
    for n in range(6):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}")
    while shop.forwards():
        pass
    with unguarded():
        for n, attempt in enumerate(ForwardAttempt.objects.order_by("sent_at", "id")):
            ForwardAttempt.objects.filter(pk=attempt.pk).update(upstream_id=str((n + 1) * 50_000))
    shop.simulator.control(faults={"balance_null": 1.0}, actions=["balance"])
    refuses(shop, TURKISH)
    order = shop.buys(alice)
    tracemalloc.start()
    try:
        shop.forwards()
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert states(order) == [Forward.IN_DOUBT]
    assert most < 8_000_000


def test_an_order_that_came_too_fast_makes_the_others_wait_with_it(shop: Shop, alice: User) -> None:
    refuses(shop, "h429_retry_after")
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(4)]
    shop.forwards()
    assert states(*orders) == [Forward.QUEUED] * 4
    assert shop.simulator.record()["requests"]["actions"]["add"] == 1
    due_again()
    while shop.forwards():
        pass
    assert states(*orders) == [Forward.PLACED] * 4


def test_the_same_unknown_words_in_a_row_park_the_provider_and_spare_the_queue(
    shop: Shop, alice: User, settings: Any
) -> None:
    settings.REFUSAL_STREAK = 3
    balance_is_read(shop)
    refuses(shop, *[TURKISH] * 6)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(6)]
    shop.forwards()
    assert states(*orders) == [Forward.REFUSED] * 2 + [Forward.QUEUED] * 4
    provider = Provider.objects.get()
    assert provider.parked_reason == "unknown_text"

    give_meaning(UnlistedText.objects.get(), "not_enough_funds", actor="owner", now=database_now())
    provider.refresh_from_db()
    assert provider.parked_at is None
    assert provider.dialect["error_map"] == {"bakiyeniz yetersiz": "not_enough_funds"}
    due_again()
    shop.forwards()
    provider.refresh_from_db()
    assert provider.parked_reason == "not_enough_funds"
    assert states(*orders[2:]) == [Forward.QUEUED] * 4


def test_another_answer_ends_the_row(shop: Shop, alice: User, settings: Any) -> None:
    settings.REFUSAL_STREAK = 2
    balance_is_read(shop)
    refuses(shop, TURKISH, "", TURKISH, "error_known:Incorrect link", TURKISH, "error_known:Baglanti yok")
    for n in range(6):
        shop.buys(alice, link=f"https://example.com/p/{n}")
    shop.forwards()
    assert Provider.objects.get().parked_at is None


def test_three_maintenances_in_a_row_park(shop: Shop, alice: User) -> None:
    refuses(shop, *["error_known:Temporarily under maintenance"] * 3)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(4)]
    shop.forwards()
    assert Provider.objects.get().parked_reason == "maintenance"
    assert states(*orders) == [Forward.QUEUED] * 4
    assert balance(alice) == 100 - sum(o.charge for o in orders)


def test_one_order_for_a_link_is_tried_at_a_time(shop: Shop, alice: User) -> None:
    shop.simulator.control(capabilities={"one_order_per_link": True}, seconds=600)
    first, second, third = (shop.buys(alice, link="https://example.com/p/1?fate=completed") for _n in range(3))
    other = shop.buys(alice, link="https://example.com/p/2")
    shop.forwards()
    assert states(first, second, third, other) == [Forward.PLACED, Forward.QUEUED, Forward.QUEUED, Forward.PLACED]
    assert {second.last_refusal, third.last_refusal} == {"duplicate_link"}

    due_again()
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        claimed = dispatch.claim_next(lane, now=database_now())
        assert claimed is not None
        assert claimed.order_id == second.pk
    assert third.attempts.count() == 1


def test_a_waiting_order_goes_out_when_the_link_is_free(shop: Shop, alice: User) -> None:
    shop.simulator.control(capabilities={"one_order_per_link": True}, seconds=60)
    orders = [shop.buys(alice, link="https://example.com/p/1?fate=completed") for _n in range(3)]
    for n in range(3):
        due_again()
        shop.forwards()
        assert states(*orders).count(Forward.PLACED) == n + 1
        shop.simulator.control(advance=120)
    assert len(shop.accepted()) == 3


def test_a_link_that_stays_busy_is_refunded_with_a_sentence(shop: Shop, alice: User, client: Client) -> None:
    shop.simulator.control(capabilities={"one_order_per_link": True})
    first, second = (shop.buys(alice, link="https://example.com/p/1?fate=stuck") for _n in range(2))
    shop.forwards()
    timeouts.give_up(now=database_now() + timedelta(days=2))
    assert states(first, second) == [Forward.PLACED, Forward.REFUNDED]
    client.force_login(alice)
    page = client.get(reverse("orders:order", args=[second.pk])).content.decode()
    assert "did not end in time" in page


def test_the_owner_says_in_the_admin_what_words_mean(shop: Shop, admin_client: Client) -> None:
    now = database_now()
    words = UnlistedText.objects.create(provider=shop.provider, text="<b>hata</b>", first_at=now, last_at=now)
    page = reverse("admin:catalog_unlistedtext_change", args=[words.pk])
    assert "<b>hata" not in admin_client.get(page).content.decode()
    admin_client.post(page, {"meaning": "bad_link"})
    assert Provider.objects.get().dialect["error_map"] == {"<b>hata</b>": "bad_link"}
    words.refresh_from_db()
    assert (words.meaning, words.decided_by) == ("bad_link", "admin@example.com")


def _order_elsewhere(shop: Shop) -> None:
    """An order under our key that this shop knows nothing of, as a lost answer would leave it."""
    client = ProviderClient(shop.simulator.url, shop.simulator.key, allow_private=True)
    client.add({"service": "1", "link": "https://example.com/lost", "quantity": "10"})
