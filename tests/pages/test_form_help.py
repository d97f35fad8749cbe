"""What the order form says about a link and about a grey button: examples, ways out, reasons."""

import re
from html import unescape

import pytest
from django.test import Client

from catalog.links.examples import Target, example_link, target_of, wanted_instead
from catalog.links.reader import read_link
from catalog.links.same_name import same_name
from catalog.models import Service
from orders.models import Order
from tests.pages.cast import Orders, customer, provider_of, stock

LINK = "https://instagram.com/atelier.nord"
TIKTOK = "https://www.tiktok.com/@harborcoffee?lang=en"

#: name and category of a service, the hint of its link field.
HINTS = [
    ("Instagram Followers", "Instagram", "The address of the public profile, for example https://instagram.com/name"),
    ("Instagram Likes", "Instagram", "The address of the public post, for example https://instagram.com/p/C1a2B3c4D5e"),
    ("TikTok Views", "TikTok", "The address of the public video, for example https://tiktok.com/@name/video/"),
    ("YouTube Views", "YouTube", "The address of the public video, for example https://youtube.com/watch?v="),
    ("YouTube Subscribers", "YouTube", "The address of the public channel, for example https://youtube.com/@name"),
    ("Telegram Members", "Telegram", "The address of the public channel, for example https://t.me/name"),
    ("Telegram Post Views", "Telegram", "The address of the public post, for example https://t.me/name/123"),
    ("Facebook Page Followers", "Facebook", "The address of the public profile, for example https://facebook.com/name"),
    ("Spotify Plays", "Spotify", "The address of the track, for example https://open.spotify.com/track/"),
    ("Spotify Followers", "Spotify", "The address of the artist, for example https://open.spotify.com/artist/"),
    ("Discord Members", "Discord", "An invitation to the server, for example https://discord.gg/AbCdEfGh"),
    ("Website visitors", "Website traffic", "The address of the page, for example https://example.com/page"),
    ("Pinterest Repins and shares", "Pinterest", "The address of the pin, for example https://pinterest.com/pin/"),
]


@pytest.mark.parametrize(("name", "category", "hint"), HINTS)
def test_the_link_field_has_the_example_of_platform_and_kind(
    signed_in: Client, name: str, category: str, hint: str
) -> None:
    [service] = stock(rows=[(name, category, "Default", "1", 10, 1000, "")])
    html = unescape(signed_in.get(f"/order/?service={service.pk}").content.decode())
    assert hint in html


def quote(client: Client, service: Service, **typed: str) -> str:
    fields = {"service": str(service.pk), "link": LINK, "quantity": "100", **typed}
    return unescape(client.post("/order/quote", fields).content.decode())


def test_a_link_of_another_platform_comes_with_two_ways_out(signed_in: Client, services: list[Service]) -> None:
    html = quote(signed_in, services[0], link=TIKTOK)
    said = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "You pasted a TikTok link. This service is for Instagram." in said
    assert "It needs an address like https://instagram.com/name ." in said
    assert "The link is for another platform." in said
    assert "Use instagram.com/harborcoffee" in said
    [address] = re.findall(r'<a class="btn[^>]*href="([^"]+)"', html)
    # Both work without a script: the mended link fills the field, the other way keeps what was pasted.
    sent = {"service": str(services[0].pk), "link": TIKTOK, "quantity": "100", "shown_charge": "9"}
    page = signed_in.post("/order/", {**sent, "use_link": "https://instagram.com/harborcoffee"}).content.decode()
    assert 'value="https://instagram.com/harborcoffee"' in page
    assert 'name="shown_charge"' in page
    others = unescape(signed_in.get(address).content.decode())
    assert f"/order/?service={services[5].pk}&link=https%3A%2F%2Fwww.tiktok.com%2F%40harborcoffee%3Flang%3Den" in others
    assert Order.objects.count() == 0


def test_what_cannot_help_is_not_offered(signed_in: Client, services: list[Service]) -> None:
    # A profile where a post is wanted, and a platform that nothing is sold for.
    likes, reddit = (
        quote(signed_in, services[3], link=TIKTOK),
        quote(signed_in, services[0], link="https://vk.com/nord"),
    )
    assert "Use instagram.com" not in likes
    assert "Show TikTok services" in likes
    assert "You pasted a VK link." in " ".join(reddit.split())
    for n, link, said in (
        (5, LINK, "You pasted an Instagram link."),
        (0, "https://x.com/nord", "You pasted an X link."),
    ):
        assert said in " ".join(quote(signed_in, services[n], link=link).split())
    assert "Show VK services" not in reddit


