"""The permanent pages of services and categories: what they say, where they lead, and what they never show."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import CustomerGroup, User
from catalog.facts.histogram import step_of
from catalog.links.examples import EXAMPLES, WEBSITE_EXAMPLE, example_link
from catalog.links.reader import read_link
from catalog.models import Category, CustomerPrice, Provider, ProviderService, Service, ServiceChange, ServiceDay
from core.clock import database_now
from pages.models import OwnPage
from tests.pages.cast import provider_of, stock

pytestmark = pytest.mark.django_db
HOSTILE = "</script><script>alert(1)</script>\"'&<!-- {{ shop }}"


def address(service: Service) -> str:
    found = Client().get(f"/services/{service.pk}/")
    return str(found["Location"]) if found.status_code == 301 else f"/services/{service.pk}/"


def html_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def data_of(html: str) -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]


def test_a_service_has_one_address_and_others_lead_to_it(client: Client, services: list[Service]) -> None:
    pk = services[0].pk
    path = f"/services/{pk}-instagram-followers-30-day-refill/"
    for other in (f"/services/{pk}/", f"/services/{pk}-old-name/", f"/services/{pk}-%D8%A7/"):
        answer = client.get(other)
        # To be asked again: the name may change back, and then this address is the right one.
        assert (answer.status_code, answer["Location"], answer["Cache-Control"]) == (301, path, "no-cache")
    assert client.get(f"/services/{pk}/?a=1")["Location"] == f"{path}?a=1"
    assert re.search(f'<link rel="canonical" href="http[^"]*{path}">', html_of(client, path))
    Service.objects.filter(pk=pk).update(name="متابعين")
    assert client.get(path)["Location"] == f"/services/{pk}/"
    assert client.get(f"/services/{pk}/").status_code == 200


def test_the_page_says_price_limits_terms_and_an_example(client: Client, services: list[Service]) -> None:
    html = html_of(client, address(services[0]))
    assert re.search(r"<h1[^>]*><bdi>Instagram Followers · 30-day refill</bdi></h1>", html)
    assert "<title>Instagram Followers · 30-day refill ·" in html
    shown = client.get(address(services[0])).context["shown"]
    assert [(c.quantity, c.amount) for c in shown.charges] == [
        (100, Decimal("0.1859")),
        (1000, Decimal("1.859")),
        (50_000, Decimal("92.95")),
    ]
    assert "The profile must be public.<br>" in html
    assert "https://instagram.com/name" in html
    assert "ask for a refill on its page" in html
    assert "No cancellation once it runs" in html
    assert f'/order/?service={services[0].pk}"' in html
    assert "too few orders to say" in html
    assert [row.pk for row in shown.others] == [services[1].pk, services[2].pk]


@pytest.mark.parametrize("n", range(12))
def test_every_type_of_service_has_a_page(client: Client, services: list[Service], n: int) -> None:
    shown = client.get(address(services[n])).context["shown"]
    kind = services[n].type
    assert bool(shown.charges) == (kind not in ("Package", "Subscriptions"))
    assert bool(shown.example) == (kind != "Subscriptions")
    assert ("Starts in" in html_of(client, address(services[n])).partition("Measured here")[2].partition("<h3")[0]) == (
        kind != "Subscriptions"
    )


def test_measured_times_shares_and_days_are_shown(client: Client, services: list[Service]) -> None:
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    ServiceDay.objects.create(
        service=services[0], day=today, orders=40, whole=30, partial=6, canceled=0, ordered=36, delivered=33,
        refills=3, refilled=2, refills_declined=1, start_times={str(step_of(240)): 40}, thousand_times={},
        refill_times={},
    )  # fmt: skip
    category = html_of(client, client.get(f"/categories/{services[0].category_id}/")["Location"])
    assert " ".join(category.partition("half of all orders")[2].split()).count("of 40 orders in 7 days") == 1
    html = html_of(client, address(services[0]))
    assert "How 36 orders ended" in html
    assert "83%" in html
    assert html.count('class="s-whole"') == 2
    assert 's-canc"' not in html
    assert 'class="is-today"' in html
    assert "In the last 30 days 3 refills were requested: 2 refilled, 1 declined, 0 running." in " ".join(html.split())


def test_a_customer_of_a_group_reads_the_price_of_the_group(
    signed_in: Client, alice: User, services: list[Service]
) -> None:
    alice.group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))
    alice.save()
    path = address(services[0])
    answer = signed_in.get(path)
    price = answer.context["service"].shown_price
    assert services[0].source.rate is not None
    assert services[0].source.rate < price < Decimal("1.859")
    assert data_of(answer.content.decode()) == []
    assert "no-store" in answer["Cache-Control"]
    way, product = data_of(html_of(Client(), path))
    assert [step["name"] for step in way["itemListElement"]][:2] == ["Price list", "Instagram"]
    assert product["@type"] == "Product"


def test_the_range_of_list_prices_is_shown_to_those_who_pay_them(
    client: Client, alice: User, services: list[Service]
) -> None:
    path = f"/categories/{services[0].category_id}/"
    client.force_login(alice)
    for has_own, shown in ((False, True), (True, False)):
        if has_own:
            CustomerPrice.objects.create(customer=alice, service=services[0], price=Decimal("1.7"))
        glance = client.get(path, follow=True).content.decode().partition('class="glance')[2].partition("</dl>")[0]
        assert ("Per 1,000" in glance) is shown


def test_search_engines_read_an_offer_at_the_lists_price(client: Client, services: list[Service]) -> None:
    product = data_of(html_of(client, address(services[0])))[1]
    assert product["offers"]["price"] == "1.85900"
    assert product["offers"]["priceSpecification"]["referenceQuantity"]["value"] == 1000
    package = data_of(html_of(client, address(services[9])))[1]
    assert package["offers"]["priceSpecification"]["referenceQuantity"]["value"] == 1


def test_a_hostile_name_ends_no_element_and_stays_readable(client: Client, services: list[Service]) -> None:
    Service.objects.filter(pk=services[0].pk).update(name=HOSTILE)
    Category.objects.filter(pk=services[0].category_id).update(name=HOSTILE)
    for path in (address(services[0]), client.get(f"/categories/{services[0].category_id}/")["Location"]):
        html = html_of(client, path)
        assert "<script>alert" not in html
        assert "<!-- {{" not in html
        assert html.count("<script") == html.count("</script>")
        assert any(HOSTILE in json.dumps(block, ensure_ascii=False).replace('\\"', '"') for block in data_of(html))


def test_a_service_that_is_gone_says_so_and_offers_near_ones(client: Client, services: list[Service]) -> None:
    ProviderService.objects.filter(pk=services[0].source_id).update(vanished_at=database_now())
    answer = client.get(f"/services/{services[0].pk}-whatever/")
    assert answer.status_code == 410
    near = answer.context["near"]
    assert [row.pk for row in near[:2]] == [services[1].pk, services[2].pk]
    assert {row.platform for row in near} == {"instagram"}
    assert services[0].name in answer.content.decode()
    Provider.objects.update(is_active=False)
    assert client.get(f"/services/{services[0].pk}/").status_code == 410


@pytest.mark.parametrize("why", ["quarantined", "switched off", "stopped"])
def test_a_service_that_is_not_sold_at_the_moment_stays_readable(
    client: Client, services: list[Service], why: str
) -> None:
    one, others = services[0], stock(provider_of("Beta"))
    if why == "quarantined":
        ProviderService.objects.filter(pk=one.source_id).update(quarantine=["price"])
    else:
        off = {"is_active": False} if why == "switched off" else {"sale_stopped": "the list is broken"}
        Provider.objects.filter(pk=one.source.provider_id).update(**off)
    html = html_of(client, address(one))
    assert "This service is not sold at the moment." in html
    assert "/order/" not in html.partition('<main id="main"')[2].partition("h-near")[0]
    assert "Measured here" in html
    near = client.get(address(one)).context["shown"].others
    assert {row.platform for row in near} == {"instagram"}
    assert others[0] in near
    assert one not in near
    assert data_of(html)[1]["offers"]["availability"] == "https://schema.org/OutOfStock"
    assert address(one) not in client.get("/sitemap-services.xml").content.decode()


@pytest.mark.parametrize("hidden", ["service", "category", "unpriced"])
def test_what_the_owner_hides_has_no_page_and_is_named_nowhere(
    client: Client, services: list[Service], hidden: str
) -> None:
    one = services[0]
    Service.objects.filter(pk=one.pk).update(name="Secret stock")
    if hidden == "service":
        Service.objects.filter(pk=one.pk).update(is_visible=False)
    elif hidden == "category":
        Category.objects.filter(pk=one.category_id).update(is_visible=False)
    else:
        Service.objects.filter(pk=one.pk).update(price=None)
    assert client.get(f"/services/{one.pk}/").status_code == 404
    others = [client.get(f"/services/{s.pk}/", follow=True) for s in services[1:4]]
    others += [client.get(f"/categories/{one.category_id}/", follow=True), client.get("/sitemap-services.xml")]
    for answer in others:
        assert "Secret stock" not in answer.content.decode()
        assert "secret-stock" not in answer.content.decode()


def test_the_page_of_a_category_lists_its_services_as_the_price_list_does(
    client: Client, services: list[Service]
) -> None:
    pk = services[0].category_id
    path = f"/categories/{pk}-instagram-followers/"
    assert client.get(f"/categories/{pk}/")["Location"] == path
    old = client.get(f"/?category={pk}&refill=1")
    assert (old.status_code, old["Location"], old["Cache-Control"]) == (301, f"{path}?refill=1", "no-cache")
    answer = client.get(path)
    assert [row.pk for row in answer.context["listing"].rows] == [s.pk for s in services[:3]]
    html = answer.content.decode()
    assert html.count("<h1") == 1
    assert f'<link rel="canonical" href="{answer.context["meta"].address}">' in html
    tabs = answer.context["shown"].tabs
    assert [(tab.name, tab.total, tab.is_current) for tab in tabs][:2] == [
        ("Instagram · Followers", 3, True),
        ("Instagram · Likes", 1, False),
    ]
    filtered = client.get(f"{path}?refill=1&sort=price&q=refill")
    assert len(filtered.context["listing"].rows) == 1
    assert filtered.context["meta"].address.endswith(path)
    fragment = client.get(f"{path}?q=refill", headers={"HX-Request": "true"})
    assert fragment["HX-Replace-Url"] == f"{path}?q=refill"
    assert 'id="platforms"' not in fragment.content.decode()


def test_a_category_without_a_service_on_sale_has_no_page(client: Client, services: list[Service]) -> None:
    pk = services[0].category_id
    Provider.objects.update(is_active=False)
    answer = client.get(f"/categories/{pk}/", follow=True)
    assert answer.status_code == 200, "it may be sold again"
    assert "Nothing in this category is sold at the moment." in answer.content.decode()
    ProviderService.objects.update(vanished_at=database_now())
    assert client.get(f"/categories/{pk}/").status_code == 404
    assert client.get(f"/categories/{'9' * 30}/").status_code == 404
    assert client.get(f"/services/{'9' * 30}/").status_code == 404


def test_a_last_change_of_price_is_told_to_those_who_pay_the_lists_price(
    client: Client, services: list[Service]
) -> None:
    now, one = database_now(), services[0]
    ServiceChange.objects.create(service=one, kind="dearer", old_price="1.5", new_price=one.price, at=now)
    answer = client.get(address(one))
    assert answer.context["shown"].changed.old_price == Decimal("1.5")
    assert f"{now:%b} {now:%Y}, was" not in answer.content.decode()
    ServiceChange.objects.update(at=now - timedelta(days=366))
    assert f"{now.year - 1}, was" in client.get(address(one)).content.decode()
    ServiceChange.objects.create(service=one, kind="dearer", old_price="1.5", new_price="1.7", at=now)
    assert client.get(address(one)).context["shown"].changed is None


def test_rows_updates_and_orders_lead_to_the_page(signed_in: Client, orders: Any, services: list[Service]) -> None:
    path = address(services[0])
    ServiceChange.objects.create(
        service=services[0], kind="dearer", old_price="1", new_price="2", at=database_now()
    )  # fmt: skip
    order = orders.queued()
    for visitor, page in ((Client(), "/?q=refill"), (Client(), "/updates/"), (signed_in, f"/orders/{order.pk}/")):
        assert f'href="{path}"' in html_of(visitor, page), page
    assert f"http://testserver{path}" in Client().get("/updates/rss/").content.decode()


def test_pages_cost_few_queries_however_long_the_list(client: Client, django_assert_max_num_queries: Any) -> None:
    rows = [(f"Instagram Likes {n}", "Instagram · Likes", "Default", "1", 10, 1000, "") for n in range(60)]
    services = stock(rows=rows)
    path, heading = address(services[0]), f"/categories/{services[0].category_id}-instagram-likes/"
    assert client.get(heading).status_code == 200  # reads what a process keeps
    for page in (path, heading):
        with django_assert_max_num_queries(12):
            assert client.get(page).status_code == 200
    ProviderService.objects.filter(pk=services[0].source_id).update(vanished_at=database_now())
    with django_assert_max_num_queries(10):
        assert client.get(path).status_code == 410


def test_visitors_pages_are_asked_for_by_etag_and_those_of_customers_are_not(
    signed_in: Client, services: list[Service]
) -> None:
    OwnPage.objects.create(slug="about", title="About", body="Words.", is_published=True)
    category = f"/categories/{services[0].category_id}-instagram-followers/"
    for path in (address(services[0]), "/", category, "/updates/", "/status/", "/api/", "/pages/about/"):
        tag = Client().get(path)["ETag"]
        assert Client().get(path, headers={"If-None-Match": tag}).status_code == 304
        assert "ETag" not in signed_in.get(path)
    tag = Client().get("/")["ETag"]
    Service.objects.filter(pk=services[0].pk).update(price=Decimal(3))
    assert Client().get("/", headers={"If-None-Match": tag}).status_code == 200


def test_search_engines_are_told_of_every_page_and_of_no_private_one(client: Client, services: list[Service]) -> None:
    robots = client.get("/robots.txt").content.decode()
    assert "Disallow: /orders/" in robots
    assert re.search(r"^Sitemap: http.*/sitemap\.xml$", robots, re.MULTILINE)
    index = client.get("/sitemap.xml").content.decode()
    for section in ("pages", "own", "categories", "services"):
        assert f"/sitemap-{section}.xml" in index
    assert address(services[0]) in client.get("/sitemap-services.xml").content.decode()
    assert f"/categories/{services[0].category_id}-" in client.get("/sitemap-categories.xml").content.decode()
    shown = client.get("/sitemap-pages.xml").content.decode()
    assert "/updates/" in shown
    assert "/status/" in shown
    for slug, is_published in (("about", True), ("draft", False)):
        OwnPage.objects.create(slug=slug, title=slug, body="Words.", is_published=is_published)
    own = client.get("/sitemap-own.xml").content.decode()
    assert "/pages/about/" in own
    assert "/pages/draft/" not in own
    assert client.get("/sitemap-services.xml?p=99").status_code == 404
    assert client.get("/sitemap-other.xml").status_code == 404
    assert client.get("/favicon.ico")["Location"].endswith(".ico")


def test_a_long_list_is_told_in_several_files(
    client: Client, services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.sitemaps.Services.limit", 5)
    assert "sitemap-services.xml?p=3" in client.get("/sitemap.xml").content.decode()
    assert client.get("/sitemap-services.xml?p=3").content.decode().count("<url>") == 2


@pytest.mark.parametrize("slug", EXAMPLES)
def test_the_link_reader_takes_every_example(slug: str) -> None:
    for example in EXAMPLES[slug]:
        assert read_link(example, platforms=(slug,)).platform in (slug, "website")
        assert slug == "google" or read_link(example, platforms=(slug,)).platform == slug


@pytest.mark.parametrize(
    ("platform", "name", "example"),
    [
        ("instagram", "instagram likes", EXAMPLES["instagram"][1]),
        ("instagram", "instagram followers", EXAMPLES["instagram"][0]),
        ("instagram", "instagram story views", EXAMPLES["instagram"][0]),
        ("telegram", "post views", EXAMPLES["telegram"][1]),
        ("tiktok", "something", EXAMPLES["tiktok"][0]),
        ("traffic", "visitors", WEBSITE_EXAMPLE),
    ],
)
def test_the_example_is_of_what_the_service_is_for(platform: str, name: str, example: str) -> None:
    assert example_link(platform, name) == example
