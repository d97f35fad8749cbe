"""Every mail in every language and both forms: outside text is escaped, links lead to the shop, nothing is missing."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives

from accounts.customer_mails import LONGEST, bounded
from accounts.models import Pace, User
from billing.models import TopUp, TopUpState
from billing.topups.mail_texts import note_news
from core.clock import database_now
from core.models import ShopSettings
from core.shop_settings import shop_settings
from notices.models import News
from orders import lifecycle
from orders.mails.texts import refill_mail
from orders.models import EventKind, Order, Refill
from orders.pages.story import story_of
from orders.states import RefillState
from tests.billing.topups.cast import method, started
from tests.orders.mails.cast import chooses, html_of, mails, tomorrow
from tests.pages.cast import Orders, customer, stock
from tests.roles import unguarded
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db
NAME = 'Followers <script>alert("1")</script> & {{ name }} %(name)s https://evil.example/x \u202e' + "x" * 200
LINK = "https://instagram.com/<b>'\"&{%x%}"
ROW = (NAME, "Instagram · Followers", "Default", "1.43", 100, 50_000, "refill")
VOID = frozenset({"meta", "br"})


class Parts(HTMLParser):
    """The links of a mail, its tags, and which of them were not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.html: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.open += [] if tag in VOID else [tag]
        self.links += [value for name in ("href", "src", "action", "background") if (value := given.get(name))]
        self.html = given if tag == "html" else self.html

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def everything(settings: Any) -> User:
    """A customer with news of every kind."""
    settings.DEMO, settings.SHOP_URL = True, "https://shop.example"
    shop_settings()
    ShopSettings.objects.update(languages=["es", "ar"], name='Shop <i>"&"</i>')
    [service] = stock(rows=[ROW])
    alice = customer()
    orders = Orders(alice, service)
    order = orders.completed()
    orders.hears(orders.placed(), ProviderOrderState.PARTIAL, 157)
    orders.hears(orders.placed(), ProviderOrderState.CANCELED, None)
    orders.refused()
    for state, kind in (
        (RefillState.COMPLETED, EventKind.REFILL_DONE),
        (RefillState.REJECTED, EventKind.REFILL_DECLINED),
        (RefillState.UNANSWERED, EventKind.REFILL_CLOSED),
    ):
        order = orders.completed()
        Refill.objects.create(order=order, provider=order.provider, state=state)
        lifecycle.note(order_id=order.pk, kind=kind, now=database_now())
    for state in TopUpState:
        topup = started(alice, method(name="<b>Bank</b> {{ x }}"), "10")
        TopUp.objects.filter(pk=topup.pk).update(
            state=state, credited=10, why="<u>why</u> {{ y }} https://evil.example"
        )
        topup.refresh_from_db()
        note_news(topup, now=database_now())
    with unguarded():  # links of before they were checked
        Order.objects.update(link=LINK)
    return alice


def test_a_mail_says_to_ask_again_only_while_that_is_possible(everything: User) -> None:
    refill, now = Refill.objects.get(state=RefillState.UNANSWERED), database_now()
    order = refill.order
    [line] = refill_mail(order, refill, now=now).lines
    assert line == "The supplier never answered. You can ask again on the order page."
    order.refill_days = 30
    [line] = refill_mail(order, refill, now=now + timedelta(days=31)).lines
    assert line == "The supplier never answered. The order page says whether you can ask again."


def test_the_page_of_an_order_says_to_ask_again_only_while_that_is_possible(everything: User) -> None:
    order, now = Refill.objects.get(state=RefillState.UNANSWERED).order, database_now()
    assert story_of(order, order.events.order_by("id"), now=now)[-1].text == "You may ask for another one."
    order.refill_days = 30
    late = story_of(order, order.events.order_by("id"), now=now + timedelta(days=31))[-1]
    assert (late.title, late.text) == ("The supplier never answered the refill", "")


def written(language: str, alice: User, pace: Pace) -> list[EmailMultiAlternatives]:
    User.objects.update(language=language)
    chooses(alice, pace=pace, bulk=True)
    if pace == Pace.DAILY:
        mails()
        return mails(at=tomorrow())
    found = []
    # Each alone, or they would be named in one mail.
    rows = list(News.objects.order_by("id"))
    News.objects.all().delete()
    for row in rows:
        row.pk = None
        row.save()
        found = mails()
    return found


def faults_of(mail: EmailMultiAlternatives, language: str) -> list[str]:
    html, text = html_of(mail), str(mail.body)
    parts, found = Parts(html), []
    if bad := parts.tags & {"script", "b", "u", "i", "img", "link", "iframe", "form"}:
        found.append(f"tags of outside text: {bad}")
    links = {*parts.links, *re.findall(r"\w+://[^\s<>\"]+", text)}
    found += [link for link in links if not f"{link}/".startswith("https://shop.example/")]
    prefix = "" if language == "en" else f"/{language}"
    pages = {link for link in links if link != "https://shop.example"}
    found += [link for link in pages if not link.startswith(f"https://shop.example{prefix}/")]
    if parts.html != {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}:
        found.append(f"{parts.html}")
    for form, said in (("html", html), ("text", text)):
        cleaned = said
        for given in ("{{ n", "{{ x", "{{ y", "{%x", "%(n"):  # what the outside texts have themselves
            cleaned = cleaned.replace(given, "")
        found += [f"{form}: {odd}" for odd in ("{{", "{%", "%(", "None", "\u202e") if odd in cleaned]
    if parts.open:
        found.append(f"not closed: {parts.open}")
    if len(str(mail.subject)) > 120 or not str(mail.subject).strip() or "\n" in str(mail.subject):
        found.append(f"subject: {mail.subject}")
    if any(len(line) > 300 for line in text.splitlines()):
        found.append("a line of text is too long")
    return found


@pytest.mark.parametrize("language", ["en", "es", "ar"])
@pytest.mark.parametrize("pace", [Pace.AT_ONCE, Pace.DAILY])
def test_every_mail_in_every_language(everything: User, language: str, pace: Pace) -> None:
    made = written(language, everything, pace)
    # Of the top-ups: the states that send a mail.
    assert len(made) == (7 if pace == Pace.DAILY else 16), [mail.subject for mail in made]
    assert [(mail.subject, faults) for mail in made if (faults := faults_of(mail, language))] == []


def test_outside_text_is_bounded() -> None:
    assert bounded("a\n\tb\u202ec \x00") == "a b c"
    assert len(bounded("x" * 1000)) == LONGEST
    assert bounded("see https://evil.example/x now") == "see evil.example/x now"


def test_the_check_sees_what_is_wrong(everything: User) -> None:
    [mail, *_rest] = written("en", everything, Pace.AT_ONCE)
    html = html_of(mail)
    mail.alternatives.clear()
    mail.attach_alternative(html.replace("<h1>", '<h1><a href="https://evil.example"><b>x</b></a>'), "text/html")
    assert len(faults_of(mail, "en")) == 3
