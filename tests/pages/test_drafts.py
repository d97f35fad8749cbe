"""Filled order forms that are kept while somebody signs up, signs in or adds funds."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders import drafts
from orders.models import Order, OrderDraft
from tests.pages.cast import PASSWORD, customer

pytestmark = pytest.mark.django_db

LINK = "https://instagram.com/atelier.nord"


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    cache.clear()


def filled(service: Service, **more: str) -> dict[str, str]:
    return {"service": str(service.pk), "link": LINK, "quantity": "1000", "nonce": "one", **more}


def form_of(client: Client, service: Service) -> str:
    answer = client.get(f"/order/?service={service.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def sign_in(client: Client, who: User) -> None:
    answer = client.post("/accounts/login/", {"login": who.email, "password": PASSWORD})
    assert answer.status_code == 302


def test_a_visitors_form_is_there_after_signing_in(client: Client, alice: User, services: list[Service]) -> None:
    answer = client.post("/order/", filled(services[0], shown_charge="1.00000"))
    assert answer["Location"] == f"/accounts/login/?next=%2Forder%2F%3Fservice%3D{services[0].pk}"
    assert LINK in form_of(client, services[0]), "the visitor who comes back without signing in finds it too"
    sign_in(client, alice)
    assert not Order.objects.exists(), "a draft is never placed by itself"
    page = form_of(client, services[0])
    assert LINK in page
    assert 'value="1000"' in page
    assert "Your order is as you left it." in page
    # At the price of now: what the form had been shown counts for nothing.
    assert 'name="shown_charge" value="1.00000"' not in page
    charge = page.split('name="shown_charge" value="')[1].split('"')[0]
    assert client.post("/order/", filled(services[0], shown_charge=charge)).status_code == 302
    assert Order.objects.filter(customer=alice, link=LINK).count() == 1
    assert not OrderDraft.objects.exists()


def test_nobody_else_finds_it(client: Client, alice: User, services: list[Service]) -> None:
    client.post("/order/", filled(services[0]))
    other = Client()
    assert LINK not in form_of(other, services[0]), "another session"
    bob = customer("bob@example.com")
    sign_in(other, bob)
    assert LINK not in form_of(other, services[0])
    # On a shared computer: one signs in and out, the next one finds nothing.
    sign_in(client, alice)
    client.post("/accounts/logout/")
    client.force_login(bob)
    assert LINK not in form_of(client, services[0])
    assert OrderDraft.objects.get().customer == alice


def test_what_was_left_hours_before_goes_to_nobody(client: Client, alice: User, services: list[Service]) -> None:
    client.post("/order/", filled(services[0]))
    kept = OrderDraft.objects.get()
    assert kept.expires_at - kept.kept_at == drafts.KEPT_FOR_VISITORS
    OrderDraft.objects.update(expires_at=database_now())
    assert LINK not in form_of(client, services[0])
    sign_in(client, alice)
    assert LINK not in form_of(client, services[0])
    assert not OrderDraft.objects.exists()


def test_a_form_is_kept_while_money_is_added(signed_in: Client, alice: User, services: list[Service]) -> None:
    answer = signed_in.post("/order/", filled(services[0], quantity="20000", keep="funds"), follow=True)
    back = f"/order/?service={services[0].pk}"
    assert f'href="{back}"' in answer.content.decode()
    assert 'value="20000"' in form_of(signed_in, services[0])
    # The page of the service proposes a quantity, which nobody typed: the draft goes first.
    assert 'value="20000"' in signed_in.get(f"{back}&quantity=1000").content.decode()
    pasted = signed_in.get(f"{back}&link=https://instagram.com/another").content.decode()
    assert ("https://instagram.com/another" in pasted, "as you left it" in pasted) == (True, False)
    assert not Order.objects.exists()
    signed_in.post("/order/", filled(services[0], quantity="500", keep="funds"))
    assert OrderDraft.objects.get().fields["quantity"] == "500", "one for a customer and service"


def test_drafts_end_and_are_bounded(
    client: Client, alice: User, services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = database_now()
    for n in range(5):
        drafts.keep_for_customer(alice, services[n].pk, {"link": LINK}, now=now + timedelta(seconds=n))
    monkeypatch.setattr(drafts, "MOST", 2)
    drafts.keep_for_customer(alice, services[5].pk, {"link": f"{LINK}\0"}, now=now + timedelta(seconds=9))
    assert set(OrderDraft.objects.values_list("service", flat=True)) == {services[4].pk, services[5].pk}
    assert drafts.kept_for(alice, services[5].pk, now=now) == {"link": LINK}
    with pytest.raises(drafts.NotKept):
        drafts.keep_for_customer(alice, services[0].pk, {"comments": "x" * 200_001}, now=now)
    assert drafts.kept_for(alice, services[5].pk, now=now + timedelta(days=8)) == {}
    assert drafts.forget_expired(now=now + timedelta(days=8)) == 2


def test_signing_in_gives_a_kept_form_more_time(client: Client, alice: User, services: list[Service]) -> None:
    client.post("/order/", filled(services[0], keep="sign-in"))
    sign_in(client, alice)
    kept = OrderDraft.objects.get()
    assert kept.customer == alice
    assert kept.expires_at - database_now() > drafts.KEPT - timedelta(minutes=5)


def test_signing_up_is_one_press_away(client: Client, services: list[Service]) -> None:
    answer = client.post("/order/", filled(services[0], keep="sign-up"))
    assert answer["Location"] == f"/accounts/signup/?next=%2Forder%2F%3Fservice%3D{services[0].pk}"


def test_every_way_from_the_form_to_an_account_or_to_funds_sends_it_along(
    client: Client, alice: User, services: list[Service]
) -> None:
    html = " ".join(form_of(client, services[0]).split())
    for way in ("sign-in", "sign-up"):
        assert html.count(f'form="order-form" name="keep" value="{way}"') == 2, "the head and the menu"
    assert 'href="/accounts/login/' not in html
    # Who has typed nothing has nothing to keep.
    answer = client.post("/order/", {"service": str(services[0].pk), "link": "", "keep": "sign-in"}, follow=True)
    assert "your order is kept" not in answer.content.decode()
    assert not OrderDraft.objects.exists()
    # What cannot be kept does not bar the way.
    typed = filled(services[4], comments="x" * 30_000, keep="sign-in")
    assert 'href="/accounts/login/' in client.post("/order/", typed).content.decode()
    client.force_login(alice)
    assert 'form="order-form" name="keep" value="funds"' in " ".join(form_of(client, services[0]).split())
    assert 'form="order-form"' not in client.get("/wallet/").content.decode()


def test_a_form_that_cannot_be_kept_stays_on_the_page(client: Client, services: list[Service]) -> None:
    typed = "\n".join(f"comment {n}" for n in range(2_000))
    answer = client.post("/order/", filled(services[4], comments=typed, keep="sign-up"))
    html = answer.content.decode()
    assert "too long to be kept" in html
    assert "comment 1999" in html
    assert not OrderDraft.objects.exists()


@pytest.mark.parametrize("service", ["", "x", "999999999999", "-1", "9" * 30])
def test_a_visitors_form_for_nothing_is_not_kept(client: Client, services: list[Service], service: str) -> None:
    answer = client.post("/order/", {"service": service, "link": LINK, "keep": "sign-up"})
    assert answer.status_code == 200
    assert not OrderDraft.objects.exists()


def test_a_visitor_without_a_script_sees_the_charge_first(client: Client, services: list[Service]) -> None:
    answer = client.post("/order/", filled(services[0], check="1"))
    assert 'name="shown_charge" value="1.85900"' in answer.content.decode()
    assert not OrderDraft.objects.exists()


def test_too_little_money_keeps_the_form(client: Client, services: list[Service]) -> None:
    poor = customer("poor@example.com", "0")
    client.force_login(poor)
    html = client.post("/order/", filled(services[0], shown_charge="1.85900")).content.decode()
    assert "Nothing was charged, and the form is kept." in html
    assert 'name="keep" value="funds"' in html
    assert OrderDraft.objects.get().customer == poor


def test_a_network_leaves_no_endless_drafts(
    client: Client, services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "RATES", {"draft_from_network": "2/1h/key", "draft_from_wide_network": "9/1h/key"})
    for n in range(3):
        answer = Client().post("/order/", filled(services[n]), follow=True)
    assert OrderDraft.objects.count() == 2
    assert "too many forms came from your network" in answer.content.decode()
