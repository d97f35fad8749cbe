"""No text of a customer's page is left out of the catalogs.

Spanish is replaced by a catalog whose translations are the originals in ⟦brackets⟧. Every page is opened in it, and
what stands outside the brackets must be data: names, amounts, times, codes.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import allauth
import django
import django.contrib.admin
import django.contrib.auth
import pytest
from babel.messages.mofile import read_mo
from django.test import Client
from django.urls import get_resolver
from django.utils.html import escape

from catalog.models import Category, Service
from core.languages import NEUTRAL, in_language
from core.models import ShopSettings
from core.shop_settings import shop_settings
from orders.models import Order
from tests.ops.test_hostile_input import paths, patterns
from tests.pages.cast import Orders, customer, mass_order_of, refill_of_all, stock
from tests.pages.test_looks import changed_prices, measured_days
from tests.sign_in import sign_in_customer
from tools.messages import strings

pytestmark = pytest.mark.django_db
SHOWN = frozenset({"aria-label", "alt", "placeholder", "title"})
#: Elements without an end tag.
VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr", "path", "circle"})
#: Elements and classes that hold data: names, codes, numbers, and what stands in a language of its own.
DATA = frozenset({"script", "style", "code", "kbd", "bdi", "time", "pre", "svg", "head"})
DATA_CLASSES = frozenset({"money", "num", "id", "mono", "foreign", "tile", "tabular-nums"})
WORD = re.compile(r"[A-Za-z]{2,}")
#: Words that are the same in every language, and those of Django and allauth, which bring translations of their own.
SAME = re.compile(
    r"\b(API|ID|CSV|USD|RSS|Atom|Permille|Instagram|TikTok|YouTube|Telegram|Python|PHP|https?|URL|"
    r"lunes|martes|miércoles|jueves|viernes|sábado|domingo|"
    r"(?:de )?(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)(?: de)?)\b"
)


class Page(HTMLParser):
    """Collects the words of a page that stand in no brackets and in no element of data."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = set((given.get("class") or "").split())
        own_language = tag != "html" and "lang" in given
        is_data = tag in DATA or bool(classes & DATA_CLASSES) or own_language
        if tag not in VOID:
            self.open.append(is_data or (bool(self.open) and self.open[-1]))
        if not (self.open and self.open[-1]):
            self.found += [f"{tag} {name}={value}" for name in SHOWN if (value := given.get(name)) and bare(value)]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        outside = ""
        for letter in data:
            self.depth += {"⟦": 1, "⟧": -1}.get(letter, 0)
            outside += letter if self.depth == 0 else ""
        if not (self.open and self.open[-1]) and bare(outside):
            self.found.append(" ".join(outside.split()))


def bare(text: str) -> bool:
    """True if words are left outside the brackets."""
    return bool(WORD.search(SAME.sub("", re.sub("⟦[^⟦⟧]*(?:⟦[^⟦⟧]*⟧[^⟦⟧]*)*⟧", "", text))))


def brought_along() -> set[str]:
    """The Spanish texts of Django and allauth, which have catalogs of their own."""
    found: set[str] = set()
    for module in (django, django.contrib.admin, django.contrib.auth, allauth):
        folder = Path(str(module.__file__)).parent
        for compiled in (folder / "conf" / "locale", folder / "locale"):
            if (file := compiled / "es" / "LC_MESSAGES" / "django.mo").exists():
                with file.open("rb") as opened:
                    catalog = read_mo(opened)
                found |= {text for message in catalog for text in strings(message) if text}
    return found


def left_out(client: Client, method: str, path: str, data: set[str]) -> list[str]:
    """What of a page, or of the answer to an empty form, is in no catalog."""
    answer = getattr(client, method)(in_language(path, "es"), follow=True)
    if not answer.get("Content-Type", "").startswith("text/html") or answer.request["PATH_INFO"].startswith(NEUTRAL):
        return []
    html = answer.content.decode()
    for text in sorted(data, key=len, reverse=True):
        html = html.replace(text, "").replace(escape(text), "")
    page = Page()
    page.feed(html)
    return [f"{method} {path}: {text}" for text in page.found]


def test_every_text_of_every_page_is_in_the_catalogs(brackets: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    shop_settings()
    ShopSettings.objects.update(languages=["es"], contact_email="shop@example.com")
    services, alice = stock(), customer("alice@example.com")
    made = Orders(alice, services[0])
    made.one_of_each()
    refill_of_all(alice)
    mass_order_of(alice, services[0])
    changed_prices(services)
    measured_days(services[1])
    alice.api_keys.create(name="bot", prefix="pk_1", digest="d", scopes=["read"])
    data = {alice.email, "shop@example.com", "instagram.com/atelier.nord"}
    data |= set(Service.objects.values_list("name", flat=True)) | set(Category.objects.values_list("name", flat=True))
    data |= {"bot", *services[0].badges}
    # A filter of My orders lists the beginnings of names.
    names = [*Service.objects.values_list("name", flat=True), *Order.objects.values_list("service_name", flat=True)]
    data |= {name[:80] for name in names}
    pages = [f"/?q={'z' * 8}", "/?q=likes&sort=price", f"/order/?service={services[0].pk}", "/wallet/?kind=orders"]
    pages += [f"/orders/{order.pk}/" for order in Order.objects.filter(customer=alice)]
    pages += [f"/order/?service={service.pk}" for service in services]
    for name, parts in patterns(get_resolver()):
        if not name.startswith("admin:") and name not in ("account_logout", "usersessions_list"):
            pages.append(paths(name, parts)[0])
    pages = [path for path in dict.fromkeys(pages) if not path.startswith(NEUTRAL)]
    own, found = brought_along(), []
    for client in (Client(), sign_in_customer(alice)):
        for method in ("get", "post"):
            for path in pages:
                found += left_out(client, method, path, data)
    assert sorted({text for text in found if text.split(": ", 1)[1] not in own}) == []


def test_a_text_outside_the_catalogs_is_found() -> None:
    page = Page()
    page.feed('<p>⟦In <a>a link</a> and⟧ <b>outside</b></p><img alt="plain"><p class="id">code</p><p>⟦a ⟦b⟧ c⟧</p>')
    assert page.found == ["outside", "img alt=plain"]
