"""The owner settles an order by hand on its page in the admin."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.numbers import plain_number
from core.templatetags.money import money_text
from orders.models import Order
from orders.settlement import due_for
from orders.states import Progress
from tests.orders.answers import answered, bought, status
from tests.orders.cast import Shop
from tests.orders.staff import clerk_with
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def unclear(shop: Shop, alice: User, unhurried: None) -> Order:
    return hears(shop, bought(shop, alice))


def hears(
    shop: Shop, order: Order, state: ProviderOrderState = ProviderOrderState.PARTIAL, remains: int | None = None
) -> Order:
    return answered(shop, order, status(state, remains=remains))


def page(client: Client, order: Order) -> str:
    answer = client.get(reverse("admin:orders_order_change", args=[order.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def url_of(name: str, order: Order) -> str:
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def seen_on(html: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', html)
    assert found, "the page offers no decision"
    return found[1]


def shows(client: Client, order: Order, form: dict[str, str]) -> dict[str, str]:
    """Send the form once, which moves nothing; return it with the sum that the answer shows."""
    html = client.post(url_of("settle", order), form).content.decode()
    shown = re.search(r'name="shown" value="([\d.]+)"', html)
    assert shown, "the page shows no sum"
    before = order.refunded
    order.refresh_from_db()
    assert (order.refunded, bool(order.needs_review)) == (before, True)
    return {**form, "shown": shown[1]}


def test_the_owner_settles_once_next_to_the_orders_story(owner: Client, unclear: Order) -> None:
    html = page(owner, unclear)
    assert "What happened" in html
    assert "Enter how many of 1000" in html
    form = {"missing": "157", "reason": "seen in the panel", "seen": seen_on(html)}
    form = shows(owner, unclear, form)
    again = owner.post(url_of("settle", unclear), {**form, "missing": "158"}).content.decode()
    refund = due_for(unclear, 158)
    for words in ("What it does", "Profit", f'value="Refund {money_text(refund)}"', f'value="{plain_number(refund)}"'):
        assert words in again, "another number than the one that was shown is shown first"
    assert form["shown"] == plain_number(due_for(unclear, 157))
    for sentence in ("is settled", "already decided"):
        answer = owner.post(url_of("settle", unclear), form, follow=True)
        assert sentence in str(list(answer.context["messages"])[-1])
    unclear.refresh_from_db()
    assert (unclear.progress, unclear.remains, unclear.needs_review) == (Progress.PARTIAL, 157, "")
    html = page(owner, unclear)
    assert "seen in the panel" in html
    assert 'name="seen"' not in html


def test_nothing_to_do_is_offered_where_no_money_is_held(owner: Client, shop: Shop, unclear: Order) -> None:
    assert url_of("nothing_to_do", unclear) not in page(owner, unclear)
    hears(shop, unclear, remains=10)
    hears(shop, unclear)
    html = page(owner, unclear)
    assert url_of("nothing_to_do", unclear) in html
    owner.post(url_of("nothing_to_do", unclear), {"reason": "it is right", "seen": seen_on(html)})
    unclear.refresh_from_db()
    assert unclear.needs_review == ""
    assert url_of("nothing_to_do", unclear) not in page(owner, unclear)


def test_orders_that_need_no_look_offer_nothing(owner: Client, shop: Shop, unclear: Order, alice: User) -> None:
    hears(shop, unclear, remains=10)
    queued = shop.buys(alice, link="https://example.com/p/2")
    Order.objects.filter(pk=queued.pk).update(needs_review="not sent after many tries")
    for order in (unclear, queued):
        assert 'name="seen"' not in page(owner, order)
        assert owner.get(url_of("settle", order)).status_code == 302
    assert owner.get(url_of("settle", Order(pk=99))).status_code == 404


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"missing": "1001", "reason": "x"}, "from 0 to 1000"),
        ({"missing": "-1", "reason": "x"}, "from 0 to 1000"),
        ({"missing": "1.5", "reason": "x"}, "whole number"),
        ({"missing": "", "reason": "x"}, "required"),
        ({"missing": "5", "reason": " "}, "required"),
        ({"missing": "5", "reason": "x", "seen": "another"}, "has changed since"),
        ({"missing": "5", "reason": "x", "seen": ""}, "has changed since"),
    ],
)
def test_a_refusal_is_shown_next_to_the_form(owner: Client, unclear: Order, given: dict[str, str], said: str) -> None:
    form = {"seen": seen_on(page(owner, unclear)), **given}
    html = owner.post(url_of("settle", unclear), form).content.decode()
    assert said in html
    assert "What happened" in html
    unclear.refresh_from_db()
    assert unclear.needs_review
    assert unclear.refunded == 0


def test_a_page_that_was_overtaken_by_an_answer_says_so(owner: Client, shop: Shop, unclear: Order) -> None:
    form = {"missing": "5", "reason": "x", "seen": seen_on(page(owner, unclear))}
    hears(shop, unclear, remains=10)
    answer = owner.post(url_of("settle", unclear), form, follow=True)
    assert "does not need a look" in str(list(answer.context["messages"])[-1])


def test_staff_without_the_permission_see_and_decide_nothing(unclear: Order) -> None:
    client = clerk_with("view_order", "change_order")
    assert 'name="seen"' not in page(client, unclear)
    for name in ("settle", "nothing_to_do"):
        assert client.get(url_of(name, unclear)).status_code == 403
        assert client.post(url_of(name, unclear), {"missing": "0", "reason": "why not"}).status_code == 403
    unclear.refresh_from_db()
    assert unclear.needs_review


def test_who_decides_about_doubts_decides_here(unclear: Order) -> None:
    client = clerk_with("view_order", "change_doubtfulorder")
    form = {"missing": "0", "reason": "all there", "seen": seen_on(page(client, unclear))}
    form = shows(client, unclear, form)
    assert form["shown"] == "0"
    client.post(url_of("settle", unclear), form)
    unclear.refresh_from_db()
    assert unclear.progress == Progress.COMPLETED
    assert unclear.events.get(kind="decided").actor == "clerk@example.com"


def test_who_may_not_see_orders_decides_about_none(unclear: Order) -> None:
    assert clerk_with("change_doubtfulorder").get(url_of("settle", unclear)).status_code == 403


def test_an_old_sign_in_is_asked_for_the_password_first(owner: Client, unclear: Order, settings: Any) -> None:
    form = {"missing": "0", "reason": "x", "seen": seen_on(page(owner, unclear))}
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for name in ("settle", "nothing_to_do"):
        answer = owner.post(url_of(name, unclear), form)
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
    unclear.refresh_from_db()
    assert unclear.needs_review


def test_strangers_words_are_text_and_the_page_keeps_to_its_policy(owner: Client, unclear: Order) -> None:
    Order.objects.filter(pk=unclear.pk).update(needs_review=HOSTILE, raw_state=HOSTILE)
    unclear.refresh_from_db()
    refused = owner.post(url_of("settle", unclear), {"missing": "x", "reason": HOSTILE}).content.decode()
    form = {"missing": "3", "reason": HOSTILE, "seen": seen_on(page(owner, unclear))}
    pages = [page(owner, unclear), refused]
    owner.post(url_of("settle", unclear), shows(owner, unclear, form))
    for html in [*pages, page(owner, unclear)]:
        assert HOSTILE not in html
        assert "&lt;script&gt;alert(1)" in html
        assert "style=" not in html.split("content-main")[1]
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))
    unclear.refresh_from_db()
    assert unclear.remains == 3


def test_every_field_has_its_label_and_each_form_works_without_scripts(owner: Client, unclear: Order) -> None:
    html = page(owner, unclear)
    part = html.split('id="settle-heading"')[1].split("</section>")[0]
    labels = re.findall(r'<label for="([^"]+)"', part)
    fields = re.findall(r'<input type="(?:number|text)"[^>]* id="([^"]+)"', part)
    assert labels == fields
    assert len(fields) == 2
    assert 'method="post"' in part
    assert 'type="submit"' in part
