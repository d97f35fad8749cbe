"""Home is the price list, for everybody: found, filtered, grouped, and fast however long it is."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from catalog.bulk import refresh_statistics
from catalog.facts.histogram import step_of
from catalog.models import Provider, ProviderService, Service, ServiceDay, ServiceFigures
from catalog.shop.platforms import platform_of
from catalog.shop.search_text import fold
from core.clock import database_now
from orders.facts.days import day_of
from orders.facts.week import add_up_week
from tests.pages.cast import provider_of, stock
from tests.prices import marked_up

pytestmark = pytest.mark.django_db


def page(client: Client, query: str = "", **headers: Any) -> str:
    answer = client.get(f"/{query}", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def names(client: Client, query: str = "") -> list[str]:
    return [row.name for row in client.get(f"/{query}").context["listing"].rows]


def test_a_visitor_sees_every_service_on_sale_with_its_price(client: Client, services: list[Service]) -> None:
    html = page(client)
    assert "Instagram Followers · 30-day refill" in html
    assert marked_up(Decimal("1.43"), Decimal(1), Decimal(30)) == Decimal("1.859")
    assert '$1.85<span class="money-sub">9</span>' in html
    assert "12 services in 10 categories" in html
    assert f"/order/?service={services[0].pk}" in html


@pytest.mark.parametrize(
    ("query", "title", "heading", "said"),
    [
        ("", "Price list ·", "Priced per 1,000.", "12 services, priced per 1,000 and"),
        ("?platform=instagram", "Instagram services ·", "Instagram services", "7 Instagram services, priced"),
        ("?platform=instagram&page=2", "Instagram services · Page 2 ·", "Instagram services", "Page 2."),
        ("?page=2", "Price list · Page 2 ·", "Price list", "Page 2."),
        ("?refill=1", "Price list ·", "Price list", "12 services"),
    ],
)
def test_each_part_of_the_list_has_words_of_its_own(
    client: Client, services: list[Service], query: str, title: str, heading: str, said: str
) -> None:
    html = page(client, query)
    assert f"<title>{title}" in " ".join(html.split())
    found = re.search(r"<h1[^>]*>\s*(.*?)\s*<", html, re.DOTALL)
    assert found is not None
    assert found[1] == heading
    description = re.search(r'<meta name="description" content="([^"]*)"', html)
    assert description is not None
    assert said in description[1]
    assert ('class="landing' in html) is (query == "")


def test_the_example_receipt_is_worked_out_by_the_shops_own_arithmetic(client: Client, services: list[Service]) -> None:
    example = client.get("/").context["example"]
    assert example.held == example.refunded + example.paid
    assert example.refunded == Decimal("0.7065")


def test_what_is_not_on_sale_is_not_shown(client: Client, services: list[Service]) -> None:
    Service.objects.filter(pk=services[0].pk).update(is_visible=False)
    assert services[0].name not in page(client)
    Provider.objects.update(is_active=False)
    assert "No services yet" in page(client)


def test_a_provider_cannot_write_markup_into_the_page(client: Client, services: list[Service]) -> None:
    html = page(client, "?q=views")
    assert "<b>instant" not in html
    assert "&lt;b&gt;instant&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("likes", "Instagram Likes · instant start"),
        ("LIKES insta", "Instagram Likes · instant start"),
        ("ｌｉｋｅｓ", "Instagram Likes · instant start"),  # full width
        ("𝐥𝐢𝐤𝐞𝐬", "Instagram Likes · instant start"),  # mathematical bold
        ("telegramm members", "Telegram Channel Members · 60-day refill"),
        ("votess", "Poll votes"),
    ],
)
def test_search_folds_spellings_and_forgives_a_typo(
    client: Client, services: list[Service], typed: str, found: str
) -> None:
    assert found in names(client, f"?q={typed}")


def test_a_forgiven_typo_is_said(client: Client, services: list[Service]) -> None:
    html = page(client, "?q=telegramm")
    assert "Nothing matches “telegramm”" in html


def test_a_service_is_found_by_its_number(client: Client, services: list[Service]) -> None:
    # The first of what is found: a small number may also stand in another service's name.
    assert names(client, f"?q={services[4].pk}")[0] == services[4].name
    assert names(client, f"?q=%23{services[4].pk}") == [services[4].name]


def test_hits_are_marked_where_they_stand(client: Client, services: list[Service]) -> None:
    assert "Instagram <mark>Likes</mark> · instant start" in page(client, "?q=likes")


def test_filters_keep_what_offers_all_of_it(client: Client, services: list[Service]) -> None:
    assert names(client, "?refill=1&q=older") == ["TikTok Followers · older profiles"]
    assert len(names(client, "?refill=1")) == 4
    Provider.objects.update(can_refill=False)
    assert names(client, "?refill=1") == []


def test_platforms_are_told_from_the_words_and_counted(client: Client, services: list[Service]) -> None:
    links = {p.slug: p.total for p in client.get("/").context["listing"].platforms}
    assert links == {"instagram": 7, "tiktok": 2, "telegram": 1, "x": 1, "youtube": 1}
    assert names(client, "?platform=youtube") == ["YouTube Views · watched 2 to 4 min"]


def test_nothing_found_offers_to_drop_the_filter_that_hides_most(client: Client, services: list[Service]) -> None:
    html = page(client, "?q=likes&refill=1")
    assert "No service matches “likes”" in html
    assert "Clear the Refill filter" in html
    assert 'href="/?q=likes"' in html


def test_sorting_by_price_is_one_list_without_headings(client: Client, services: list[Service]) -> None:
    prices = [row.price for row in client.get("/?sort=price").context["listing"].rows]
    assert prices == sorted(prices)
    assert len(prices) == 12


def test_a_long_category_shows_its_first_services_and_leads_to_all(client: Client, db: None) -> None:
    stock(rows=[(f"Instagram Likes {n}", "Instagram · Likes", "Default", "1", 10, 1000, "") for n in range(60)])
    html = page(client)
    group = client.get("/").context["listing"].groups[0]
    assert (len(group.rows), group.total) == (4, 60)
    assert f'href="{group.link}"' in html
    path = group.link.removeprefix("/")
    assert len(names(client, path)) == 50
    assert len(names(client, f"{path}?page=2")) == 10
    assert len(names(client, f"{path}?page=99")) == 10  # past the end: the last page


def test_htmx_gets_the_list_alone_and_a_clean_address(client: Client, services: list[Service]) -> None:
    answer = client.get("/?q=likes&sort=shop&platform=", headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert "<html" not in html
    assert "Instagram <mark>Likes</mark>" in html
    assert 'id="platforms"' in html
    assert answer["HX-Replace-Url"] == "/?q=likes"
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?category=99999999999999", "?platform=zz", "?sort=;"]
)
def test_an_address_that_makes_no_sense_is_still_a_page(client: Client, services: list[Service], query: str) -> None:
    page(client, query)


def test_a_customer_reads_the_same_list_beside_the_wallet(signed_in: Client, services: list[Service]) -> None:
    html = page(signed_in)
    assert "$100.00" in html
    assert 'id="rail-wallet"' in html


@pytest.mark.parametrize(
    "query", ["", "?q=likes", "?q=folowers", "?platform=instagram&refill=1", "?sort=price&page=50"]
)
def test_hundreds_of_services_cost_few_queries(
    client: Client, django_assert_max_num_queries: Any, db: None, query: str
) -> None:
    fill(600)
    client.get("/")
    with django_assert_max_num_queries(9):
        page(client, query)


def fill(n: int) -> None:
    from catalog.models import Category, ProviderService

    provider = provider_of()
    kinds = ["Instagram Likes", "TikTok Followers", "YouTube Views", "Telegram Members", "Spotify Plays"]
    groups = Category.objects.bulk_create([Category(name=f"{kinds[i % 5]} [{i}]", position=i) for i in range(500)])
    rows = [
        ProviderService(
            provider=provider, external_id=str(i), name=f"{kinds[i % 5]} number {i}", type="Default",
            rate=Decimal("0.5"), min=10, max=1000, refill=i % 3 == 0,
        )
        for i in range(n)
    ]  # fmt: skip
    sources = ProviderService.objects.bulk_create(rows, batch_size=2000)
    sold = [
        Service(
            source=s, category=groups[i % 500], name=s.name, platform=platform_of(s.name), min=10, max=1000,
            price=Decimal("0.65") + i, position=i, search_text=fold(f"{s.name} {groups[i % 500].name} {i}"),
        )
        for i, s in enumerate(sources)
    ]  # fmt: skip
    Service.objects.bulk_create(sold, batch_size=2000)
    # As after each sync. Else the plan depends on whether autovacuum has seen the empty tables of an earlier test.
    refresh_statistics()


def test_the_measured_sentence_comes_from_the_starts_of_the_week_and_needs_fifty(
    client: Client, services: list[Service]
) -> None:
    today = day_of(database_now())
    for service, n in ((services[0], 30), (services[1], 19)):
        counts = dict.fromkeys(("orders", "whole", "partial", "canceled", "ordered", "delivered"), 0)
        counts |= dict.fromkeys(("refills", "refilled", "refills_declined"), 0)
        times = {"start_times": {str(step_of(240)): n}, "thousand_times": {}, "refill_times": {}}
        ServiceDay.objects.create(service=service, day=today, **counts, **times)
    add_up_week(today=today)
    assert "Last 7 days" not in page(client)
    ServiceDay.objects.filter(service=services[1]).update(start_times={str(step_of(240)): 20})
    add_up_week(today=today)
    said = " ".join(re.sub(r"<[^>]+>", "", page(client)).split())
    assert "Last 7 days in this shop: 50 orders started, half of them within 5 min." in said
    add_up_week(today=today + timedelta(days=7))
    assert "Last 7 days" not in page(client)


def measured(service: Service, **figures: int) -> None:
    ServiceFigures.objects.create(service=service, **figures)


def cell(html: str, row: int, css: str) -> str:
    """The words in one cell of the list's rows of services."""
    found = re.findall(rf'<td role="cell" class="{css} end">(.*?)</td>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[row]).split())


def test_measured_times_have_their_columns_and_others_the_word_of_whoever_gave_it(
    client: Client, services: list[Service]
) -> None:
    assert "1,000 takes" not in page(client)
    measured(services[0], starts_in=221, starts_orders=214, takes=2280, takes_orders=206)
    measured(services[1], starts_orders=12)
    ProviderService.objects.filter(pk=services[1].source_id).update(average_time="<i>5 h</i>")
    Service.objects.filter(pk=services[2].pk).update(own_time="a day")
    html = page(client)
    assert [cell(html, n, "c-time") for n in range(3)] == ["4 min", "– 12 orders, too few", "–"]
    assert [cell(html, n, "c-k") for n in range(3)] == ["38 min", "&lt;i&gt;5 h&lt;/i&gt; reported", "a day estimated"]
    assert "<i>5 h" not in html
    # Always of how many: here in the title, and in words where there is room.
    assert html.count('title="of 100+ orders"') == 2
    form = client.get(f"/order/?service={services[0].pk}").content.decode()
    assert " ".join(re.sub(r"<[^>]+>", " ", form).split()).count("min of 100+ orders") == 2


@pytest.mark.parametrize(("sort", "order"), [("starts", [2, 1, 0]), ("takes", [1, 2, 0])])
def test_the_list_is_sorted_by_a_time_and_what_has_none_comes_last(
    client: Client, services: list[Service], sort: str, order: list[int]
) -> None:
    measured(services[0], starts_orders=3)
    measured(services[1], starts_in=500, starts_orders=30, takes=60, takes_orders=30)
    measured(services[2], starts_in=60, starts_orders=20, takes=900, takes_orders=20)
    listed = client.get(f"/?sort={sort}").context["listing"].rows
    figured = [services[n] for n in order if n]
    assert listed[:2] == figured
    assert listed[2] == services[0]
    html = page(client, f"?sort={sort}")
    assert html.count('aria-sort="ascending"') == 1
    assert html.count('aria-sort="none"') == 2
    assert f'<option value="{sort}" selected>' in html
