"""A request with a name is done once, whoever repeats it and however many at the same time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from api.models import ApiRequest
from billing.queries import balance_of
from catalog.models import Service
from core.clock import database_now
from notices.models import Alert
from orders import lifecycle, settlement
from orders.models import Order, Refill
from orders.states import Forward
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders

LINK = "https://instagram.com/atelier.nord"
TIKTOK = "https://www.tiktok.com/@atelier.nord"
REUSED = {"error": "request_id was used before for a different request"}


@pytest.fixture
def fields(services: list[Service]) -> dict[str, Any]:
    return {"service": services[0].pk, "link": LINK, "quantity": "100"}


@pytest.mark.django_db
def test_the_same_name_and_body_is_the_same_order(api: Panel, alice: User, fields: dict[str, Any]) -> None:
    first = api("add", **fields, request_id="cart-1")
    spent = balance_of(alice)
    assert api("add", **fields, request_id="cart-1") == first
    assert api.json("add", **{**fields, "quantity": 100}, request_id="cart-1") == first
    assert api("add", headers={"Idempotency-Key": "cart-1"}, **fields) == first
    assert api("add", headers={"Idempotency-Key": "cart-1"}, **fields, request_id="cart-1") == first
    assert Panel(key_for(alice))("add", **fields, request_id="cart-1") == first
    assert Order.objects.count() == 1
    assert balance_of(alice) == spent
    assert api("add", **fields, request_id="cart-2") != first
    assert api("add", **fields) != api("add", **fields)


@pytest.mark.django_db
def test_the_same_name_with_another_body_is_refused(api: Panel, fields: dict[str, Any]) -> None:
    api("add", **fields, request_id="cart-1")
    assert api("add", **{**fields, "quantity": "200"}, request_id="cart-1") == REUSED
    assert api("add", **fields, runs="2", request_id="cart-1") == REUSED
    assert Order.objects.count() == 1


@pytest.mark.django_db
def test_names_are_each_customers_and_each_actions_own(
    api: Panel, alice: User, bob: User, fields: dict[str, Any], orders: Orders
) -> None:
    first = api("add", **fields, request_id="1")
    assert Panel(key_for(bob))("add", **fields, request_id="1") != first
    assert "refill" in api("refill", order=orders.completed().pk, request_id="1")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["x" * 65, "tab\there", "nul\0", "é"])
def test_a_name_that_cannot_be_kept_is_refused(api: Panel, fields: dict[str, Any], name: str) -> None:
    assert "Incorrect request_id" in api("add", **fields, request_id=name)["error"]
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_field_and_header_must_agree(api: Panel, fields: dict[str, Any]) -> None:
    said = api("add", headers={"Idempotency-Key": "a"}, **fields, request_id="b")
    assert said == {"error": "request_id and Idempotency-Key differ"}
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_a_refusal_is_not_remembered(api: Panel, fields: dict[str, Any], services: list[Service]) -> None:
    dear = {"service": services[5].pk, "link": TIKTOK, "quantity": "20000"}
    api("add", **dear)
    assert "Not enough" in api("add", **dear, request_id="later")["error"]
    assert not ApiRequest.objects.exists()
    assert "order" in api("add", **fields, request_id="later")


@pytest.mark.django_db
def test_the_owner_hears_of_a_loss_also_when_the_request_had_a_name(api: Panel, fields: dict[str, Any]) -> None:
    Service.objects.filter(pk=fields["service"]).update(price=Decimal("0.01"))
    assert api("add", **fields, request_id="cheap") == {"error": "Service is not available"}
    assert Alert.objects.filter(cause=f"service:{fields['service']}:below_cost").exists()
    assert not ApiRequest.objects.exists()


@pytest.mark.django_db
def test_a_refill_is_repeated_under_its_name(api: Panel, orders: Orders) -> None:
    done, other = orders.completed(), orders.completed()
    first = api("refill", order=done.pk, request_id="r1")
    assert api("refill", order=done.pk, request_id="r1") == first
    assert api("refill", order=other.pk, request_id="r1") == REUSED
    batch = api("refill", orders=f"{done.pk},{other.pk}", request_id="r2")
    assert api("refill", orders=f"{done.pk},{other.pk}", request_id="r2") == batch
    assert Refill.objects.count() == 2
    failed = api("refill", orders="1,2", request_id="r3")
    assert [item["refill"]["error"] for item in failed] == ["Incorrect order ID"] * 2
    assert not ApiRequest.objects.filter(request_id="r3").exists()


def at_once(number: int, operation: Callable[[int], Any]) -> list[Any]:
    barrier = threading.Barrier(number)

    def one(n: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return operation(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.mark.django_db(transaction=True)
def test_twins_make_one_order(api: Panel, alice: User, fields: dict[str, Any]) -> None:
    before = balance_of(alice)
    for round_ in range(5):
        said = at_once(6, lambda _n, name=f"twin-{round_}": Panel(api.key)("add", **fields, request_id=name))
        assert len({answer.get("order") for answer in said}) == 1, said
        assert None not in {answer.get("order") for answer in said}
    assert Order.objects.count() == ApiRequest.objects.count() == 5
    assert before - balance_of(alice) == 5 * Order.objects.all()[0].charge


@pytest.mark.django_db(transaction=True)
def test_of_twins_with_different_bodies_one_is_done(api: Panel, alice: User, fields: dict[str, Any]) -> None:
    before = balance_of(alice)
    said = at_once(6, lambda n: Panel(api.key)("add", **{**fields, "quantity": str(100 + n)}, request_id="which"))
    assert sorted("order" in answer for answer in said) == [False] * 5 + [True]
    assert [answer for answer in said if "error" in answer] == [REUSED] * 5
    order = Order.objects.get()
    assert before - balance_of(alice) == order.charge


@pytest.mark.django_db(transaction=True)
def test_of_refills_of_different_orders_under_one_name_one_is_asked_for(api: Panel, orders: Orders) -> None:
    done = [orders.completed().pk for _n in range(4)]
    said = at_once(4, lambda n: Panel(api.key)("refill", order=done[n], request_id="which"))
    assert sorted("refill" in answer for answer in said) == [False] * 3 + [True]
    assert Refill.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_twins_of_a_refill_get_the_same_answer(api: Panel, orders: Orders) -> None:
    done = orders.completed().pk
    said = at_once(5, lambda _n: Panel(api.key)("refill", order=done, request_id="same"))
    assert len({answer.get("refill") for answer in said}) == 1, said
    assert Refill.objects.count() == 1


def until_somebody_waits_for_a_row() -> None:
    end = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_named_batch_of_cancels_locks_all_its_orders_before_the_wallet(
    api: Panel, alice: User, orders: Orders
) -> None:
    """A worker holds the last order of the batch and then wants the wallet, as when the provider has refused it."""
    first, last = orders.queued(), orders.queued(link=f"{LINK}.two")
    before = balance_of(alice)
    is_held = threading.Event()

    def refuse() -> str:
        now = database_now()
        with transaction.atomic():
            Order.objects.select_for_update().get(pk=last.pk)
            is_held.set()
            until_somebody_waits_for_a_row()
            lifecycle.move(order_id=last.pk, old=Forward.QUEUED, new=Forward.REFUNDED, now=now, finished_at=now)
            settlement.refund_everything(last, now=now)
        return "refused"

    def cancel() -> Any:
        assert is_held.wait(timeout=30)
        return Panel(api.key)("cancel", orders=f"{last.pk},{first.pk}", request_id="all")

    refused, answer = at_once(2, lambda n: (refuse, cancel)[n]())
    assert refused == "refused"
    assert [(item["order"], item["cancel"]) for item in answer] == [
        (last.pk, {"error": "Order is not eligible for cancel"}),
        (first.pk, 1),
    ]
    assert balance_of(alice) == before + first.charge + last.charge
