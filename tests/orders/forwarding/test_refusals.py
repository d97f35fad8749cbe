"""Refusals that are not about one order: the same trouble in a row, words nobody knows, links that are busy."""

import tracemalloc
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, ProviderService, Service, UnlistedText
from catalog.providers.account import read_balance
from catalog.providers.unlisted_texts import give_meaning
from core.clock import database_now
from notices.models import Alert
from orders import timeouts
from orders.checkout.placement import place_order
from orders.forwarding import dispatch, lanes
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from tests.orders.cast import Shop, balance, customer, service_of
from tests.roles import unguarded
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


def different_orders(shop: Shop, count: int) -> list[Order]:
    """Orders that differ, each from each, in customer, service and link."""
    orders = []
    for n in range(count):
        who, what = customer(f"customer{n}@example.com"), service_of(shop.provider, str(11 + n))
        fields = {"link": f"https://example.com/p/{n}", "quantity": "100"}
        orders.append(place_order(customer=who, service_id=what.pk, fields=fields, now=database_now()).order)
    return orders


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


def test_unknown_words_for_different_customers_services_and_links_park_the_provider(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, *[TURKISH] * 3)
    orders = different_orders(shop, 4)
    shop.forwards()
    assert states(*orders) == [Forward.REFUSED] * 2 + [Forward.QUEUED] * 2
    provider = Provider.objects.get()
    assert provider.parked_reason == "unknown_text"

    give_meaning(UnlistedText.objects.get(), "maintenance", actor="owner", now=database_now())
    provider.refresh_from_db()
    assert provider.parked_at is None
    assert provider.dialect["error_map"] == {"bakiyeniz yetersiz": "maintenance"}
    due_again()
    shop.forwards()
    assert states(*orders[2:]) == [Forward.PLACED] * 2


@pytest.mark.parametrize(
    "text",
    [
        "Please enter a public profile link",
        "The channel is banned",
        "Post is private, make it public and try again",
        "Account suspended",
        "Unauthorized",
        "Temporarily under maintenance",
    ],
)
def test_one_customer_s_bad_link_ten_times_disturbs_nobody(shop: Shop, alice: User, text: str) -> None:
    balance_is_read(shop)
    bob, others = customer("bob@example.com"), service_of(shop.provider, "11")
    for _time in range(10):
        refuses(shop, f"error_known:{text}")
        shop.buys(alice)
        shop.forwards()
    provider = Provider.objects.get()
    assert (provider.parked_at, provider.parked_reason) == (None, "")
    assert not Order.objects.filter(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW]).exists()
    refuses(shop)
    order = place_order(
        customer=bob, service_id=others.pk, fields={"link": "https://example.com/b", "quantity": "100"},
        now=database_now(),
    ).order  # fmt: skip
    shop.forwards()
    assert states(order) == [Forward.PLACED]
    assert Alert.objects.filter(cause__contains="parked").count() == 0


@pytest.mark.parametrize("text", ["Account suspended", "API is Disable for this user or User Not Found!"])
def test_a_balance_that_fails_alike_parks_the_provider_at_once(shop: Shop, alice: User, text: str) -> None:
    shop.simulator.control(script=[f"error_known:{text}"], actions=["add"])
    shop.simulator.control(faults={f"error_known:{text}": 1.0}, actions=["balance"])
    orders = [shop.buys(alice), shop.buys(alice, link="https://example.com/p/2")]
    shop.forwards()
    assert Provider.objects.get().parked_reason in ("account_blocked", "invalid_key")
    assert states(*orders) == [Forward.QUEUED] * 2


def test_too_little_money_there_is_believed_once_the_balance_shows_it(shop: Shop, alice: User) -> None:
    refuses(shop, "error_known:Not enough funds")
    first, second = shop.buys(alice), shop.buys(alice, link="https://example.com/p/2")
    shop.forwards()
    assert Provider.objects.get().parked_at is None  # the balance is enough for it
    assert states(first, second) == [Forward.QUEUED, Forward.PLACED]
    assert first.last_refusal == "not_enough_funds"


def test_words_of_an_account_beside_a_good_balance_refund_the_order(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, "error_known:Account suspended")
    order = shop.buys(alice)
    shop.forwards()
    assert states(order) == [Forward.REFUSED]
    assert order.refunded == order.charge
    assert UnlistedText.objects.get().text == "account suspended"


def test_a_resting_service_rests_alone(shop: Shop, alice: User) -> None:
    others = service_of(shop.provider, "11")
    Provider.objects.update(next_sync_at=database_now() + timedelta(hours=6))
    refuses(shop, *["error_known:This service is temporarily unavailable"] * 3)
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}") for n in range(3)]
    shop.forwards()
    assert states(*orders) == [Forward.QUEUED] * 3
    provider = Provider.objects.get()
    assert provider.parked_at is None
    on_sale = Service.objects.on_sale()
    assert not on_sale.filter(pk=shop.service.pk).exists()
    assert on_sale.filter(pk=others.pk).exists()
    # Its list is read again within the hour, and then it is sold again.
    assert provider.next_sync_at is not None
    assert provider.next_sync_at <= database_now() + timedelta(hours=1)
    row = ProviderService.objects.get(pk=shop.service.source_id)
    assert (row.digest, len(row.quarantine)) == ("", 1)


def test_an_accepted_order_ends_the_count(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, TURKISH, TURKISH, "", TURKISH)
    different_orders(shop, 4)
    shop.forwards()
    provider = Provider.objects.get()
    assert provider.parked_at is None
    assert [len(alike) for alike in provider.refused_orders.values()] == [1]


def test_other_refusals_in_between_do_not_hide_the_trouble(shop: Shop, alice: User) -> None:
    balance_is_read(shop)
    refuses(shop, TURKISH, "error_known:Incorrect link", TURKISH, "error_known:Baglanti yok", TURKISH)
    different_orders(shop, 5)
    shop.forwards()
    assert Provider.objects.get().parked_reason == "unknown_text"


def test_maintenance_of_different_orders_parks(shop: Shop, alice: User) -> None:
    refuses(shop, *["error_known:Temporarily under maintenance"] * 3)
    orders = different_orders(shop, 4)
    shop.forwards()
    assert Provider.objects.get().parked_reason == "maintenance"
    assert states(*orders) == [Forward.QUEUED] * 4


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
