"""Choosing a service to order: from platform to category to service, favourites, and what was ordered recently."""

import re

import pytest
from django.db import IntegrityError
from django.test import Client

from accounts.models import User
from catalog.models import Category, Favourite, Service
from catalog.shop import favourites
from orders.models import Order
from tests.pages.cast import Orders, customer

LINK = "https://instagram.com/atelier.nord"


def html_of(client: Client, query: str = "", path: str = "/order/") -> str:
    answer = client.get(f"{path}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def listed(html: str) -> list[int]:
    """The numbers of the services in the list, in its order."""
    return [int(number) for number in re.findall(r'id="svc-(\d+)"', html)]


def tree(html: str) -> dict[str, tuple[str, int]]:
    """Each line of the tree: its key -> its name and count."""
    lines = re.findall(r'id="svc-at-([\w-]+)".*?<bdi>(.*?)</bdi>.*?class="count ms-auto">([\d,]+)<', html, re.DOTALL)
    return {key: (name, int(count.replace(",", ""))) for key, name, count in lines}


def star(client: Client, service: Service, to: str = "on", **more: str) -> str:
    fields = {"service": str(service.pk), "star": to, **more}
    answer = client.post(f"/order/?service={service.pk}", fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_service_is_reached_by_platform_and_category(signed_in: Client, services: list[Service]) -> None:
    platforms = tree(html_of(signed_in))
    assert platforms["instagram"] == ("Instagram", 7)
    assert [*platforms][0] == "instagram", "the platform with the most services comes first"
    reached = set()
    for platform in platforms:
        for key in tree(html_of(signed_in, f"?platform={platform}")):
            if key.startswith("category-"):
                number = key.removeprefix("category-")
                reached |= set(listed(html_of(signed_in, f"?platform={platform}&category={number}")))
    assert reached == {service.pk for service in services}


def test_a_category_lists_the_cheapest_first_with_what_a_row_says(signed_in: Client, services: list[Service]) -> None:
    followers = Category.objects.get(name="Instagram · Followers")
    html = html_of(signed_in, f"?platform=instagram&category={followers.pk}", "/order/services")
    assert listed(html) == [services[1].pk, services[2].pk, services[0].pk]
    assert "3 services, cheapest first" in html
    row = html.split(f'id="svc-{services[0].pk}"')[1]
    for word in (f">{services[0].pk}<", "$1.8", "Refill", "Drip-feed", services[0].name):
        assert word in row


def test_counts_of_the_tree_follow_the_search_and_no_platform_goes(signed_in: Client, services: list[Service]) -> None:
    html = html_of(signed_in, "?find=followers", "/order/services")
    counts = tree(html)
    assert {key: counts[key][1] for key in ("instagram", "tiktok", "youtube")} == {
        "instagram": 3,
        "tiktok": 1,
        "youtube": 0,
    }
    within = html_of(signed_in, "?find=followers&platform=tiktok", "/order/services")
    assert listed(within) == [services[5].pk]
    nothing = html_of(signed_in, "?find=followers&platform=youtube", "/order/services")
    assert "Search all platforms" in nothing
    assert listed(nothing) == []


@pytest.mark.parametrize(
    "query",
    ["?platform=nowhere", "?platform=instagram&category=999999", "?category=x&show=y", "?find=%20&platform=%20"],
)
def test_addresses_without_a_meaning_show_the_tree(signed_in: Client, services: list[Service], query: str) -> None:
    for path in ("/order/", "/order/services"):
        assert "instagram" in tree(html_of(signed_in, query, path))


def test_a_favourite_is_marked_and_comes_first(signed_in: Client, services: list[Service]) -> None:
    assert 'aria-pressed="true"' in star(signed_in, services[8])
    star(signed_in, services[3])
    star(signed_in, services[3])
    html = html_of(signed_in)
    assert [*tree(html).items()][0] == ("favourites", ("Favourites", 2))
    assert listed(html) == [services[3].pk, services[8].pk]
    assert 'aria-pressed="false"' in star(signed_in, services[3], "off")
    assert listed(html_of(signed_in, "?show=favourites")) == [services[8].pk]


def test_a_star_loses_nothing_that_was_typed_and_places_nothing(signed_in: Client, services: list[Service]) -> None:
    html = star(signed_in, services[0], link=LINK, quantity="777", shown_charge="1.00000", nonce="one")
    assert f'value="{LINK}"' in html
    assert 'value="777"' in html
    assert Order.objects.count() == 0


def test_a_script_gets_the_star_alone(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[0].pk), "star": "on"}
    html = signed_in.post("/order/", fields, headers={"HX-Request": "true"}).content.decode()
    assert html.strip().startswith('<div id="star-box"')
    assert 'aria-pressed="true"' in html


def test_there_is_a_most_of_favourites(
    signed_in: Client, alice: User, services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(favourites, "MOST", 1)
    star(signed_in, services[0])
    assert "You have 1 favourites" not in star(signed_in, services[0]), "marking one again is no further one"
    assert "Take the star off one of them first." in star(signed_in, services[1])
    assert Favourite.objects.get().service == services[0]


def test_the_database_takes_a_favourite_once(alice: User, services: list[Service]) -> None:
    Favourite.objects.create(customer=alice, service=services[0])
    with pytest.raises(IntegrityError, match="favourite_once_per_customer"):
        Favourite.objects.create(customer=alice, service=services[0])


def test_a_favourite_that_is_not_sold_stays_away_until_it_is(signed_in: Client, services: list[Service]) -> None:
    star(signed_in, services[0])
    star(signed_in, services[1])
    Service.objects.filter(pk=services[0].pk).update(is_visible=False)
    assert tree(html_of(signed_in))["favourites"][1] == 1
    Service.objects.filter(pk=services[0].pk).update(is_visible=True)
    assert tree(html_of(signed_in))["favourites"][1] == 2


def test_recently_ordered_services_come_newest_first_and_once(signed_in: Client, alice: User, orders: Orders) -> None:
    tiktok, likes = (
        Service.objects.get(name__startswith="TikTok Followers"),
        Service.objects.get(name__contains="Likes"),
    )
    Orders(alice, tiktok).queued(link="https://tiktok.com/@nord")
    orders.queued()
    Orders(alice, likes).queued(link="https://instagram.com/p/C1a2B3c4D5e")
    orders.queued()
    html = html_of(signed_in)
    assert tree(html)["recent"] == ("Used recently", 3)
    assert listed(html) == [orders.service.pk, likes.pk, tiktok.pk]
    star(signed_in, tiktok)
    assert listed(html_of(signed_in)) == [tiktok.pk], "favourites come before them"
    assert listed(html_of(signed_in, "?show=recent"))[0] == orders.service.pk


def test_nobody_sees_anothers_favourites_and_recent_services(client: Client, orders: Orders) -> None:
    orders.queued()
    client.force_login(orders.who)
    star(client, orders.service)
    client.force_login(customer("bob@example.com"))
    for query in ("", "?show=favourites", "?show=recent", f"?service={orders.service.pk}"):
        html = html_of(client, query)
        assert not {"favourites", "recent"} & tree(html).keys()
        assert 'aria-pressed="true"' not in html
        assert "Used recently" not in html


def test_a_filled_in_link_goes_along_to_the_service(signed_in: Client, services: list[Service]) -> None:
    html = html_of(signed_in, "?platform=tiktok&link=https://tiktok.com/@nord&quantity=500")
    kept = "link=https%3A%2F%2Ftiktok.com%2F%40nord&amp;quantity=500"
    assert f"?service={services[5].pk}&amp;{kept}" in html
    assert f"?platform=instagram&amp;{kept}" in html
    assert '<input type="hidden" name="quantity" value="500">' in html, "for the search without a script"
