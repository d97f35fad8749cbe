"""The search box of the price list: typos, marks, how it follows the catalog, and what it costs."""

import gzip
from typing import Any

import pytest
from django.test import Client

from catalog.models import Category, Provider, Service
from catalog.shop.service_picker import pick
from catalog.templatetags.catalog_words import marked
from tests.pages.cast import stock
from tests.pages.test_price_list import fill, names, page

pytestmark = pytest.mark.django_db

ROWS = [
    ("Instagram Followers · fast", "Instagram · Followers", "Default", "1", 10, 1000, ""),
    ("Instagram Likes · fast", "Instagram · Likes", "Default", "1", 10, 1000, ""),
    ("YouTube Links in bio", "YouTube · Links", "Default", "1", 10, 1000, ""),
    ("Лайки Инстаграм", "Россия", "Default", "1", 10, 1000, ""),
    ("متابعين انستقرام", "العربية", "Default", "1", 10, 1000, ""),
    ("𝐏𝐫𝐞𝐦𝐢𝐮𝐦 Vues françaises", "TikTok · Views", "Default", "1", 10, 1000, ""),
]


@pytest.fixture
def shelf(db: None) -> None:
    stock(rows=ROWS)


@pytest.mark.parametrize(
    ("typed", "words", "found"),
    [
        ("folowers", "followers", "Instagram Followers · fast"),
        ("instagarm", "instagram", "Instagram Followers · fast"),
        ("ilkes instgram", "likes instagram", "Instagram Likes · fast"),
        ("instagramlikes", "instagram likes", "Instagram Likes · fast"),
        ("youtube liks", "youtube links", "YouTube Links in bio"),  # "likes" is nearer, but not of YouTube
        ("лаики инстаграмм", "лаики инстаграм", "Лайки Инстаграм"),
        ("متابعيين", "متابعين", "متابعين انستقرام"),
        ("premuim", "premium", "𝐏𝐫𝐞𝐦𝐢𝐮𝐦 Vues françaises"),
        ("francaisse", "francaises", "𝐏𝐫𝐞𝐦𝐢𝐮𝐦 Vues françaises"),
    ],
)
def test_typos_in_any_script_are_corrected(client: Client, shelf: None, typed: str, words: str, found: str) -> None:
    listing = client.get("/", {"q": typed}).context["listing"]
    assert listing.corrected == words
    assert listing.rows[0].name == found
    assert pick(typed).rows[0].name == found


@pytest.mark.parametrize("typed", ["qqqqq", "99999999", "zz", "9x8y", "فففففف", "likes 777777"])
def test_what_resembles_nothing_is_not_corrected(client: Client, shelf: None, typed: str) -> None:
    listing = client.get("/", {"q": typed}).context["listing"]
    assert (listing.total, listing.corrected) == (0, "")


def test_a_typo_and_a_filter_are_one_note(client: Client, shelf: None) -> None:
    html = page(client, "?q=folowers&platform=instagram&refill=1")
    assert "No service matches “folowers”" in html
    assert "Clear the Refill filter" in html
    Service.objects.filter(name__startswith="Instagram F").update(platform="tiktok")
    Service.objects.filter(name__startswith="Instagram L").update(search_text="slow followers")
    html = page(client, "?q=folowers&platform=instagram")
    assert "Showing results for “followers”" in html
    assert "1 more is hidden by a filter" in html
    assert "Search all platforms" in html


@pytest.mark.parametrize(
    ("name", "words", "html"),
    [
        ("Instagram Likes", ["likes"], "Instagram <mark>Likes</mark>"),
        ("𝐋𝐢𝐤𝐞𝐬 & more", ["likes"], "<mark>𝐋𝐢𝐤𝐞𝐬</mark> &amp; more"),
        ("Vues françaises", ["francaises"], "Vues <mark>françaises</mark>"),
        ("Vues franc\u0327aises", ["francaises"], "Vues <mark>franc\u0327aises</mark>"),
        ("<b>likes</b>", ["b>", "likes"], "&lt;<mark>b&gt;likes</mark>&lt;/<mark>b&gt;</mark>"),
        ("Лайки", ["лаики"], "<mark>Лайки</mark>"),
        ("followers follow", ["follow", "followers"], "<mark>followers</mark> <mark>follow</mark>"),
        ("a (b) [c]", ["(b)", "[c"], "a <mark>(b)</mark> <mark>[c</mark>]"),
        ("A&B", ["amp"], "A&amp;B"),
        ("ﬁne", ["in"], "<mark>ﬁn</mark>e"),
    ],
)
def test_hits_are_marked_as_they_are_written_and_escaped(name: str, words: list[str], html: str) -> None:
    assert marked(name, words) == html


def test_hits_of_a_corrected_word_are_marked(client: Client, shelf: None) -> None:
    assert "Instagram <mark>Followers</mark> · fast" in page(client, "?q=folowers")


def test_the_picker_marks_hits_of_a_corrected_word(signed_in: Client, shelf: None) -> None:
    assert "Instagram <mark>Followers</mark>" in signed_in.get("/order/services?find=folowers").content.decode()


def test_a_change_is_found_at_once(client: Client, shelf: None) -> None:
    assert names(client, "?q=fast+likes") == ["Instagram Likes · fast"]
    service = Service.objects.get(name="Instagram Likes · fast")
    Service.objects.filter(pk=service.pk).update(search_text="hearts", price="7.5")
    assert names(client, "?q=fast+likes") == []
    assert client.get("/?q=hearts").context["listing"].rows[0].price == 7.5
    Category.objects.filter(pk=service.category_id).update(is_visible=False)
    assert names(client, "?q=hearts") == []
    assert names(client, "?q=followers")
    Provider.objects.update(sale_stopped="empty")
    assert names(client, "?q=followers") == []


@pytest.mark.parametrize(
    "query", ["?q=likes", "?q=folowers", "?q=instagramlikes", "?q=qqqq", "?q=%2363", "?q=tik+number"]
)
def test_a_search_among_hundreds_costs_as_many_queries_as_any(
    client: Client, django_assert_max_num_queries: Any, db: None, query: str
) -> None:
    fill(600)
    client.get("/")
    with django_assert_max_num_queries(5):  # settings, currencies, whether the catalog changed, rows, their times
        assert client.get(f"/{query}", headers={"HX-Request": "true"}).status_code == 200


def test_while_searching_there_is_no_promise_above_the_list(client: Client, shelf: None) -> None:
    promise = "Charged for what arrives"
    assert promise in page(client).partition("<main")[2].partition("<footer")[0]
    html = page(client, "?q=likes").partition("<main")[2].partition("<footer")[0]
    assert promise not in html
    assert html.count("<h1") == 1


def test_pages_are_compressed_without_a_proxy_and_nothing_else_is(client: Client, shelf: None) -> None:
    answer = client.get("/", headers={"Accept-Encoding": "gzip, br"})
    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert b"Instagram" in gzip.decompress(answer.content)
    assert len(client.get("/", headers={"Accept-Encoding": "gzip"}).content) < 20_000
    assert "Content-Encoding" not in client.get("/")
    assert "Content-Encoding" not in client.get("/updates/rss/", headers={"Accept-Encoding": "gzip"})
