import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders import lifecycle
from orders.books.margins import cost_of, margin_of
from orders.models import EventKind, Order
from orders.states import Forward, Progress
from tests.admin.conftest import KEY
from tests.billing import cast
from tests.billing.cast import money
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"


def numbers(client: Client, **search: str) -> set[str]:
    answer = client.get(reverse(LIST), search)
    assert answer.status_code == 200
    return {str(order) for order in answer.context["cl"].result_list}


def detail(client: Client, order: Order) -> str:
    return client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()


def test_an_order_is_found_by_whatever_the_owner_has(admin: Client, doubted: Order, partial: Order) -> None:
    both = {str(doubted), str(partial)}
    assert numbers(admin) == both
    assert numbers(admin, q=f"#{doubted.pk}") == {str(doubted)}
    assert numbers(admin, q=str(partial.pk)) == {str(partial)}
    assert numbers(admin, q="9002") == {str(partial)}
    assert numbers(admin, q="example.com/p/1") == {str(partial)}
    assert numbers(admin, q="alice@example.com") == both
    assert numbers(admin, q=f"alice {partial.pk}") == {str(partial)}
    assert numbers(admin, q="9" * 40) == set()
    assert numbers(admin, q="9" * 5_000) == set()
    assert numbers(admin, q="nobody") == set()


def test_an_order_is_found_by_any_spelling_of_its_link(admin: Client, alice: User, service: Service) -> None:
    found = cast.order(alice, service, link="https://www.example.com/p/One/", link_key="example.com/p/One")
    cast.order(alice, service, link="https://www.example.com/p/Two/", link_key="example.com/p/Two")
    for asked in (
        "https://www.example.com/p/One",
        "http://example.com/p/One/",
        "HTTPS://WWW.EXAMPLE.COM/p/One/?igsh=MzRlODBiNWFlZA==",
        "https://www.example.com/p/One/?utm_source=web_copy_link",
        "\u200fexample.com/p/One",
    ):
        assert numbers(admin, q=asked) == {str(found)}, asked
    assert len(numbers(admin, q="https://example.com/p")) == 2


def test_orders_are_filtered_by_what_the_owner_has_to_decide(admin: Client, doubted: Order, partial: Order) -> None:
    Order.objects.filter(pk=partial.pk).update(needs_review="partial with remains -1")
    assert numbers(admin, needs="doubt") == {str(doubted)}
    assert numbers(admin, needs="look") == {str(partial)}
    assert numbers(admin, forward_state__exact="in_doubt", provider__id__exact=str(doubted.provider_id)) == {
        str(doubted)
    }
    assert numbers(admin, progress__exact="partial") == {str(partial)}


def test_the_order_shows_its_whole_history(admin: Client, doubted: Order) -> None:
    text = detail(admin, doubted)
    for shown in (
        "In doubt",
        "the answer was lost",
        "77001",
        "ReadTimeout",
        "$2.64",
        "Accepted from the",
    ):
        assert shown in text


def test_customer_text_is_escaped(admin: Client, doubted: Order) -> None:
    for page in (detail(admin, doubted), admin.get(reverse(LIST)).content.decode()):
        assert "<script>alert(1)" not in page


def test_a_partial_order_shows_where_its_money_went(admin: Client, partial: Order) -> None:
    text = detail(admin, partial)
    for shown in ("9002", "R1", "Partial"):
        assert shown in text
    assert '$0.70<span class="money-sub">65</span>' in text
    assert '$3.79<span class="money-sub">35</span>' in text


def test_the_key_of_the_provider_is_nowhere(admin: Client, doubted: Order) -> None:
    assert KEY not in detail(admin, doubted)
    assert doubted.provider.sealed_key not in detail(admin, doubted)


def test_no_form_or_address_changes_an_order(admin: Client, doubted: Order) -> None:
    change = {"forward_state": "refunded", "charge": "0", "upstream_id": "1"}
    for action in ("change", "delete"):
        assert admin.post(reverse(f"admin:orders_order_{action}", args=[doubted.pk]), change).status_code == 403
    assert admin.post(reverse("admin:orders_order_add"), change).status_code == 403
    admin.post(reverse(LIST), {"action": "delete_selected", "_selected_action": str(doubted.pk), "post": "yes"})
    doubted.refresh_from_db()
    assert (doubted.forward_state, doubted.charge) == (Forward.IN_DOUBT, money("2.64"))