@pytest.mark.parametrize(
    ("link", "wanted", "address"),
    [
        (TIKTOK, "instagram", "https://instagram.com/harborcoffee"),
        ("https://instagram.com/nord/", "tiktok", "https://tiktok.com/@nord"),
        ("https://x.com/nord", "youtube", "https://youtube.com/@nord"),
        ("https://youtube.com/channel/UC1234567890123456789012", "instagram", ""),
        ("https://www.tiktok.com/@nord/video/7300000000000000000", "instagram", ""),
        ("https://instagram.com/nord", "spotify", ""),
        ("https://instagram.com/a.b.c", "x", ""),
    ],
)
def test_the_same_name_elsewhere(link: str, wanted: str, address: str) -> None:
    assert same_name(read_link(link), wanted) == address


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("instagram followers", Target.ACCOUNT),
        ("instagram likes", Target.POST),
        ("instagram story views", Target.UNKNOWN),
        ("instagram auto likes", Target.UNKNOWN),
        ("instagram likes, last 10 posts", Target.UNKNOWN),
        ("something", Target.UNKNOWN),
    ],
)
def test_what_a_service_is_for_by_its_name(name: str, target: Target) -> None:
    assert target_of(name) is target
    assert read_link(example_link("instagram", name)).kind == ("post" if target is Target.POST else "profile")


@pytest.mark.parametrize(
    ("kind", "name", "wanted"),
    [
        ("post", "instagram followers", Target.ACCOUNT),
        ("profile", "instagram likes", Target.POST),
        ("profile", "instagram followers", Target.UNKNOWN),
        ("story", "instagram followers", Target.UNKNOWN),
        ("short link", "instagram likes", Target.UNKNOWN),
        ("profile", "something", Target.UNKNOWN),
    ],
)
def test_a_link_of_another_kind_is_noticed_only_where_it_is_sure(kind: str, name: str, wanted: Target) -> None:
    assert wanted_instead(kind, name) is wanted


def test_a_link_of_another_kind_is_a_warning_and_no_more(signed_in: Client, services: list[Service]) -> None:
    html = quote(signed_in, services[0], link="https://instagram.com/p/C1a2B3c4D5e")
    assert "This is the address of a single post." in html
    assert "https://instagram.com/name" in html
    assert 'name="shown_charge"' in html
    assert "This is the address of an account." in quote(signed_in, services[3])
    assert "This is the address of" not in quote(signed_in, services[0])


@pytest.mark.parametrize(
    ("service", "typed", "reason", "field"),
    [
        (0, {"link": "", "quantity": ""}, "Give a link and a quantity first.", "f-link"),
        (0, {"link": ""}, "Give a link first.", "f-link"),
        (0, {"quantity": ""}, "Give a quantity first.", "f-quantity"),
        (0, {"link": "", "quantity": "1"}, "“Quantity” is not right yet.", "f-quantity"),
        (0, {"link": TIKTOK}, "The link is for another platform.", "f-link"),
        (0, {"link": "hello there"}, "The link is not right yet.", "f-link"),
        (4, {"comments": ""}, "Write the comments first.", "f-comments"),
        (0, {"runs": "3"}, "Fill in “Pause” first.", "f-interval"),
        (11, {}, "Give a user name first.", "f-username"),
    ],
)
def test_a_grey_button_says_why_and_leads_to_the_field(
    signed_in: Client, services: list[Service], service: int, typed: dict[str, str], reason: str, field: str
) -> None:
    html = quote(signed_in, services[service], **typed)
    [why] = re.findall(r'<p class="reason" id="why">.*?</p>', html, re.DOTALL)
    assert reason in why
    assert f'href="#{field}"' in why
    assert html.count(f'data-way="#{field}"') == 2, "the button at the side and the one on a phone"
    assert " disabled" not in html


def test_nothing_is_grey_about_a_complete_order(signed_in: Client, services: list[Service]) -> None:
    html = quote(signed_in, services[0])
    assert "aria-disabled" not in html
    assert 'id="why"' not in html


def test_without_a_service_the_button_asks_for_one(signed_in: Client, services: list[Service]) -> None:
    html = signed_in.get("/order/").content.decode()
    assert "Choose a service first." in html
    assert 'data-way="#svc"' in html
    assert signed_in.post("/order/", {"nonce": ""}).status_code == 200


def test_too_little_money_is_a_reason_that_leads_to_adding_some(client: Client, services: list[Service]) -> None:
    client.force_login(customer("poor@example.com", "0"))
    html = quote(client, services[0])
    assert html.count('data-way="#add-funds"') == 2
    assert 'id="why"' in html
    assert 'id="add-funds"' in html


def test_a_repeated_order_needs_no_more_fields(signed_in: Client, orders: Orders) -> None:
    order = orders.completed()
    html = signed_in.get(f"/order/?service={order.service_id}&again={order.pk}").content.decode()
    assert "autofocus" not in html
    assert "autofocus" in signed_in.get(f"/order/?service={order.service_id}").content.decode()


def test_the_most_usual_quantity_is_used_without_a_script(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[0].pk), "link": LINK, "quantity": "80", "use_quantity": "100"}
    html = signed_in.post("/order/", fields).content.decode()
    assert re.search(r'name="quantity"[^>]*value="100"', html)
    assert Order.objects.count() == 0


def test_a_service_of_two_platforms_takes_links_of_both(signed_in: Client) -> None:
    provider = provider_of("Beta")
    [both] = stock(provider, [("Instagram and Facebook Followers", "Instagram", "Default", "1", 10, 1000, "")])
    assert "You pasted" not in quote(signed_in, both, link="https://facebook.com/nord")
