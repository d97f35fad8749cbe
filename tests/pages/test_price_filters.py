"""Filters of the price list by price and by time to start, and the way from platform to category."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from catalog.models import Category, Service, ServiceFigures
from core.models import ShopSettings
from tests.pages.cast import stock
from tests.pages.test_price_list import names, page

pytestmark = pytest.mark.django_db


def prices(client: Client, query: str) -> list[Decimal]:
    return [row.price for row in client.get(f"/{query}").context["listing"].rows]


def test_a_highest_price_leaves_the_dearer_ones_out(client: Client, services: list[Service]) -> None:
    assert max(prices(client, "?price=1")) <= 1
    assert len(prices(client, "?price=1")) < len(prices(client, ""))
    html = page(client, "?price=0.3&q=followers")
    assert "Show every price" in html
    assert 'value="0.3" selected' in html  # also one that is not among the round ones
    assert client.get("/?price=0.3").context["listing"].query.as_address() == "/?price=0.3"


def test_round_prices_within_the_shops_own_are_offered(client: Client, services: list[Service]) -> None:
    offered = [price for _value, price in client.get("/").context["listing"].prices_up_to]
    cheapest = min(service.price for service in services if service.price)
    assert offered == sorted(offered)
    assert 1 < len(offered) <= 8
    assert all(price >= cheapest for price in offered)
    assert Decimal(1) in offered


@pytest.mark.parametrize("typed", ["0", "-1", "1e5", "x", "NaN", "1.1234567", "99999999999", "٣"])
def test_a_price_that_makes_no_sense_hides_nothing(client: Client, services: list[Service], typed: str) -> None:
    assert len(names(client, f"?price={typed}")) == len(names(client))


def test_only_measured_services_pass_a_time_to_start(client: Client, services: list[Service]) -> None:
    ServiceFigures.objects.create(service=services[0], starts_in=240, starts_orders=40)
    ServiceFigures.objects.create(service=services[1], starts_in=7200, starts_orders=40)
    ServiceFigures.objects.create(service=services[2], starts_orders=3)
    assert names(client, "?within=5") == [services[0].name]
    assert names(client, "?within=360") == [services[0].name, services[1].name]
    assert len(names(client, "?within=7")) == 12  # not one of the choices
    html = page(client, "?within=5&q=tiktok")
    assert "Show every time to start" in html
    assert "?q=tiktok" in html


def test_the_open_platform_shows_its_categories_with_counts(client: Client, services: list[Service]) -> None:
    tree = client.get("/?platform=instagram&q=followers").context["listing"].platforms
    assert [(p.slug, p.total) for p in tree] == [
        ("instagram", 3), ("tiktok", 1), ("telegram", 0), ("x", 0), ("youtube", 0)
    ]  # fmt: skip
    [opened] = [p for p in tree if p.categories]
    # What has no hit stays, so that nothing jumps while somebody types.
    assert [(c.name, c.total) for c in opened.categories][:3] == [
        ("Instagram · Followers", 3), ("Instagram · Likes", 0), ("Instagram · Comments", 0)
    ]  # fmt: skip
    address = opened.categories[0].address
    assert address == f"/categories/{services[0].category_id}-instagram-followers/?q=followers"
    assert len(client.get(address).context["listing"].rows) == 3


def test_a_platform_with_many_categories_shows_the_largest(client: Client, db: None) -> None:
    stock(rows=[(f"Likes {n}", f"Instagram {n // 2}", "Default", "1", 10, 1000, "") for n in range(101)])
    tree = client.get("/?platform=instagram").context["listing"].platforms
    assert len(tree[0].categories) == 40
    assert {c.total for c in tree[0].categories} == {2}


@pytest.mark.parametrize("query", ["?price=1", "?within=60", "?platform=instagram&price=5&q=folowers"])
def test_filters_cost_one_query_more_at_most(
    client: Client, services: list[Service], query: str, django_assert_max_num_queries: Any
) -> None:
    client.get("/")
    with django_assert_max_num_queries(8):
        page(client, query)


def test_the_owners_text_stands_below_the_headline_and_for_search_engines(
    client: Client, services: list[Service]
) -> None:
    cache.clear()
    ShopSettings.objects.update(home_text="Fast & <fair>.\n\nSince 2019.")
    html = page(client)
    assert "<p>Fast &amp; &lt;fair&gt;.</p>" in html
    assert '<meta name="description" content="Fast &amp; &lt;fair&gt;.' in html
    assert "paid from a prepaid wallet" not in html.partition("<main")[2].partition("</main>")[0]
    assert "Fast &amp;" not in page(client, "?q=likes").partition("<main")[2]
    ShopSettings.objects.update(home_text="")


def test_a_category_has_the_owners_text_and_what_was_measured(client: Client, services: list[Service]) -> None:
    Category.objects.filter(pk=services[0].category_id).update(description="For <public> profiles.")
    html = client.get(f"/categories/{services[0].category_id}/", follow=True).content.decode()
    assert "<p>For &lt;public&gt; profiles.</p>" in html
    assert '<meta name="description" content="For &lt;public&gt; profiles.">' in html
    assert "Delivered whole" not in html
