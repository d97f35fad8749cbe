"""The address of a page says its language; a choice is remembered; programs' addresses have no language."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import translation

from accounts.models import User
from core.languages import NEUTRAL, in_language
from core.models import ShopSettings
from pages.models import OwnPage
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_languages(db: None) -> None:
    ShopSettings.objects.update(languages=["es", "ar"])


def html_tag(client: Client, path: str) -> str:
    found = re.search("<html[^>]*>", client.get(path).content.decode())
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("path", "code", "result"),
    [
        ("/", "es", "/es/"),
        ("/es/", "en", "/"),
        ("/es/orders/?page=2", "ar", "/ar/orders/?page=2"),
        ("/estate/", "ar", "/ar/estate/"),
        ("/es//elsewhere.example/", "en", "/elsewhere.example/"),
        ("/admin/orders/", "es", "/admin/orders/"),
        ("/api/v2", "es", "/api/v2"),
    ],
)
def test_address_in_another_language(path: str, code: str, result: str) -> None:
    assert in_language(path, code) == result


def test_address_decides_language_and_direction(client: Client) -> None:
    assert html_tag(client, "/") == '<html lang="en" dir="ltr">'
    assert html_tag(client, "/es/") == '<html lang="es" dir="ltr">'
    assert html_tag(client, "/ar/accounts/login/") == '<html lang="ar" dir="rtl">'


def test_browser_s_settings_do_not_change_what_an_address_shows(client: Client) -> None:
    answer = client.get("/", headers={"Accept-Language": "es"})
    assert (answer.status_code, answer["Content-Language"]) == (200, "en")
    assert "Accept-Language" not in answer["Vary"]


def test_language_that_the_shop_does_not_offer_is_not_found(client: Client) -> None:
    ShopSettings.objects.update(languages=["es"])
    assert client.get("/ar/").status_code == 404
    assert client.get("/language/ar/").status_code == 404
    assert 'hreflang="ar"' not in client.get("/").content.decode()


def test_shop_with_one_language_links_to_no_other(client: Client) -> None:
    ShopSettings.objects.update(languages=[])
    html = client.get("/").content.decode()
    assert "hreflang" not in html
    assert "/language/" not in html


def test_a_choice_is_remembered_by_addresses_without_a_language(client: Client) -> None:
    answer = client.get("/language/es/", {"next": "/updates/?page=2"})
    assert (answer.status_code, answer["Location"]) == (302, "/es/updates/?page=2")
    assert client.get("/updates/?page=2")["Location"] == "/es/updates/?page=2"
    assert client.get("/ar/").status_code == 200  # the address goes first
    client.get("/language/en/")
    assert client.get("/updates/").status_code == 200


@pytest.mark.parametrize(
    "target", ["//elsewhere.example/", "https://elsewhere.example/", "/es//elsewhere.example/", ""]
)
def test_choosing_leads_to_no_other_site(client: Client, target: str) -> None:
    location = client.get("/language/en/", {"next": target})["Location"]
    assert location.startswith("/")
    assert not location.startswith("//")


def test_forms_and_parts_of_pages_are_not_redirected(client: Client) -> None:
    client.cookies["language"] = "es"
    assert client.post("/accounts/login/", {"login": "x", "password": "y"}).status_code == 200
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/api/", "/healthz", "/readyz", "/robots.txt", "/sitemap.xml", "/favicon.ico", "/pay/x"]
)
def test_addresses_of_programs_and_the_owner_are_never_redirected_by_language(client: Client, path: str) -> None:
    client.cookies["language"] = "ar"
    answer = client.get(path, headers={"Accept-Language": "ar"})
    assert "/ar/" not in answer.get("Location", "")
    if answer["Content-Type"].startswith("text/html") and answer.status_code == 200:
        assert 'lang="en"' in answer.content.decode()


def test_every_address_outside_the_languages_is_known_as_such() -> None:
    with translation.override("es"):
        plain = [str(found.pattern) for found in get_resolver().url_patterns if str(found.pattern) not in ("", "es/")]
        paths = [*(f"/{path}" for path in plain), reverse("api:docs"), reverse("api:endpoint")]
    assert [path for path in paths if not path.startswith(NEUTRAL)] == []


def test_pages_name_their_other_languages_for_search_engines(client: Client, settings: Any) -> None:
    settings.SHOP_URL = "https://shop.example"
    html = client.get("/es/?q=likes&sort=price").content.decode()
    assert re.findall('<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', html) == [
        ("en", "https://shop.example/"),
        ("es", "https://shop.example/es/"),
        ("ar", "https://shop.example/ar/"),
        ("x-default", "https://shop.example/"),
    ]
    assert '<link rel="canonical" href="https://shop.example/es/">' in html


def test_visitors_find_each_language_at_the_foot_without_a_script(client: Client) -> None:
    html = client.get("/es/?q=likes").content.decode()
    links = re.findall(r'lang="(..)"\s+hreflang="..".*?href="([^"]+)"\s+(aria-current)?', html, re.DOTALL)
    assert [(code, current) for code, _link, current in links] == [("en", ""), ("es", "aria-current"), ("ar", "")]
    answer = client.get(links[2][1])
    assert answer["Location"] == "/ar/?q=likes"


def test_sitemap_lists_each_language_with_the_others(client: Client, settings: Any) -> None:
    settings.SHOP_URL = "https://shop.example"
    xml = client.get("/sitemap-pages.xml").content.decode()
    assert re.findall("<loc>([^<]+updates/)</loc>", xml) == [
        "https://shop.example/updates/",
        "https://shop.example/es/updates/",
        "https://shop.example/ar/updates/",
    ]
    assert xml.count('hreflang="x-default" href="https://shop.example/updates/"') == 3
    assert xml.count("<loc>https://shop.example/api/</loc>") == 1
    assert "Disallow: /ar/orders/" in client.get("/robots.txt").content.decode()


def test_etag_of_one_language_is_not_that_of_another(client: Client) -> None:
    tags = {path: client.get(path)["ETag"] for path in ("/", "/es/", "/ar/")}
    assert len(set(tags.values())) == 3
    for path, tag in tags.items():
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/es/", headers={"If-None-Match": tags["/"]}).status_code == 200
    OwnPage.objects.create(title="Questions", slug="faq", body="Ask us", is_published=True)
    for path in ("/updates/", "/es/updates/", "/pages/faq/", "/ar/pages/faq/"):
        tag = client.get(path)["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_pages_of_a_customer_are_kept_by_no_cache_in_any_language() -> None:
    client = sign_in_customer(User.objects.create_user("alice@example.com", "correct horse battery"))
    for path in ("/es/", "/ar/orders/", "/es/wallet/"):
        answer = client.get(path)
        assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", ")), path
        assert "ETag" not in answer


def test_customer_s_choice_is_kept_with_the_account_and_holds_after_the_next_sign_in(client: Client) -> None:
    alice = User.objects.create_user("alice@example.com", "correct horse battery")
    first = sign_in_customer(alice)
    answer = first.post("/account/language/", {"language": "ar"})
    assert answer["Location"] == "/ar/account/"
    alice.refresh_from_db()
    assert alice.language == "ar"
    assert first.post("/account/language/", {"language": "xx"}).status_code == 404
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    given = {"login": alice.email, "password": "correct horse battery"}
    assert client.post("/accounts/login/?next=/orders/", given)["Location"] == "/orders/"
    assert client.get("/orders/")["Location"] == "/ar/orders/"