def test_staff_without_permission_see_no_orders(clerk: User, doubted: Order) -> None:
    client = sign_in_staff(clerk)
    assert client.get(reverse(LIST)).status_code == 403
    assert client.get(reverse("admin:orders_order_change", args=[doubted.pk])).status_code == 403


def test_refills_are_read_only(admin: Client, partial: Order) -> None:
    refill = partial.refills.get()
    assert "9002" not in admin.get(reverse("admin:orders_refill_changelist")).content.decode()
    assert str(refill) in admin.get(reverse("admin:orders_refill_changelist"), {"q": str(partial.pk)}).content.decode()
    assert (
        admin.post(reverse("admin:orders_refill_change", args=[refill.pk]), {"state": "completed"}).status_code == 403
    )


def test_list_and_page_need_a_constant_number_of_queries(
    admin: Client, alice: User, service: Service, doubted: Order
) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(address).status_code == 200
        return len(asked)

    cast.order(alice, service, nonce="queued")  # of queued ones the list asks what they wait for
    listed, one = reverse(LIST), reverse("admin:orders_order_change", args=[doubted.pk])
    cost(listed)  # The first page counts for the menu.
    few = cost(listed), cost(one)
    for n in range(6):
        cast.order(alice, service, nonce=f"n{n}")
        cast.refill_attempt(cast.refill(doubted, state="rejected"))
    # The page asks once more when there are refills at all: for what was said in their attempts.
    assert cost(listed) == few[0]
    some = cost(one)
    for _ in range(6):
        cast.refill_attempt(cast.refill(doubted, state="rejected"))
    assert cost(one) == some


# --- Cost and margin --------------------------------------------------------------------------------------------------
def placed(alice: User, service: Service, **columns: object) -> Order:
    order = cast.order(alice, service, "1", expected_cost=money("0.6"), expected_charge=Decimal("0.5"))
    cast.placed(order, **columns)
    return order


def test_without_a_charge_from_the_provider_the_expected_cost_counts(alice: User, service: Service) -> None:
    order = placed(alice, service)
    assert (cost_of(order).amount, cost_of(order).is_fact) == (money("0.6"), False)
    assert margin_of(order) == money("0.4")


def test_the_providers_charge_counts_at_the_rate_of_the_orders_day(alice: User, service: Service) -> None:
    order = placed(alice, service, provider_charge=Decimal("0.75"), answered_currency="USD")
    assert (cost_of(order).amount, cost_of(order).is_fact) == (money("0.9"), True)
    assert margin_of(order) == money("0.1")


def test_a_charge_in_another_currency_is_not_computed_with(alice: User, service: Service) -> None:
    order = placed(alice, service, provider_charge=Decimal("40"), answered_currency="INR")
    assert not cost_of(order).is_fact
    assert margin_of(order) == money("0.4")


def test_a_refused_order_costs_and_earns_nothing(alice: User, service: Service) -> None:
    order = cast.order(alice, service)
    cast.move(order, Forward.REFUNDED)
    cast.settled(order, "1")
    assert (cost_of(order).amount, margin_of(order)) == (0, 0)


def test_a_loss_is_a_negative_margin(alice: User, service: Service) -> None:
    order = placed(alice, service, provider_charge=Decimal("0.5"), progress=Progress.CANCELED)
    cast.settled(order, "1")
    assert margin_of(order) == money("-0.6")


def test_every_time_of_a_page_is_written_alike(admin: Client, doubted: Order) -> None:
    page = admin.get(reverse("admin:orders_order_change", args=[doubted.pk])).content.decode()
    times = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", page)
    assert len(times) >= 3
    assert not re.search(r"\b[ap]\.m\.", page)


def test_the_story_speaks_in_words_not_in_stored_names(admin: Client, alice: User, service: Service) -> None:
    order = placed(alice, service, progress=Progress.COMPLETED)
    now = database_now()
    lifecycle.note(order_id=order.pk, kind=EventKind.STARTED, now=now, detail={"start_count": 1_200})
    lifecycle.note(order_id=order.pk, kind=EventKind.FINISHED, now=now, detail={"state": "partial", "remains": 4_000})
    lifecycle.note(order_id=order.pk, kind=EventKind.REFUND, now=now, detail={"amount": "0.40000"})
    page = " ".join(strip_tags(detail(admin, order)).split())
    for shown in ("start count 1,200", "Partial, not delivered 4,000", "$0.40"):
        assert shown in page, shown
    assert "start_count" not in page
