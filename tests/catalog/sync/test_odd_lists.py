"""Lists in other wrappers, by pages, with dressed names: read whole or refused, and shown as a person reads them."""

from typing import Any

import pytest

from catalog.models import Category, ProviderService, Service
from catalog.models.provider import SyncState
from catalog.shop.headings import headings_for
from catalog.shop.look_alikes import look_of
from catalog.shop.platforms import platform_of
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.service_picker import pick
from catalog.texts import readable
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale

ROWS = [row(1), row(2)]
PAGE = {"current_page": 1, "last_page": 5, "total": 500}


@pytest.mark.parametrize(
    "body",
    [
        {"status": "success", "msg": ROWS},
        {"success": True, "data": {"services": ROWS}},
        {"success": True, "data": {"services": {"1": ROWS[0], "7": ROWS[1]}}},
        {"result": {"items": ROWS}},
        {"code": 200, "message": "OK", "response": ROWS},
        {"data": ROWS, "current_page": 1, "last_page": 1, "total": 2, "next_page_url": None},
        [{"service_id": 1, **{k: v for k, v in ROWS[0].items() if k != "service"}}, ROWS[1]],
    ],
)
def test_a_list_in_another_wrapper_is_read(body: Any, panel: Panel, sync: Sync) -> None:
    panel.says("services", body)
    run = sync()
    assert (run.state, run.added, run.problem) == (SyncState.APPLIED, 2, "")
    assert on_sale().keys() == {"1", "2"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"data": ROWS, **PAGE}, "2 of 500 services"),
        ({"data": {"data": ROWS, **PAGE}}, "2 of 500 services"),
        ({"services": ROWS, "pagination": {"total_pages": "3"}}, "one of 3 pages"),
        ({"services": ROWS, "links": {"next": "https://panel.example/?page=2"}}, "more is announced in next"),
        ({"items": ROWS, "has_more": True}, "more is announced in has_more"),
        ({"catalogue": {"1": "x"}, "version": 2}, "an object with the keys catalogue, version"),
        ([{"number": 1, "name": "A", "rate": "1"}], "an object with the keys number, name, rate"),
        ({"success": False, "data": {"error": "Invalid API key"}}, "Invalid API key"),
    ],
)
def test_a_part_of_a_list_and_an_unknown_form_are_refused_by_name(
    body: Any, says: str, panel: Panel, sync: Sync
) -> None:
    panel.lists(row(n) for n in range(1, 31))
    sync()
    panel.says("services", body)
    run = sync()
    assert run.state == SyncState.FAILED
    assert says in run.problem
    assert len(on_sale()) == 30


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ("<b>İnstagram Takipçi</b> &nbsp;30 G&uuml;n <font color='red'>HIZLI</font>", "İnstagram Takipçi 30 Gün HIZLI"),
        ("&#128293; YouTube &#x1F525;", "🔥 YouTube 🔥"),
        ("<span style=\"color:red\">Telegram</span> Members", "Telegram Members"),
        ("Likes<br>Views<br/>Saves", "Likes Views Saves"),
        ("&lt;b&gt;twice&lt;/b&gt; &amp;amp; more", "twice & more"),
        ("Insta\u200bgram \u2060Likes\ufeff", "Instagram Likes"),
        ("\u200fمتابعين انستقرام\u200e", "متابعين انستقرام"),
        ("👨\u200d👩\u200d👧 family", "👨\u200d👩\u200d👧 family"),
        ("R&D <3 hearts, 5 < 6 > 4 &copy 50%", "R&D <3 hearts, 5 < 6 > 4 &copy 50%"),
        ("Link: <channel>/<post>", "Link: <channel>/<post>"),
        ("line\nbreak\tand\xa0more", "line break and more"),
        ("<b></b>", ""),
    ],
)  # fmt: skip
def test_a_name_is_read_without_its_markup(listed: str, read: str) -> None:
    assert readable(listed, 500) == read


