"""A test order proves that a provider recognises a repeated request, and costs no more than the owner was shown."""

import re
import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider
from catalog.providers import repeatable
from core.clock import database_now
from core.models import StaffAction
from notices.models import Alert
from orders import freezing, own_ids
from orders.books.figures import figures_of
from orders.doubt.evidence import unnamed_tests
from orders.forwarding import request_test_answers, request_tests
from orders.models import OwnId, RequestIdTest, RequestTestState
from orders.states import Forward
from tests.orders.cast import Shop
from tests.orders.doubts import LOST_BUT_PLACED, ages, buys_and_sends, resolves
from tests.orders.repeating import OWNER, WINDOW, completes_a_test, knows_the_field, orders_a_test, proven, repeats_it

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing", "unhurried")]


def is_proven(shop: Shop) -> bool:
    return repeatable.is_proven(Provider.objects.get(pk=shop.provider.pk))


def orders_there(shop: Shop) -> list[str]:
    return [str(order["order"]) for order in shop.accepted()]


def test_one_number_for_both_requests_is_the_proof(shop: Shop) -> None:
    test = proven(shop)
    assert is_proven(shop)
    assert orders_there(shop) == [test.first_id] == [test.second_id]
    adds = [row for row in shop.simulator.record()["requests"]["newest"] if row["action"] == "add"]
    assert len({row["sha256"] for row in adds}) == 1
    assert adds[1]["at"] - adds[0]["at"] >= WINDOW
    ordered, result = StaffAction.objects.filter(object_type="catalog.provider").order_by("id")
    assert (ordered.action, result.action) == ("provider.test_order", "provider.test_order_result")
    assert (ordered.actor, result.actor, result.after["result"]) == (OWNER.code, OWNER.code, "proven")
    assert shop.provider.request_id_proven_by == OWNER.name


def test_two_numbers_prove_nothing_and_both_are_known(shop: Shop, alice: User) -> None:
    knows_the_field(shop, "ignored")
    test = completes_a_test(shop)
    assert test.state == "twice"
    assert test.first_id in test.result
    assert test.second_id in test.result
    assert not is_proven(shop)
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:request_id_test", closed_at=None).exists()
    known = OwnId.objects.filter(explained="test").values_list("upstream_id", flat=True)
    assert sorted(known) == sorted(orders_there(shop))
    order = buys_and_sends(shop, alice, fault=LOST_BUT_PLACED)
    ages(shop, 31)
    assert repeats_it(shop) == 0
    assert len(orders_there(shop)) == 3, "it was sent once"
    buys_and_sends(shop, alice, quantity=300)
    ages(shop, 60)
    resolves(shop)
    order.refresh_from_db()
    assert order.forward_state == Forward.PLACED, "no test order is taken for it"


def test_equal_orders_recognised_for_two_minutes_prove_nothing(shop: Shop) -> None:
    """A panel that knows equal orders, not keys: the second request comes too late for it."""
    knows_the_field(shop)
    test = orders_a_test(shop)
    request_tests.send_due(seconds=10)
    shop.simulator.simulator.books.by_request.clear()
    ages(shop, WINDOW - 60)
    assert request_tests.send_due(seconds=10) == 0, "not before a repeat could leave for the last time"
    ages(shop, 61)
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert test.state == "twice"


@pytest.mark.parametrize(
    ("faults", "state"),
    [
        (["close_no_answer"], "unclear"),
        (["error_known:Incorrect link"], "nothing"),
        (["error_known:Something nobody knows"], "unclear"),
        ([None, "close_no_answer"], "unclear"),
        ([None, "error_known:Duplicate request"], "unclear"),
    ],
)
def test_anything_unclear_proves_nothing(shop: Shop, faults: list[str | None], state: str) -> None:
    knows_the_field(shop)
    shop.simulator.control(script=faults, actions=["add"])
    test = completes_a_test(shop)
    assert (test.state, is_proven(shop)) == (state, False)
    assert test.result


def test_a_test_order_without_a_known_number_may_own_an_unknown_id(shop: Shop) -> None:
    knows_the_field(shop)
    shop.simulator.control(script=["close_no_answer"], actions=["add"])
    completes_a_test(shop)
    [possible] = unnamed_tests(shop.provider, database_now())
    assert not possible.is_open
    assert possible.expected == RequestIdTest.objects.get().expected_charge


@pytest.mark.parametrize("how", ["honoured", "ignored"])
def test_the_books_know_what_it_cost(shop: Shop, how: str) -> None:
    knows_the_field(shop, how)
    completes_a_test(shop)
    spent = 10_000 - float(shop.simulator.record()["balance"])
    assert float(figures_of(shop.provider.pk).charges) == pytest.approx(spent)


def test_settings_changed_in_between_end_it(shop: Shop) -> None:
    knows_the_field(shop)
    test = orders_a_test(shop)
    request_tests.send_due(seconds=10)
    Provider.objects.update(body_encoding="json")
    ages(shop, WINDOW + 1)
    assert request_tests.send_due(seconds=10) == 0
    test.refresh_from_db()
    assert (test.state, is_proven(shop)) == ("unclear", False)


def test_nothing_of_it_leaves_while_frozen_and_a_thaw_ends_it(shop: Shop) -> None:
    freezing.check(now=database_now())
    knows_the_field(shop)
    test = orders_a_test(shop)
    freezing.freeze(why="by hand", now=database_now())
    assert request_tests.send_due(seconds=10) == 0
    assert orders_there(shop) == []
    freezing.unfreeze(now=database_now(), actor=OWNER, reason="looked")
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert (test.state, orders_there(shop)) == ("unclear", [])


