"""The list of services: written once, packed as the client likes it, and never stale."""

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import brotli
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import CustomerGroup, User
from api.pricelist import KeptLists, PriceList
from catalog.facts.figures import publish_times
from catalog.models import (
    Category,
    CustomerPrice,
    FactsState,
    MarkupRule,
    Provider,
    ProviderService,
    Service,
    ServiceFigures,
)
from orders.models import Order
from tests.api.cast import Panel, key_for

pytestmark = pytest.mark.django_db


def rates(api: Panel) -> dict[int, str]:
    return {row["service"]: row["rate"] for row in api("services")}


def test_a_second_reading_asks_for_a_fingerprint_only(api: Panel, services: list[Service]) -> None:
    api("services")
    with CaptureQueriesContext(connection) as asked:
        api("services")
    assert len(asked) == 3  # the key, the fingerprint, and whether the customer has own prices


@pytest.mark.parametrize(
    "change",
    [
        lambda s: Service.objects.filter(pk=s.pk).update(price=Decimal("7.5")),
        lambda s: Service.objects.filter(pk=s.pk).update(is_visible=False),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(quarantine=["rate is 0"]),
        lambda s: ProviderService.objects.filter(pk=s.source_id).update(refill=False),
        lambda s: Category.objects.filter(pk=s.category_id).update(name="Elsewhere"),
        lambda s: Provider.objects.update(sale_stopped="wrong currency"),
        lambda s: Provider.objects.update(can_refill=False),
        lambda s: s.delete(),
    ],
)
def test_whatever_changes_a_row_is_in_the_next_answer(api: Panel, services: list[Service], change: Any) -> None:
    before = api.post("services")
    change(services[0])
    after = api.post("services")
    assert before.content != after.content
    assert before["ETag"] != after["ETag"]


def test_an_answer_of_the_provider_alone_changes_nothing(api: Panel, services: list[Service]) -> None:
    before = api.post("services")
    Provider.objects.update(balance=Decimal(5), outages=1)
    assert api.post("services")["ETag"] == before["ETag"]