def test_dressed_names_are_shown_plain_found_and_put_under_one_heading(panel: Panel, sync: Sync) -> None:
    bold = "".join(chr(0x1D41A + ord(c) - 97) for c in "takip")
    headings = [
        "İNSTAGRAM BEĞENİ",
        "instagram beğeni",
        "Instagram Beğeni\u200b",
        "<b>Instagram</b> Be&#287;eni",
        "Inst\u0430gram Beğeni",  # a Cyrillic letter
        "Instagram Beğeni ",
        "⭐ Likes",
        "⭐\ufe0f Likes",
    ]
    rows = [row(n, category=name, name=f"Service {n}") for n, name in enumerate(headings, start=1)]
    rows.append(row(20, name=f"<b>İnstagram</b> {bold} &nbsp;7 G&uuml;n H\u0131zlı", category="🇹🇷 Türk"))
    rows += [row(21, name="<b></b>&nbsp;"), row(22, category="🇺🇸 Türk")]
    panel.lists(rows)
    sync()
    assert list(Category.objects.order_by("position").values_list("name", flat=True)) == [
        "İNSTAGRAM BEĞENİ", "⭐ Likes", "🇹🇷 Türk", "🇺🇸 Türk",
    ]  # fmt: skip
    assert Service.objects.filter(category__name="İNSTAGRAM BEĞENİ").count() == 6
    [shown] = Service.objects.filter(source__external_id="20")
    assert shown.name == f"İnstagram {bold} 7 Gün Hızlı"
    for text in ("gün", "GUN", "hizli", "HIZLI", "instagram takip", "7 gün"):
        assert shown in list_services(PriceListQuery(text=text)).rows, text
    assert ProviderService.objects.get(external_id="21").quarantine[0].startswith("name_missing")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("متابعين انستقرام", "instagram"), ("إنستجرام", "instagram"), ("اینستاگرام", "instagram"),
        ("تيك توك - مشاهدات", "tiktok"), ("\u202bفيسبوك\u202c", "facebook"), ("تليجرام", "telegram"),
        ("Подписчики ВКонтакте", "vk"), ("Телеграм", "telegram"), ("Фейсбук", "facebook"), ("İNSTAGRAM", "instagram"),
    ],
)  # fmt: skip
def test_a_platform_is_known_in_other_scripts(name: str, slug: str) -> None:
    assert platform_of(name) == slug


def test_headings_that_look_different_stay_apart() -> None:
    names = ["Likes", "Lïkes", "🇺🇸 Likes", "🇹🇷 Likes", "♻ Likes", "Likes!", "Likes 2", "Лайки"]
    assert len({look_of(name) for name in names}) == len(names)
    assert look_of("𝐋𝐢𝐤𝐞𝐬  ＬＩＫＥＳ") == look_of("likes Likes")


@pytest.mark.django_db
def test_a_heading_of_the_very_same_name_comes_before_one_that_looks_alike(panel: Panel, sync: Sync) -> None:
    one = Category.objects.create(name="LIKES", position=1)
    other = Category.objects.create(name="Likes", position=2)
    assert headings_for(0, ["Likes", "likes", "LIKES"]) == {
        "Likes": (other.pk, "Likes"), "likes": (one.pk, "LIKES"), "LIKES": (one.pk, "LIKES"),
    }  # fmt: skip


def test_a_service_is_found_by_its_number(panel: Panel, sync: Sync) -> None:
    panel.lists(row(n, name=f"Views {n}", category=f"Heading {n % 3}") for n in range(1, 40))
    sync()
    wanted = Service.objects.get(source__external_id="35")
    Service.objects.filter(source__external_id__in=["1", "2"]).update(
        name=f"Max {wanted.pk}00", search_text=f"max {wanted.pk}00"
    )
    for text in (f"#{wanted.pk}", f" # {wanted.pk}", f"ID: {wanted.pk}", f"№{wanted.pk}"):
        listing = list_services(PriceListQuery(text=text))
        assert [service.pk for service in listing.rows] == [wanted.pk], text
        assert [service.pk for service in pick(text).rows] == [wanted.pk], text
    arabic = "".join(chr(0x660 + int(digit)) for digit in str(wanted.pk))
    for text in (str(wanted.pk), arabic):
        assert list_services(PriceListQuery(text=text)).rows[0].pk == wanted.pk
        assert pick(text).rows[0].pk == wanted.pk
    assert len(list_services(PriceListQuery(text=str(wanted.pk))).rows) > 1
    assert list_services(PriceListQuery(text="#999999999")).total == 0