def test_a_worker_without_a_permit_records_nothing(shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FORWARD_LANES = 2
    knows_the_field(shop)
    test = orders_a_test(shop)
    permits_of = request_tests._permit

    def permit(row: RequestIdTest, *args: Any) -> Any:
        ask = permits_of(row, *args)

        def ask_and_let_another_worker_try() -> None:
            ask()
            if row.pk == test.pk and not others:
                worker = threading.Thread(target=another_worker)
                others.append(worker)
                worker.start()
                worker.join()

        return ask_and_let_another_worker_try

    def another_worker() -> None:
        try:
            # It read the test before the first worker's permit moved it on.
            request_tests._send_through_a_lane(late)
        finally:
            connection.close()

    others: list[threading.Thread] = []
    late = RequestIdTest.objects.select_related("provider").get(pk=test.pk)
    monkeypatch.setattr(request_tests, "_permit", permit)
    assert request_tests._send_through_a_lane(test) == 1
    test.refresh_from_db()
    assert (test.state, test.first_id) == ("waiting", orders_there(shop)[0])
    assert OwnId.objects.get(upstream_id=test.first_id).explained == "test"


def test_a_stored_answer_is_read_when_its_sender_is_gone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    knows_the_field(shop)
    test = orders_a_test(shop)
    with monkeypatch.context() as patch:
        patch.setattr(request_test_answers, "record", lambda *_args, **_more: None)
        request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert (test.state, test.first_id) == ("first", "")
    ages(shop, 60)
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert (test.state, test.first_id) == ("waiting", orders_there(shop)[0])


def test_a_number_that_comes_after_the_end_is_still_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    knows_the_field(shop)
    test = orders_a_test(shop)
    record = request_test_answers.record

    def record_after_the_lease(row: RequestIdTest, *args: Any, **more: Any) -> None:
        request_test_answers.finish(row, RequestTestState.UNCLEAR, "its sender went away", now=database_now())
        record(row, *args, **more)

    monkeypatch.setattr(request_test_answers, "record", record_after_the_lease)
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert (test.state, test.first_id) == ("unclear", orders_there(shop)[0])
    assert OwnId.objects.get(upstream_id=test.first_id).explained == "test"


def test_a_search_that_meets_the_number_before_the_answer_ends_no_test(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows_the_field(shop)
    test = orders_a_test(shop)
    record = request_test_answers.record

    def record_after_a_search(row: RequestIdTest, *args: Any, **more: Any) -> None:
        own_ids.note_seen(shop.provider.pk, orders_there(shop)[0], None, now=database_now())
        record(row, *args, **more)

    monkeypatch.setattr(request_test_answers, "record", record_after_a_search)
    request_tests.send_due(seconds=10)
    test.refresh_from_db()
    assert (test.state, test.first_id) == ("waiting", orders_there(shop)[0])
    assert OwnId.objects.get(upstream_id=test.first_id).explained == "test"


def test_what_cannot_be_tested_is_refused_with_a_sentence(shop: Shop, settings: Any) -> None:
    with pytest.raises(request_tests.NoTestOrder, match="request_id_field"):
        orders_a_test(shop)
    knows_the_field(shop)
    with pytest.raises(request_tests.NoTestOrder, match="takes 1 to 100000"):
        orders_a_test(shop, quantity=1_000_000)
    settings.BREAKER_COST = 1
    with pytest.raises(request_tests.NoTestOrder, match="too dear"):
        orders_a_test(shop, quantity=1000)
    orders_a_test(shop)
    with pytest.raises(request_tests.NoTestOrder, match="under way"):
        orders_a_test(shop)
    assert RequestIdTest.objects.count() == 1


def test_a_form_sent_twice_orders_once(shop: Shop) -> None:
    knows_the_field(shop)
    key = uuid.uuid4()
    assert orders_a_test(shop, key=key) == orders_a_test(shop, key=key)


# The page.


def test_the_owner_sees_the_price_orders_and_reads_the_result(shop: Shop, owner: Client) -> None:
    knows_the_field(shop)
    change = reverse("admin:catalog_provider_change", args=[shop.provider.pk])
    page = reverse("admin:orders_requestidtest_order", args=[shop.provider.pk])
    html = owner.get(change).content.decode()
    assert page in html
    assert "Not repeated until a test order proves" in html
    key = _hidden(owner.get(page).content.decode(), "key")
    given = {"service": "1", "link": "https://example.com/mine", "quantity": "10", "key": key}
    shown = owner.post(page, given).content.decode()
    assert "0.009" in shown
    assert "0.018" in shown
    assert RequestIdTest.objects.count() == 0, "the price comes first"
    answer = owner.post(page, {**given, "seen": _hidden(shown, "seen")})
    test = RequestIdTest.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("admin:orders_requestidtest_change", args=[test.pk])
    request_tests.send_due(seconds=10)
    ages(shop, WINDOW + 1)
    request_tests.send_due(seconds=10)
    html = owner.get(answer["Location"]).content.decode()
    assert "Proven: one order" in html
    assert "Repeated: proven by owner@example.com" in owner.get(change).content.decode()


def test_a_price_that_moved_is_shown_again(shop: Shop, owner: Client) -> None:
    knows_the_field(shop)
    page = reverse("admin:orders_requestidtest_order", args=[shop.provider.pk])
    given = {"service": "1", "link": "https://example.com/mine", "quantity": "10", "key": str(uuid.uuid4())}
    html = owner.post(page, {**given, "seen": "0.001 USD"}).content.decode()
    assert "The price has changed. Nothing was ordered." in html
    assert RequestIdTest.objects.count() == 0
    assert "no service with this id" in owner.post(page, {**given, "service": "<b>"}).content.decode()


def _hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', html)
    assert found, f"no {name} in the form"
    return found[1]
