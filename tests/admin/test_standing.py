"""Why an order stands where it stands, for staff: on its page and in the list."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, Service, ServiceFigures
from core.clock import database_now
from core.list_filters import filter_row
from orders.admin.standing import FAILED, IN_DOUBT, Standing, notes_of, standing_of
from orders.models import Order
from orders.pages.situations import Situation, situation_of
from orders.states import Progress
from tests.billing import cast

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"


def stands(order: Order) -> Standing:
    return standing_of(Order.objects.get(pk=order.pk), now=database_now())


def noted(order: Order) -> str:
    now = database_now()
    return notes_of([Order.objects.get(pk=order.pk)], now=now)[order.pk].text


def at(order: Order, **columns: Any) -> Order:
    Order.objects.filter(pk=order.pk).update(**columns)
    return order


def placed(alice: User, service: Service, **columns: Any) -> Order:
    order = cast.order(alice, service, "4.8", quantity=2000, total=2000)
    cast.placed(order, "7719043", progress=Progress.IN_PROGRESS)
    return at(order, raw_state="In progress", **columns)


def ago(**span: float) -> Any:
    return database_now() - timedelta(**span)


def test_an_order_in_doubt(doubted: Order) -> None:
    at(doubted, sent_at=ago(minutes=13, seconds=30))
    standing = stands(doubted)
    assert standing.face is IN_DOUBT
    assert standing.sentence.startswith("It waits for Gulf, whose answer was lost 14 min ago")
    assert "The money is safe: $2.64 is held, and nothing is charged twice." in standing.lines
    assert standing.decide == reverse("admin:orders_doubtfulorder_change", args=[doubted.pk])
    assert noted(doubted) == "No answer for 14 min"


def test_an_order_that_is_slow_names_what_is_usual(alice: User, service: Service) -> None:
    order = placed(alice, service, placed_at=ago(hours=30, minutes=5), remains=760)
    assert "Slow" not in noted(order)
    ServiceFigures.objects.create(service=service, starts_in=360, takes=2940, starts_orders=312, takes_orders=312)
    standing = stands(order)
    assert standing.sentence == ("It waits for Gulf, which is slower than usual: 1,240 of 2,000 arrived in 1 d 6 h.")
    assert "Half of such orders start within 6 min and end within 1 h 44 min (312 orders measured)." in standing.lines
    assert noted(order) == "Slow: 1,240 of 2,000"


def test_the_details_show_where_the_count_started_is_and_should_end(
    alice: User, service: Service, admin: Client
) -> None:
    order = placed(alice, service, remains=1808)
    address = reverse("admin:orders_order_change", args=[order.pk])
    assert "Started at" not in admin.get(address).content.decode()
    at(order, start_count=12_408)
    assert "Started at 12,408 · now 12,600 · target 14,408" in admin.get(address).content.decode()


def test_a_paused_provider_is_named_with_the_reason(alice: User, service: Service) -> None:
    order = cast.order(alice, service)
    Provider.objects.update(parked_at=database_now(), parked_reason="outage")
    assert "It waits for Gulf, which is paused" in stands(order).sentence
    assert "it does not answer" in stands(order).sentence
    assert noted(order) == "Waiting: Gulf is paused"


def test_an_order_that_waits_for_another_names_it(alice: User, service: Service) -> None:
    first = cast.order(alice, service)
    second = at(cast.order(alice, service, nonce="second"), waits_for=first, next_at=None)
    assert f"It waits for order #{first.pk}" in stands(second).sentence
    assert noted(second) == f"Waiting for #{first.pk}"


def test_a_failed_order_says_what_the_provider_answers(alice: User, service: Service) -> None:
    order = at(
        placed(alice, service, state_since=ago(minutes=20, seconds=30)), progress=Progress.FAILED, raw_state="Fail"
    )
    assert stands(order).face is FAILED
    assert stands(order).sentence == "It waits for Gulf, which answers “Fail” for 21 min."
    assert noted(order) == "Gulf: “Fail”"


def test_a_partial_order_shows_its_counts_and_money(partial: Order) -> None:
    standing = stands(partial)
    assert f"of {partial.total:,}" in standing.sentence
    assert any("refunded" in line for line in standing.lines)


@pytest.mark.parametrize("situation", list(Situation))
def test_every_situation_has_a_sentence(alice: User, service: Service, situation: Situation,
                                        monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    order = cast.order(alice, service)
    monkeypatch.setattr("orders.admin.standing.situation_of", lambda *_of, **_at: situation)
    assert stands(order).sentence.endswith(".")
    assert "%(" not in stands(order).sentence


def test_tabs_count_what_is_to_do_and_lead_there(admin: Client, doubted: Order, partial: Order) -> None:
    Order.objects.filter(pk=partial.pk).update(needs_review="partial with remains -1")
    page = admin.get(reverse(LIST), {"provider__id__exact": doubted.provider_id}).context["cl"]
    tabs = {str(tab.label): tab for tab in page.tabs()}
    assert {label: tab.count for label, tab in tabs.items() if tab.count} == {"In doubt": 1, "Needs review": 1}
    assert [str(tab.label) for tab in page.tabs() if tab.is_here] == ["All"]
    for label, order in (("In doubt", doubted), ("Partial", partial), ("Open", doubted)):
        found = admin.get(reverse(LIST) + tabs[label].url).context["cl"]
        assert list(found.result_list) == [order], label
        assert "provider__id__exact" in found.params
        assert (" selected>Placed: past 7 days" in filter_row(found).selects[-1]) == (label == "Partial")
        assert [str(tab.label) for tab in found.tabs() if tab.is_here] == [label]


def test_the_page_of_an_order_folds_its_calls_under_the_step_and_what_is_not_possible(
    admin: Client, doubted: Order
) -> None:
    html = admin.get(reverse("admin:orders_order_change", args=[doubted.pk])).content.decode()
    assert html.index("It waits for Gulf") < html.index("What happened") < html.index("What you can do")
    assert html.index("<summary>Attempt 1: In doubt</summary>") < html.index("ReadTimeout")
    assert "more, not possible now" in html
    assert situation_of(doubted, now=database_now()) is Situation.CONFIRMING
