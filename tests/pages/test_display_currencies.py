"""Prices in another currency next to the shop's own: chosen in the foot of a page, and shown on public pages alone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.admin.display_currencies import OLD_AFTER
from catalog.models import DisplayCurrency, Service
from core.clock import database_now
from core.models import StaffAction
from tests.api.cast import key_for
from tests.pages.cast import Orders
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
ABOUT = 'about <bdi dir="ltr" class="money">€{}</bdi>'
NEW = reverse("admin:catalog_displaycurrency_add")
LIST = reverse("admin:catalog_displaycurrency_changelist")


@pytest.fixture
def euro(db: None) -> DisplayCurrency:
    return DisplayCurrency.objects.create(code="EUR", rate=Decimal("0.9226"))


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "owner-password"))


def html(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, path
    return answer.content.decode()


def choose(client: Client, code: str, target: str = "/") -> Any:
    return client.get(f"/currency/{code}/", {"next": target})


def priced_pages(service: Service) -> list[str]:
    return ["/", "/?sort=price", f"/services/{service.pk}/", f"/categories/{service.category_id}/"]


def test_a_visitor_chooses_and_reads_both(client: Client, services: list[Service], euro: DisplayCurrency) -> None:
    for path in priced_pages(services[0]):
        page = html(client, path)
        assert 'href="/currency/EUR/?next=%2F' in page
        assert "about <bdi" not in page
    answer = choose(client, "EUR", "/?q=likes")
    assert answer["Location"] == "/?q=likes"
    cookie = answer.cookies["currency"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("EUR", True, "Lax")
    for path in priced_pages(services[0]):
        page = html(client, path)
        assert ABOUT.format("1.72") in page, path  # 1.859 * 0.9226
        assert '$1.85<span class="money-sub">9</span>' in page
        assert "You pay in USD." in page
    assert ABOUT.format("0.093") not in html(client, f"/services/{services[9].pk}/"), "a package has no charges"
    choose(client, "USD")
    assert "about <bdi" not in html(client, "/")


def test_a_part_of_the_list_has_them_too(client: Client, services: list[Service], euro: DisplayCurrency) -> None:
    choose(client, "EUR")
    part = client.get("/?q=30-day", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert ABOUT.format("1.72") in part


def test_a_gone_service_offers_others_with_both_prices(
    client: Client, services: list[Service], euro: DisplayCurrency
) -> None:
    choose(client, "EUR")
    source = services[1].source
    source.vanished_at = database_now()
    source.save()
    assert ABOUT.format("1.72") in client.get(f"/services/{services[1].pk}/").content.decode()


def test_no_form_receipt_statement_or_call_knows_of_it(
    signed_in: Client, alice: User, orders: Orders, services: list[Service], euro: DisplayCurrency
) -> None:
    order = orders.partial(remains=157)
    key = key_for(alice)
    paths = [
        f"/order/?service={services[0].pk}&link=https://instagram.com/a&quantity=1000", "/order/services?find=likes",
        "/orders/", f"/orders/{order.pk}/", f"/orders/rows?open={order.pk}", "/wallet/", "/wallet/statement.csv",
        "/wallet/add/", "/updates/", "/updates/rss/", "/api/", "/api/v2/openapi.json", "/account/",
    ]  # fmt: skip

    def answers() -> list[bytes]:
        found = [signed_in.get(path).getvalue() for path in paths]
        quoted = {"service": services[0].pk, "link": "https://instagram.com/a", "quantity": "1000"}
        found.append(signed_in.post("/order/quote", quoted).content)
        for call in ({"action": "services"}, {"action": "status", "order": order.pk}, {"action": "balance"}):
            found.append(signed_in.post("/api/v2", {"key": key, **call}).content)
        return found

    choose(signed_in, "EUR")
    for path, answer in zip([*paths, "quote", "services", "status", "balance"], answers(), strict=True):
        assert "€".encode() not in answer, path
        assert b"EUR" not in answer or path == "/account/", path
    signed_in.get("/")
    assert ABOUT.format("1.72") in html(signed_in, "/"), "the same customer reads both on the price list"


def test_a_browser_keeps_a_page_only_for_the_currency_it_was_shown_in(
    client: Client, services: list[Service], euro: DisplayCurrency
) -> None:
    first = client.get("/")
    assert "Cookie" in first["Vary"]
    assert client.get("/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    choose(client, "EUR")
    answer = client.get("/", headers={"If-None-Match": first["ETag"]})
    assert answer.status_code == 200
    assert client.get("/", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    DisplayCurrency.objects.update(rate=Decimal("0.95"))
    assert client.get("/", headers={"If-None-Match": answer["ETag"]}).status_code == 200


def test_a_shop_without_rates_shows_and_serves_nothing_of_it(client: Client, services: list[Service]) -> None:
    without = html(client, "/")
    assert "currency/" not in without
    client.cookies["currency"] = "EUR"
    assert html(client, "/") == without
    assert choose(client, "EUR").status_code == 404
    assert choose(client, "USD").status_code == 404
    DisplayCurrency.objects.create(code="EUR", rate=1, is_shown=False)
    DisplayCurrency.objects.create(code="USD", rate=1)
    assert html(client, "/") == without, "neither a hidden one nor the shop's own is a choice"


@pytest.mark.parametrize("code", ["GBP", "eur", "€", "E" * 5000])
def test_a_currency_that_is_not_offered_is_not_found_and_changes_nothing(
    client: Client, services: list[Service], euro: DisplayCurrency, code: str
) -> None:
    choose(client, "EUR")
    assert choose(client, code).status_code == 404
    assert ABOUT.format("1.72") in html(client, "/")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "\\\\evil"])
def test_the_way_back_stays_in_the_shop(client: Client, euro: DisplayCurrency, target: str) -> None:
    assert choose(client, "EUR", target)["Location"] == "/"
    assert client.post("/currency/EUR/").status_code == 405


def test_the_owner_adds_one_and_history_says_who(owner: Client) -> None:
    answer = owner.post(NEW, {"code": "eur", "rate": "0,9226", "decimals": "2", "position": "0", "is_shown": "on"})
    assert answer.status_code == 302, answer.content.decode()
    euro = DisplayCurrency.objects.get()
    assert (euro.code, euro.rate) == ("EUR", Decimal("0.9226"))
    assert StaffAction.objects.get(action="displaycurrency.add").object_name == "EUR"
    page = reverse("admin:catalog_displaycurrency_change", args=[euro.pk])
    DisplayCurrency.objects.update(rated_at=database_now() - OLD_AFTER - timedelta(hours=1))
    owner.post(page, {"code": "EUR", "rate": "0.9226", "decimals": "2", "position": "3", "is_shown": "on"})
    assert "enter today’s rate" in html(owner, LIST), "the rate is as old as before"
    owner.post(page, {"code": "EUR", "rate": "0.95", "decimals": "2", "position": "3", "is_shown": "on"})
    changed = StaffAction.objects.filter(action="displaycurrency.change").first()
    assert changed is not None
    assert (changed.before["rate"], changed.after["rate"]) == ("0.922600000000", "0.95")
    assert "enter today’s rate" not in html(owner, LIST)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "USD"}, "Prices are in USD already."),
        ({"code": "E1"}, "Enter a code of 3 to 8 letters, such as EUR."),
        ({"rate": "0"}, "greater than or equal to"),
        ({"rate": "-1"}, "greater than or equal to"),
        ({"rate": "1,234"}, "1,234"),
        ({"rate": "1" * 13}, "no more than 12 digits"),
        ({"rate": "abc"}, "abc"),
        ({"decimals": "9"}, "less than or equal to 8"),
        ({"code": "GBP"}, "already exists"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong_and_keeps_the_rest(
    owner: Client, values: dict[str, str], sentence: str
) -> None:
    DisplayCurrency.objects.create(code="GBP", rate=Decimal("0.8"))
    entered = {"code": "EUR", "rate": "0.92", "decimals": "2", "position": "7", "is_shown": "on", **values}
    page = owner.post(NEW, entered).content.decode()
    assert sentence in page
    assert 'value="7"' in page
    assert DisplayCurrency.objects.count() == 1


def test_a_confirmed_rate_is_not_old(owner: Client, euro: DisplayCurrency) -> None:
    DisplayCurrency.objects.update(rated_at=database_now() - timedelta(days=400))
    assert "enter today’s rate" in html(owner, LIST)
    owner.post(LIST, {"action": "confirm_rates", "_selected_action": [str(euro.pk)]})
    assert "enter today’s rate" not in html(owner, LIST)
    assert StaffAction.objects.filter(action="displaycurrency.confirm", object_name="EUR").count() == 1


def test_staff_without_the_right_change_no_rate(euro: DisplayCurrency) -> None:
    staff = sign_in_staff(User.objects.create_user("staff@example.com", is_staff=True))
    for path in (LIST, NEW, reverse("admin:catalog_displaycurrency_change", args=[euro.pk])):
        assert staff.get(path).status_code == 403
        assert staff.post(path, {"action": "confirm_rates", "rate": "2"}).status_code == 403
    euro.refresh_from_db()
    assert euro.rate == Decimal("0.9226")