@pytest.mark.parametrize(
    ("accepts", "packed", "unpack"),
    [
        ("gzip, deflate, br", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
        ("", "", bytes),
        ("identity", "", bytes),
    ],
)
def test_it_is_packed_as_the_client_likes_it(
    api: Panel, services: list[Service], accepts: str, packed: str, unpack: Any
) -> None:
    answer = api.post("services", headers={"Accept-Encoding": accepts})
    assert answer.get("Content-Encoding", "") == packed
    assert "Accept-Encoding" in answer["Vary"]
    assert len(json.loads(unpack(answer.content))) == len(services)


def test_an_unchanged_list_is_not_sent_again(api: Panel, services: list[Service]) -> None:
    etag = api.post("services")["ETag"]
    again = api.post("services", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert api.post("services", headers={"If-None-Match": '"other"'}).status_code == 200
    assert Panel("wrong").post("services", headers={"If-None-Match": etag}).json() == {"error": "Invalid API key"}


def test_a_group_reads_its_own_prices_and_pays_them(api: Panel, bob: User, services: list[Service]) -> None:
    User.objects.filter(pk=bob.pk).update(group=CustomerGroup.objects.create(name="Resellers", percent=Decimal(10)))
    resellers, service = Panel(key_for(bob)), services[0]
    assert service.price is not None
    mine, theirs = rates(api)[service.pk], rates(resellers)[service.pk]
    assert (Decimal(mine), Decimal(theirs)) == (service.price, service.price * Decimal("1.1"))

    number = resellers("add", service=service.pk, link="https://example.com/p/1", quantity=1000)["order"]
    assert Order.objects.get(pk=number).charge == Decimal(theirs)
    # Each keeps reading its own list.
    assert (rates(api)[service.pk], rates(resellers)[service.pk]) == (mine, theirs)


@pytest.mark.parametrize(
    "change",
    [
        lambda g, s: CustomerGroup.objects.filter(pk=g.pk).update(percent=Decimal(20)),
        lambda g, s: Provider.objects.update(exchange_rate=Decimal(3)),
        lambda g, s: Provider.objects.update(markup_percent=Decimal(300)),
        lambda g, s: MarkupRule.objects.create(name="Theirs", group=g, percent=Decimal(500)),
        lambda g, s: Service.objects.filter(pk=s.pk).update(own_price=Decimal(77)),
    ],
)
def test_whatever_changes_a_group_s_price_is_in_its_next_answer(
    bob: User, services: list[Service], change: Any
) -> None:
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(10))
    User.objects.filter(pk=bob.pk).update(group=group)
    api = Panel(key_for(bob))
    before = rates(api)
    change(group, services[0])
    assert Decimal(rates(api)[services[0].pk]) > Decimal(before[services[0].pk])


def test_a_measured_time_is_published_once_a_day_and_keeps_the_list_until_then(
    api: Panel, services: list[Service]
) -> None:
    figures = ServiceFigures.objects.create(service=services[0], takes=2280, takes_orders=30)
    FactsState.objects.create(time_zone="UTC", published_on=date(2026, 11, 29))
    before = api.post("services")
    assert "average_time" not in before.json()[0]
    ServiceFigures.objects.filter(pk=figures.pk).update(takes=2400)
    assert api.post("services")["ETag"] == before["ETag"]
    publish_times()
    FactsState.objects.update(published_on=date(2026, 11, 30))
    after = api.post("services")
    assert after.json()[0]["average_time"] == "40 minutes"
    assert after["ETag"] != before["ETag"]


def test_a_customer_reads_own_prices_and_nobody_else_does(
    api: Panel, services: list[Service], alice: User, bob: User
) -> None:
    usual = rates(api)[services[0].pk]
    made = CustomerPrice.objects.create(customer=alice, service=services[0], price=Decimal("7.25"))
    assert rates(api)[services[0].pk] == "7.25"
    theirs = Panel(key_for(bob))
    assert rates(theirs)[services[0].pk] == usual
    made.delete()
    assert rates(api)[services[0].pk] == usual


def list_of(size: int) -> PriceList:
    return PriceList(etag="", plain=b"x" * size, gzipped=b"", brotlied=b"")


class Maker:
    """Makes lists of ten bytes, and counts how many."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> PriceList:
        self.made += 1
        return list_of(10)


def test_many_customers_with_own_prices_each_find_their_list_again() -> None:
    lists, make = KeptLists(1000), Maker()
    for _round in range(3):
        for customer in range(100):
            lists.get((None, customer), "f", make)
    assert make.made == 100
    lists.get((None, 5), "another", make)
    assert make.made == 101


def test_the_list_that_was_read_longest_ago_goes_first() -> None:
    lists, make = KeptLists(30), Maker()
    for customer in (1, 2, 3, 1, 4, 1, 3, 4):
        lists.get((None, customer), "f", make)
    assert make.made == 4, "the second one went for the fourth"
    lists.get((None, 2), "f", make)
    assert make.made == 5
    large = list_of(99)
    assert lists.get((None, 9), "f", lambda: large) is lists.get((None, 9), "f", make), "kept alone, if it must be"
    lists.get((None, 2), "f", make)
    assert make.made == 6


def test_a_list_that_is_being_made_holds_up_nobody_who_wants_another() -> None:
    lists, begun, may_end, make = KeptLists(1000), threading.Event(), threading.Event(), Maker()

    def slow() -> PriceList:
        begun.set()
        assert may_end.wait(timeout=30)
        return make()

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(lists.get, (None, 1), "f", slow)
        assert begun.wait(timeout=30)
        twin = pool.submit(lists.get, (None, 1), "f", make)
        try:
            pool.submit(lists.get, (None, 2), "f", make).result(timeout=10)
            assert not twin.done()
        finally:
            may_end.set()
        assert twin.result(timeout=30) is first.result(timeout=30)
    assert make.made == 2
