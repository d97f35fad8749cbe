"""The owner decides about orders in doubt, in the admin."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from core.templatetags.money import money_text
from orders.models import Order, OwnId
from orders.states import Explanation, Forward
from tests.orders.cast import Shop
from tests.orders.doubts import LOST_BUT_PLACED, SETTLE, ages, attempt_of, buys_and_sends, id_at_provider
from tests.orders.staff import clerk_with
from tests.sign_in import code_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(shop: Shop, alice: User) -> Order:
    Provider.objects.update(probing_enabled=False)
    buys_and_sends(shop, alice, quantity=500)
    return buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)


def address(decision: str, order: Order) -> str:
    return reverse(f"admin:orders_doubtfulorder_{decision}", args=[order.pk])


def test_the_queue_lists_what_is_at_stake(owner: Client, lost: Order) -> None:
    html = owner.get(reverse("admin:orders_doubtfulorder_changelist")).content.decode()
    assert f"#{lost.pk}" in html
    assert html.count("field-number") == 1


def test_the_page_shows_the_evidence(owner: Client, lost: Order) -> None:
    OwnId.objects.create(provider=lost.provider, upstream_id="99999", number=99999, first_seen_at=database_now())
    html = owner.get(address("change", lost)).content.decode()
    first = Order.objects.exclude(pk=lost.pk).get()
    for words in (
        f"#{lost.pk}",
        str(first.upstream_id),
        "99999",
        "Cost at stake",
        "fell by exactly",
        "disabled",
    ):
        assert words in html, words
    assert "style=" not in html.split("content-main")[1]


def test_placed_is_decided_once(owner: Client, shop: Shop, lost: Order) -> None:
    [number] = id_at_provider(shop, lost)
    form = {"upstream_id": number, "reason": "seen in the panel"}
    for sentence in ("is placed", "already decided"):
        response = owner.post(address("placed", lost), form, follow=True)
        assert sentence in str(list(response.context["messages"])[-1])
    lost.refresh_from_db()
    assert lost.upstream_id == number
    assert attempt_of(lost).decided_by == "owner@example.com"
    assert "not in doubt any more" in owner.get(address("change", lost)).content.decode()


def test_a_wrong_number_is_refused_with_a_reason(owner: Client, lost: Order) -> None:
    response = owner.post(address("placed", lost), {"upstream_id": "1", "reason": "?"})
    assert "no order of ours" in response.content.decode()
    assert "required" in owner.post(address("placed", lost), {"upstream_id": "1"}).content.decode()
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT


def test_not_placed_has_to_wait_and_then_refunds(owner: Client, shop: Shop, lost: Order) -> None:
    form = {"then": "refund", "reason": "the provider wrote so"}
    assert "Please wait until the time shown" in owner.post(address("not_placed", lost), form).content.decode()
    ages(shop, SETTLE + 1)
    shown = owner.get(address("change", lost)).content.decode()
    for words in ("The customer pays", "Profit", f'value="Refund {money_text(lost.charge)}"', 'value="Send it again"'):
        assert words in shown
    assert "Choose whether" in owner.post(address("not_placed", lost), {"reason": "why"}).content.decode()
    owner.post(address("not_placed", lost), form)
    owner.post(address("not_placed", lost), form)
    lost.refresh_from_db()
    assert (lost.forward_state, lost.refunded) == (Forward.REFUNDED, lost.charge)


@pytest.mark.parametrize("decision", ["placed", "not_placed"])
def test_a_page_left_open_decides_only_about_the_attempt_it_shows(
    owner: Client, shop: Shop, lost: Order, decision: str
) -> None:
    ages(shop, SETTLE + 1)
    page = owner.get(address("change", lost)).content.decode()
    first = attempt_of(lost)
    assert page.count(f'name="attempt" value="{first.pk}"') == 3
    owner.post(address("not_placed", lost), {"then": "queue", "reason": "not there", "attempt": first.pk})
    shop.simulator.control(script=[LOST_BUT_PLACED], actions=["add"])
    shop.forwards()
    ages(shop, SETTLE + 1)
    lost.refresh_from_db()
    assert (lost.forward_state, attempt_of(lost).n) == (Forward.IN_DOUBT, 2)
    number = id_at_provider(shop, lost)[0]
    form = {"then": "refund", "upstream_id": number, "reason": "seen before", "attempt": first.pk}
    answer = owner.post(address(decision, lost), form, follow=True).content.decode()
    assert "decided" in answer
    lost.refresh_from_db()
    assert (lost.forward_state, lost.refunded) == (Forward.IN_DOUBT, 0)


def test_only_who_may_decides(shop: Shop, lost: Order) -> None:
    client = clerk_with("view_doubtfulorder")
    assert "Attempts to send it" in client.get(address("change", lost)).content.decode()
    for decision, form in _decisions(shop, lost):
        assert client.post(address(decision, lost), form).status_code == 403
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT


def test_an_old_confirmation_is_asked_for_the_second_factor_first(
    owner: Client, shop: Shop, lost: Order, settings: Any
) -> None:
    ages(shop, SETTLE + 1)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    for decision, form in _decisions(shop, lost):
        response = owner.post(address(decision, lost), form)
        assert response.status_code == 302
        assert "reauthenticate" in response["Location"]
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
    # What was wanted before is done now.
    owner.post(response["Location"], {"code": code_of(User.objects.get(is_staff=True))})
    lost.refresh_from_db()
    assert lost.forward_state == Forward.QUEUED


def _decisions(shop: Shop, lost: Order) -> list[tuple[str, dict[str, str]]]:
    [number] = id_at_provider(shop, lost)
    placed = {"upstream_id": number, "reason": "why not"}
    return [("placed", placed), ("not_placed", {"then": "queue", "reason": "why not"})]


def test_an_orphan_is_called_foreign_with_a_reason(owner: Client, shop: Shop, lost: Order) -> None:
    own = OwnId.objects.create(
        provider=shop.provider, upstream_id="77", number=77, first_seen_at=lost.created_at, explained=Explanation.ORPHAN
    )
    assert "Something else placed it" in owner.get(reverse("admin:orders_ownid_change", args=[own.pk])).content.decode()
    foreign = reverse("admin:orders_ownid_foreign", args=[own.pk])
    assert owner.get(foreign).status_code == 200
    owner.post(foreign, {"reason": "my other program"})
    own.refresh_from_db()
    assert (own.explained, own.decided_by) == (Explanation.FOREIGN, "owner@example.com")
    assert owner.get(reverse("admin:orders_ownid_changelist")).status_code == 200
