"""A customer chooses which mails come, in the account and by the link of a mail."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.mail_choices import BULK, ORDER_COMPLETED, ORDERS, REFILL, choices_of, read_token, switch_token
from accounts.models import MailChoices, Pace, User
from core.clock import database_now
from core.models import ShopSettings
from notices.models import Outbox
from notices.outbox import render
from orders.mails.sending import mail_news
from tests.pages.cast import Orders, customer

pytestmark = pytest.mark.django_db
PAGE = "/account/notifications/"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def off_link(orders: Orders) -> str:
    """The path in the header of a mail about a completed order."""
    orders.completed()
    mail_news(now=database_now())
    headers = render(Outbox.objects.get(is_news=True)).extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [address] = re.findall(r"<(.+)>", headers["List-Unsubscribe"])
    assert address.startswith(f"{settings.SHOP_URL}/fewer-mails/")
    return str(address.removeprefix(settings.SHOP_URL))


def test_choices_are_saved_and_shown(signed_in: Client, alice: User) -> None:
    form = {"kinds": ["refill", "top_up"], "pace": "daily", "bulk": "on"}
    assert signed_in.post(PAGE, form).status_code == 302
    chosen = MailChoices.objects.get(customer=alice)
    assert (chosen.order_completed, chosen.order_refunded, chosen.refill, chosen.top_up) == (False, False, True, True)
    assert (chosen.orders, chosen.pace, chosen.bulk) == (True, Pace.DAILY, True)
    html = signed_in.get(PAGE).content.decode()
    assert re.search(r'<option value="daily" selected', html)
    signed_in.post(PAGE, {"pace": "off"})
    chosen.refresh_from_db()
    assert (chosen.orders, chosen.pace, chosen.bulk) == (False, Pace.DAILY, False)
    assert re.search(r'<option value="off" selected', signed_in.get(PAGE).content.decode())


@pytest.mark.parametrize("form", [{"pace": "never"}, {}, {"kinds": ["x"], "pace": "daily"}])
def test_choices_that_do_not_exist_change_nothing(signed_in: Client, alice: User, form: dict[str, Any]) -> None:
    assert signed_in.post(PAGE, form).status_code == 200
    assert not MailChoices.objects.exists()


def test_a_visitor_is_led_to_sign_in(client: Client) -> None:
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")


def test_link_of_a_mail_works_signed_out_and_offers_the_way_back(orders: Orders, client: Client) -> None:
    link = off_link(orders)
    page = client.get(link)
    assert "Order completed" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert choices_of(orders.who).order_completed, "opening the page changes nothing"
    assert client.post(link, {"action": "off"}).status_code == 302
    assert not choices_of(orders.who).order_completed
    assert choices_of(orders.who).refill
    assert "Switch them on again" in client.get(link).content.decode()
    client.post(link, {"action": "on"})
    assert choices_of(orders.who).order_completed


def test_a_mail_program_switches_off_with_one_click_and_is_not_redirected(orders: Orders) -> None:
    link = off_link(orders)
    program = Client(enforce_csrf_checks=True)
    for _twice in range(2):
        assert program.post(link, ONE_CLICK).status_code == 200
        assert not choices_of(orders.who).order_completed


def test_one_click_works_while_the_mail_is_in_another_language(orders: Orders) -> None:
    ShopSettings.objects.update(languages=["es"])
    User.objects.update(language="es")
    link = off_link(orders)
    ShopSettings.objects.update(languages=[])
    assert Client(enforce_csrf_checks=True).post(link, ONE_CLICK).status_code == 200
    assert not choices_of(orders.who).order_completed


def test_links_that_are_not_ours_are_not_found(alice: User, client: Client) -> None:
    good = switch_token(alice.pk, [ORDERS, BULK])
    assert read_token(good) == (alice.pk, [ORDERS, BULK])
    bob = customer("bob@example.com", "0")
    number, _dot, rest = good.partition(".")
    for token in (
        f"{bob.pk}.{rest}",
        f"{number}.{REFILL}{rest[rest.index(':') :]}",
        good[:-1],
        "x",
        f"{alice.pk}.{ORDERS}",
    ):
        assert client.get(f"/fewer-mails/{token}/").status_code == 404
        assert client.post(f"/fewer-mails/{token}/", ONE_CLICK).status_code == 404
    assert not MailChoices.objects.exists()


def test_link_of_a_customer_who_is_gone_changes_nothing(client: Client) -> None:
    assert client.post(f"/fewer-mails/{switch_token(10**6, [ORDER_COMPLETED])}/", ONE_CLICK).status_code == 200
    assert not MailChoices.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_in_the_browser(live_server: Any, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page) -> None:
    page, link = quiet_page, off_link(orders)
    page.goto(f"{live_server.url}{link}")
    page.get_by_role("button", name="Switch them off").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("These mails are off")
    sign_in(orders.who)
    page.get_by_role("link", name="Choose all mails").click()
    box = page.get_by_label("Order completed")
    expect(box).not_to_be_checked()
    box.check()
    page.get_by_label("Mails about orders").select_option("daily")
    page.get_by_label("One mail a day about orders through the API").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Order completed")).to_be_checked()
    chosen = MailChoices.objects.get()
    assert (chosen.order_completed, chosen.pace, chosen.bulk) == (True, Pace.DAILY, True)
