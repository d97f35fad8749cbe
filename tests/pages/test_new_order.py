"""Making an order: only the fields a type needs, the charge before it is paid, and no way to pay twice."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from billing.models import Account
from catalog.models import SameLink, Service
from orders.models import Order
from tests.pages.cast import PASSWORD, Orders, customer

LINK = "https://instagram.com/atelier.nord"


def new(client: Client, query: str) -> str:
    answer = client.get(f"/order/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden field {name}"
    return found[1]


def filled(client: Client, service: Service, **typed: str) -> dict[str, str]:
    """The form as the page sends it, with the charge that a quote showed."""
    fields = {"service": str(service.pk), "link": LINK, "quantity": "1,000", **typed}
    fields["nonce"] = hidden(new(client, f"?service={service.pk}"), "nonce")
    fields["shown_charge"] = hidden(client.post("/order/quote", fields).content.decode(), "shown_charge")
    return fields


def balance(user: User) -> Decimal:
    return Account.objects.get(customer=user).balance


def test_a_visitor_sees_the_form_and_its_price_and_signs_in_to_order(
    client: Client, alice: User, services: list[Service]
) -> None:
    html = new(client, f"?service={services[0].pk}&link={LINK}&quantity=1000")
    assert "$1.859" in re.sub(r"<[^>]+>", "", html)
    assert "Place order" not in html
    assert "Balance" not in html
    assert "no-store" in client.get("/order/")["Cache-Control"]
    assert "Nothing matches" not in client.get("/order/services?find=telegram").content.decode()
    fields = {"service": str(services[0].pk), "link": LINK, "quantity": "1000", "keep": "sign-in"}
    answer = client.post("/order/", fields)
    assert answer.status_code == 302
    signed = client.post(answer["Location"], {"login": alice.email, "password": PASSWORD})
    assert signed["Location"] == f"/order/?service={services[0].pk}"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Instagram Followers · 30-day refill", ["link", "quantity", "runs", "interval"]),
        ("YouTube Views · watched 2 to 4 min", ["link", "quantity"]),
        ("Instagram Custom Comments", ["link", "comments"]),
        ("Monthly package, 30 posts", ["link"]),
        ("Poll votes", ["link", "quantity", "answer_number"]),
        ("Posts for subscribers", ["username", "posts", "min", "max", "old_posts", "expiry"]),
    ],
)
def test_a_service_asks_only_for_the_fields_of_its_type(
    signed_in: Client, services: list[Service], name: str, fields: list[str]
) -> None:
    service = Service.objects.get(name=name)
    html = new(signed_in, f"?service={service.pk}")
    assert re.findall(r'<(?:input|textarea)[^>]* id="f-(\w+)"', html) == fields
    if not fields:
        assert "This kind of service cannot be ordered here yet." in html


def test_what_the_service_says_stands_before_the_order(signed_in: Client, services: list[Service]) -> None:
    html = new(signed_in, f"?service={services[0].pk}")
    assert "The profile must be public.<br>" in html
    assert "100 – 50,000" in html


def test_a_service_is_found_by_letters_or_number_without_a_script(signed_in: Client, services: list[Service]) -> None:
    assert f'href="/order/?service={services[8].pk}"' in new(signed_in, "?find=telegram")
    assert f'href="/order/?service={services[8].pk}"' in new(signed_in, f"?find={services[8].pk}")
    found = signed_in.get("/order/services?find=telegramm").content.decode()
    assert f'href="/order/?service={services[8].pk}"' in found


def test_a_service_that_is_not_sold_is_said_so(signed_in: Client, services: list[Service]) -> None:
    Service.objects.filter(pk=services[0].pk).update(is_visible=False)
    for number in (str(services[0].pk), "999999", "x"):
        assert "This service is not sold at the moment." in new(signed_in, f"?service={number}")


def test_the_quote_shows_the_charge_and_the_balance_after(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[0].pk), "link": LINK, "quantity": "2,500"}
    html = signed_in.post("/order/quote", fields).content.decode()
    assert hidden(html, "shown_charge") == "4.64750"
    assert '$95.35<span class="money-sub">25</span>' in html
    assert 'id="paybar"' in html
    assert 'hx-swap-oob="true"' in html


def test_a_dripfeed_is_asked_for_where_a_service_allows_it_and_charged_for_all_its_runs(
    signed_in: Client, services: list[Service]
) -> None:
    assert 'name="runs"' not in new(signed_in, f"?service={services[3].pk}")
    assert 'name="runs"' in new(signed_in, f"?service={services[0].pk}")
    fields = {"service": str(services[0].pk), "link": LINK, "quantity": "100", "runs": "10", "interval": "30"}
    assert hidden(signed_in.post("/order/quote", fields).content.decode(), "shown_charge") == "1.85900"


def test_runs_without_a_pause_ask_for_the_pause(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[0].pk), "link": LINK, "quantity": "100", "runs": "10", "interval": ""}
    html = signed_in.post("/order/quote", fields).content.decode()
    assert re.search(r'id="f-interval-error".*?Enter a whole number from 1 to 10,080\.', html, re.DOTALL)


def test_the_only_quantity_of_a_package_is_no_range(signed_in: Client, services: list[Service]) -> None:
    package = Service.objects.get(name="Monthly package, 30 posts")
    assert "1 – 1" not in new(signed_in, f"?service={package.pk}")


def test_comments_are_counted_by_their_lines(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[4].pk), "link": LINK, "comments": "Nice\n\nWhere is this?\nLovely light"}
    assert hidden(signed_in.post("/order/quote", fields).content.decode(), "shown_charge") == "0.02535"


def test_a_field_is_judged_once_something_stands_in_it(signed_in: Client, services: list[Service]) -> None:
    fields = {"service": str(services[0].pk), "link": "", "quantity": "80"}
    html = signed_in.post("/order/quote", fields).content.decode()
    assert "At least 100." in html
    assert 'data-value="100"' in html
    assert "Please fill this in." not in html
    assert "shown_charge" not in html


def test_an_order_is_placed_and_its_charge_reserved(signed_in: Client, alice: User, services: list[Service]) -> None:
    answer = signed_in.post("/order/", filled(signed_in, services[0]), follow=True)
    order = Order.objects.get()
    assert answer.redirect_chain == [(f"/orders/{order.pk}/", 302)]
    assert f"Order #{order.pk} placed. $1.859 is reserved." in answer.content.decode()
    assert (order.quantity, order.link, order.charge) == (1000, LINK, Decimal("1.859"))
    assert balance(alice) == Decimal("98.141")


def test_a_second_click_leads_to_the_same_order(signed_in: Client, alice: User, services: list[Service]) -> None:
    fields = filled(signed_in, services[0])
    first = signed_in.post("/order/", fields)
    second = signed_in.post("/order/", fields, follow=True)
    assert second.redirect_chain == [(first["Location"], 302)]
    assert "Nothing was charged again." in second.content.decode()
    assert Order.objects.count() == 1
    assert balance(alice) == Decimal("98.141")


def test_a_price_that_rose_buys_nothing_and_shows_the_new_one(
    signed_in: Client, alice: User, services: list[Service]
) -> None:
    fields = filled(signed_in, services[0])
    Service.objects.filter(pk=services[0].pk).update(price=Decimal("1.92"))
    html = signed_in.post("/order/", fields).content.decode()
    assert "The price changed while you were typing." in html
    assert "It is now $1.92 per 1,000, $1.92 for this order." in html
    assert Order.objects.count() == 0
    assert balance(alice) == 100
    again = fields | {"shown_charge": hidden(html, "shown_charge"), "nonce": hidden(html, "nonce")}
    assert signed_in.post("/order/", again).status_code == 302
    assert Order.objects.get().charge == Decimal("1.92")


def test_a_price_that_fell_is_the_one_charged(signed_in: Client, services: list[Service]) -> None:
    fields = filled(signed_in, services[0])
    Service.objects.filter(pk=services[0].pk).update(price=Decimal("1.80"))
    signed_in.post("/order/", fields)
    assert Order.objects.get().charge == Decimal("1.8")


def test_too_little_money_says_how_much_is_missing(client: Client, services: list[Service]) -> None:
    poor = customer("poor@example.com", "2.10")
    client.force_login(poor)
    fields = filled(client, services[0], quantity="2500")
    html = client.post("/order/", fields).content.decode()
    assert "Not placed: your balance is $2.10, the order costs $4.6475." in html
    assert "$2.54" in html
    assert 'name="keep" value="funds"' in html
    assert Order.objects.count() == 0
    assert balance(poor) == Decimal("2.1")


def test_mistakes_stand_beside_their_fields_and_nothing_typed_is_lost(
    signed_in: Client, services: list[Service]
) -> None:
    fields = filled(signed_in, services[0]) | {"quantity": "99999999", "link": "not a link"}
    html = signed_in.post("/order/", fields).content.decode()
    assert "Not placed." in html
    assert "At most 50,000." in html
    assert "A link has no spaces in it. Paste only the address." in html
    assert 'value="not a link"' in html
    assert re.search(r'id="f-quantity"[^>]*aria-invalid="true"|aria-invalid="true"[^>]*id="f-quantity"', html)
    assert 'aria-describedby="f-quantity-error"' in html
    assert Order.objects.count() == 0


@pytest.mark.parametrize("shown", ["", "NaN", "Infinity", "abc"])
def test_without_a_script_the_first_step_shows_the_charge(
    signed_in: Client, services: list[Service], shown: str
) -> None:
    """Nobody pays what no page has shown."""
    fields = {
        "service": str(services[0].pk),
        "link": LINK,
        "quantity": "1000",
        "nonce": "n" * 32,
        "shown_charge": shown,
    }
    html = signed_in.post("/order/", fields).content.decode()
    assert hidden(html, "shown_charge") == "1.85900"
    assert Order.objects.count() == 0
    fields["shown_charge"] = hidden(html, "shown_charge")
    assert signed_in.post("/order/", fields).status_code == 302
    assert Order.objects.count() == 1


def test_ordering_again_begins_with_the_earlier_fields(signed_in: Client, orders: Orders) -> None:
    order = orders.partial(remains=157, link=LINK)
    html = new(signed_in, f"?service={order.service_id}&again={order.pk}&quantity=157")
    assert f'value="{LINK}"' in html
    assert 'value="157"' in html
    assert hidden(html, "shown_charge") == "0.29187"


def test_nobody_begins_with_somebody_elses_fields(client: Client, orders: Orders) -> None:
    order = orders.completed(link="https://instagram.com/private.place")
    client.force_login(customer("charlie@example.com"))
    assert "private.place" not in new(client, f"?service={order.service_id}&again={order.pk}")


def test_an_open_order_for_the_same_link_is_a_warning_and_no_more(signed_in: Client, orders: Orders) -> None:
    order = orders.running(remains=940, quantity=2500, link=LINK)
    fields = {"service": str(order.service_id), "link": LINK, "quantity": "100"}
    html = signed_in.post("/order/quote", fields).content.decode()
    assert f"#{order.pk}" in html
    assert "1,560 of 2,500 delivered" in html
    assert hidden(html, "shown_charge")


def test_a_second_order_for_a_link_waits_and_its_page_says_for_which(signed_in: Client, orders: Orders) -> None:
    Service.objects.filter(pk=orders.service.pk).update(own_same_link=SameLink.WAIT)
    first = orders.running(remains=940, quantity=2500, link=LINK)
    fields = filled(signed_in, orders.service)
    assert "A new order waits until it has ended" in signed_in.post("/order/quote", fields).content.decode()
    html = signed_in.post("/order/", fields, follow=True).content.decode()
    assert f"Your order #{first.pk} for this link is still open. This one is sent when that has ended." in html
    second = Order.objects.get(waits_for=first)
    assert "Waits for your other order" in signed_in.get("/orders/").content.decode()
    signed_in.post(f"/orders/{second.pk}/cancel")
    second.refresh_from_db()
    assert second.refunded == second.charge


def test_a_refused_second_order_keeps_the_form(signed_in: Client, orders: Orders) -> None:
    Service.objects.filter(pk=orders.service.pk).update(own_same_link=SameLink.REFUSE)
    first = orders.running(remains=940, quantity=2500, link=LINK)
    fields = filled(signed_in, orders.service)
    assert (
        "This service takes the next one when it has ended." in signed_in.post("/order/quote", fields).content.decode()
    )
    html = signed_in.post("/order/", fields).content.decode()
    assert f"Your order #{first.pk} for this link is still open." in html
    assert Order.objects.count() == 1
    assert LINK in new(signed_in, f"?service={orders.service.pk}")


def test_nobody_is_told_of_anothers_order_for_the_link(client: Client, orders: Orders) -> None:
    Service.objects.filter(pk=orders.service.pk).update(own_same_link=SameLink.REFUSE)
    first = orders.running(remains=940, quantity=2500, link=LINK)
    client.force_login(customer("charlie@example.com"))
    fields = filled(client, orders.service)
    assert f"#{first.pk}" not in client.post("/order/quote", fields).content.decode()
    assert client.post("/order/", fields).status_code == 302
    assert Order.objects.get(customer__email="charlie@example.com").waits_for is None


SPELLINGS = [
    "https://www.example.com/p/One",
    "https://example.com/p/One/",
    "http://www.example.com/p/One/",
    "HTTPS://WWW.EXAMPLE.COM/p/One/",
    "https://www.example.com/p/One/?igsh=MzRlODBiNWFlZA==",
    "https://www.example.com/p/One/?utm_source=web_copy_link",
    "\u200fhttps://www.example.com/p/One/ ",
]


@pytest.mark.parametrize("typed", SPELLINGS)
def test_an_open_order_is_found_by_any_spelling_of_its_link(signed_in: Client, orders: Orders, typed: str) -> None:
    order = orders.running(remains=940, quantity=2500, link="https://www.example.com/p/One/")
    fields = {"service": str(order.service_id), "link": typed, "quantity": "100"}
    assert f"#{order.pk}" in signed_in.post("/order/quote", fields).content.decode()
    # Without a script the page itself says so, before anything is paid.
    assert f"#{order.pk}" in signed_in.post("/order/", {**fields, "check": "1"}).content.decode()


def test_a_name_and_its_address_are_one_link(signed_in: Client, orders: Orders) -> None:
    order = orders.running(remains=940, quantity=2500, link="@Atelier.Nord")
    assert Order.objects.get(pk=order.pk).link == "@Atelier.Nord"
    for typed in (LINK, "instagr.am/atelier.nord/?hl=en"):
        fields = {"service": str(order.service_id), "link": typed, "quantity": "100"}
        assert f"#{order.pk}" in signed_in.post("/order/quote", fields).content.decode()


def test_other_and_ended_orders_are_no_warning(signed_in: Client, orders: Orders) -> None:
    ended = orders.completed(link=LINK), orders.refused(link=LINK)
    other = orders.running(remains=940, link="https://www.instagram.com/p/CxQ_7bLr2-A/")
    fields = {"service": str(other.service_id), "link": LINK, "quantity": "100"}
    html = signed_in.post("/order/quote", fields).content.decode()
    assert not any(f"#{order.pk}" in html for order in (*ended, other))


@pytest.mark.parametrize(
    ("link", "sentence", "suggestion"),
    [
        (
            "https://www.tiktok.com/@river.fox9",
            "You pasted a TikTok link. This service is for Instagram.",
            "https://instagram.com/river.fox9",
        ),
        ("atelier_nord", "This is not an address.", "@atelier_nord"),
        ("my shop: https://instagram.com/nord", "A link has no spaces in it.", "https://instagram.com/nord"),
        ("https://a.example/1 https://a.example/2", "Paste only one address.", ""),
    ],
)
def test_a_wrong_link_is_refused_with_what_to_do(
    signed_in: Client, services: list[Service], link: str, sentence: str, suggestion: str
) -> None:
    html = signed_in.post("/order/", filled(signed_in, services[0]) | {"link": link}).content.decode()
    assert sentence in html
    assert (f'data-value="{suggestion}"' in html) == bool(suggestion)
    assert Order.objects.count() == 0


def test_what_is_sent_is_what_was_typed_and_digits_of_any_script_are_read(
    signed_in: Client, services: list[Service]
) -> None:
    typed = "\u2067https://m.instagram.com/Atelier.Nord?igsh=x\u2069 "
    signed_in.post("/order/", filled(signed_in, services[0], link=typed, quantity="١٬٥٠٠", runs="٢", interval="۳۰"))
    order = Order.objects.get()
    assert order.link == order.fields["link"] == "https://m.instagram.com/Atelier.Nord?igsh=x"
    assert order.link_key == "instagram.com/atelier.nord"
    assert (order.quantity, order.runs, order.interval) == (1500, 2, 30)


def test_the_form_is_only_taken_with_its_token(services: list[Service], alice: User) -> None:
    strict: Any = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    answer = strict.post("/order/", {"service": services[0].pk, "link": LINK, "quantity": "1000", "shown_charge": "9"})
    assert answer.status_code == 403
    assert Order.objects.count() == 0
