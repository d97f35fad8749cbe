"""What the receipt of the order form says, for each type of service, and how lists are counted."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import Service, ServiceFigures
from orders.pages import new_order
from orders.pages.line_counts import count_lines
from tests.pages.cast import customer, provider_of, stock
from upstream.service_types import SERVICE_TYPES

pytestmark = pytest.mark.django_db

LINK = {"link": "https://example.com/page"}
NAMES = "@maya\nriver.fox\nkai"
SUBSCRIPTION = {"username": "maya", "posts": "10", "min": "100", "max": "100", "delay": "0"}


def service_of(kind: str) -> Service:
    unit_price = "24" if "ackage" in kind else "0.9"
    low, high = (1, 1) if kind == "package" else (2, 50_000)
    [service] = stock(provider_of(), [("Any", "Other", kind, unit_price, low, high, "dripfeed")])
    return service


def quote(client: Client, service: Service, **typed: str) -> str:
    answer = client.post("/order/quote", {"service": str(service.pk), **typed})
    assert answer.status_code == 200
    return answer.content.decode()


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def sentences(html: str) -> list[str]:
    """The sentences of a whole receipt, the first one first."""
    found = re.findall(r'<p class="min-w-0 break-words[^"]*">(.*?)</p>', html, re.DOTALL)
    return [re.sub(r"\s+([.,])", r"\1", text(sentence)) for sentence in found]


#: Type -> what is typed, and what the receipt says of it. Without measured times.
RECEIPTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "default": ({**LINK, "quantity": "1000"}, ["1,000 in one delivery."]),
    "package": (LINK, ["One package at $31.20."]),
    "custom_comments": ({**LINK, "comments": "one\n\ntwo\nthree"}, ["3 comments, one for each line."]),
    "custom_comments_package": (
        {**LINK, "comments": "one\ntwo"},
        ["One package at $31.20, with your 2 comments."],
    ),
    "mentions": (
        {**LINK, "quantity": "500", "usernames": NAMES},
        ["500 mentions, with the 3 user names you listed."],
    ),
    "mentions_with_hashtags": (
        {**LINK, "quantity": "500", "usernames": "maya", "hashtags": "#one\n#two"},
        ["500 mentions, with the 1 user name you listed.", "2 hashtags are listed."],
    ),
    "mentions_custom_list": ({**LINK, "usernames": NAMES}, ["3 mentions, one for each user name."]),
    "mentions_hashtag": (
        {**LINK, "quantity": "500", "hashtag": "#coffee"},
        ["500 mentions of people who use the hashtag #coffee."],
    ),
    "mentions_user_followers": (
        {**LINK, "quantity": "500", "username": "maya"},
        ["500 mentions of followers of maya."],
    ),
    "mentions_media_likers": (
        {**LINK, "quantity": "500", "media": "https://example.com/p/2"},
        ["500 mentions of people who like https://example.com/p/2."],
    ),
    "comment_likes": ({**LINK, "quantity": "500", "username": "maya"}, ["500 likes for the comment of maya."]),
    "poll": ({**LINK, "quantity": "500", "answer_number": "2"}, ["500 votes for answer 2."]),
    "comment_replies": (
        {**LINK, "username": "maya", "comments": "yes\nno"},
        ["2 replies to the comment of maya, one for each line."],
    ),
    "invites_from_groups": (
        {**LINK, "quantity": "500", "groups": "one\ntwo"},
        ["500 invitations from 2 groups."],
    ),
    "seo": ({**LINK, "quantity": "500", "keywords": "coffee\nharbour"}, ["500 in one delivery, for 2 keywords."]),
    "subscriptions": (SUBSCRIPTION, ["10 posts, at most 100 each."]),
    "web_traffic": (
        {**LINK, "quantity": "5000", "country": "DK", "device": "5", "type_of_traffic": "3"},
        ["5,000 visitors."],
    ),
}


def test_every_type_has_its_receipt() -> None:
    assert set(RECEIPTS) == {kind.name for kind in SERVICE_TYPES}


@pytest.mark.parametrize("kind", RECEIPTS)
def test_the_receipt_says_what_is_ordered(client: Client, kind: str) -> None:
    typed, said = RECEIPTS[kind]
    html = quote(client, service_of(kind), **typed)
    assert 'name="shown_charge"' in html
    assert sentences(html) == said


def test_what_was_chosen_stands_in_words(client: Client) -> None:
    typed, _said = RECEIPTS["web_traffic"]
    html = text(quote(client, service_of("web_traffic"), **typed))
    for row in ("Country Denmark", "Device Phones and computers", "They come from Directly"):
        assert row in html


@pytest.mark.parametrize(
    ("runs", "pause", "said"),
    [
        ("10", "60", ["10 runs of 100, one an hour.", "The last run starts about 23:08 UTC."]),
        ("2", "1", ["2 runs of 100, one a minute.", "The last run starts about 14:09 UTC."]),
        ("3", "1440", ["3 runs of 100, one a day.", "The last run starts about 24 Nov, 14:08 UTC."]),
        ("10", "30", ["10 runs of 100, one every 30 min.", "The last run starts about 18:38 UTC."]),
        ("4", "150", ["4 runs of 100, one every 2 h 30 min.", "The last run starts about 21:38 UTC."]),
    ],
)
def test_a_dripfeed_says_how_often_and_until_when(
    client: Client, monkeypatch: pytest.MonkeyPatch, runs: str, pause: str, said: list[str]
) -> None:
    monkeypatch.setattr(new_order, "database_now", lambda: datetime(2026, 11, 22, 14, 8, tzinfo=UTC))
    html = quote(client, service_of("default"), **LINK, quantity="100", runs=runs, interval=pause)
    assert sentences(html) == said


def test_times_are_named_where_they_were_measured(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_order, "database_now", lambda: datetime(2026, 11, 22, 14, 8, tzinfo=UTC))
    service = service_of("default")
    ServiceFigures.objects.create(service=service, starts_in=240, starts_orders=30, takes=2400, takes_orders=30)
    html = quote(client, service, **LINK, quantity="1000")
    assert "Starts about 14:12 UTC Done about 14:52 UTC" in text(html)
    html = quote(client, service, **LINK, quantity="100", runs="10", interval="60")
    assert sentences(html) == [
        "10 runs of 100, one an hour.",
        "The first starts about 14:12 UTC, the last about 23:12 UTC; all ends about 23:16 UTC.",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"min": "80", "delay": "30"},
            ["10 posts, at most 100 each.", "Each post gets 80 to 100.", "It begins 30 min after a post."],
        ),
        (
            {"old_posts": "5", "expiry": "31/12/2099"},
            ["10 new posts and 5 older, at most 100 each.", "It ends on 31 December 2099 at the latest."],
        ),
        ({"posts": "1"}, ["1 post, at most 100 each."]),
    ],
)
def test_a_subscription_says_what_each_post_gets(client: Client, more: dict[str, str], said: list[str]) -> None:
    assert sentences(quote(client, service_of("subscriptions"), **SUBSCRIPTION | more)) == said


def test_a_package_shows_its_price_at_once(client: Client) -> None:
    html = client.get(f"/order/?service={service_of('package').pk}").content.decode()
    assert "1 package at $31.20" in text(html)
    assert 'name="shown_charge"' not in html


def test_the_charge_is_there_as_soon_as_the_quantity_is(signed_in: Client) -> None:
    service = service_of("default")
    html = quote(signed_in, service, link="", quantity="1000")
    assert "1,000 × $1.17 per 1,000 $1.17" in text(html)
    assert "So far, until everything is filled in." in html
    assert 'name="shown_charge"' not in html
    assert re.search(r'aria-disabled="true"|\bdisabled\b', html)


def test_what_is_typed_is_no_markup(client: Client) -> None:
    html = quote(client, service_of("comment_likes"), **LINK, quantity="500", username="<b>" + "x" * 200)
    assert "&lt;b&gt;" in html
    assert "x" * 61 not in html.split('id="foot-link"')[0]


def test_a_list_is_counted_while_it_grows(client: Client) -> None:
    service = service_of("custom_comments")
    Service.objects.filter(pk=service.pk).update(min=5)
    html = quote(client, service, **LINK, comments="Where is this?\n\nLovely light\nWhere is this?\n")
    said = text(html)
    assert "3 of at least 5 lines. 2 more are needed." in said
    assert "Line 4 is the same as line 1. The empty line 2 does not count. Remove them" in said
    assert "3 × $1.17 per 1,000" in said
    html = quote(client, service, **LINK, comments="\n".join(map(str, range(7))))
    assert "7 lines" in text(html)
    assert "the same as" not in html


def test_a_list_that_is_too_long_says_by_how_much(client: Client) -> None:
    service = service_of("custom_comments")
    Service.objects.filter(pk=service.pk).update(max=3)
    html = quote(client, service, **LINK, comments="a\nb\nc\nd\ne")
    assert "5 of at most 3 lines. Take out 2." in text(html)


@pytest.mark.parametrize(
    ("name", "typed", "count", "doubles", "empty", "cleaned"),
    [
        ("comments", "a\n\n b \nA\r\nb\n\n", 4, [(5, 3)], [2], "a\nb\nA"),
        ("usernames", "@Maya\nmaya", 2, [(2, 1)], [], "@Maya"),
        ("comments", "a\nb", 2, [], [], ""),
        ("comments", "x" * 30_000 + "\n\nx", 2, [], [2], ""),
    ],
)
def test_lines_are_counted_as_an_order_counts_them(
    name: str, typed: str, count: int, doubles: list[tuple[int, int]], empty: list[int], cleaned: str
) -> None:
    found = count_lines(name, typed)
    assert (found.count, found.doubles, found.empty, found.cleaned) == (count, doubles, empty, cleaned)


def test_many_doubles_are_counted_and_not_named() -> None:
    found = count_lines("comments", "a\n" * 9 + "\n" * 5 + "b")
    assert found.notes == [
        "Line 2 is the same as line 1.",
        "Line 3 is the same as line 1.",
        "Line 4 is the same as line 1.",
        "5 more lines are the same as earlier ones.",
        "5 empty lines do not count.",
    ]


def test_a_customer_sees_the_balance_and_a_visitor_the_way_in(client: Client, alice: User) -> None:
    service = service_of("default")
    html = quote(client, service, **LINK, quantity="1000")
    assert "Balance" not in html
    assert 'value="sign-up"' in html
    client.force_login(customer("rich@example.com"))
    html = quote(client, service, **LINK, quantity="1000")
    assert "Balance after" in html
    assert 'value="sign-up"' not in html
