"""Without faults, the provider answers in the documented shapes."""

import json
from decimal import Decimal

import pytest

from tests.simulator.fake_time import Clock, buy, call
from upstream.simulator import Catalog, Simulator, demo_catalog, generated_catalog
from upstream.simulator.type_rules import all_rules


def test_the_list_is_served_byte_for_byte(clock: Clock) -> None:
    raw = b'[ {"service": "01", "rate": 0.00011999999999999999, "min":0,"max": "10","name":"x"} ]\n'
    sim = Simulator(Catalog.from_bytes(raw), clock=clock)
    assert sim.handle({"key": "demo-key", "action": "services"}).body == raw
    assert buy(sim, service=1, quantity=10) == "23501"
    assert sim.books.orders["23501"].charge == Decimal("0.0000011999999999999999")


def test_an_order_has_a_number_and_costs_exactly_its_rate(sim: Simulator) -> None:
    assert call(sim, action="add", service=1, link="https://example.com/p/1", quantity=333) == {"order": 23501}
    assert call(sim, action="balance") == {"balance": "9999.7003", "currency": "USD"}


def test_one_status_is_all_texts(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=partial:157")
    clock.pass_by(200)
    answer = call(sim, action="status", order=order)
    assert answer.pop("start_count").isdigit()
    assert answer == {"charge": "0.7587", "status": "Partial", "remains": "157", "currency": "USD"}


def test_several_statuses_are_keyed_by_id_and_name_the_unknown(sim: Simulator) -> None:
    order = buy(sim)
    answer = call(sim, action="status", orders=f"{order},7")
    assert list(answer) == [order, "7"]
    assert answer[order]["status"] == "Pending"
    assert answer["7"] == {"error": "Incorrect order ID"}


def test_a_hundred_ids_are_the_limit_of_a_batch(sim: Simulator) -> None:
    assert len(call(sim, action="status", orders=",".join(map(str, range(1, 101))))) == 100
    reply = sim.handle({"key": "demo-key", "action": "status", "orders": ",".join(map(str, range(1, 102)))})
    assert (reply.status, json.loads(reply.body)) == (400, {"error": "Maximum 100 orders"})


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"key": ""}, "API key is not specified"),
        ({"key": "other"}, "Invalid API key"),
        ({"action": "buy"}, "Incorrect request"),
        ({"service": "99"}, "Incorrect service ID"),
        ({"link": ""}, "Incorrect link"),
        ({"quantity": ""}, "Incorrect quantity"),
        ({"quantity": "49"}, "Quantity less than minimal 50"),
        ({"quantity": "10001"}, "Quantity more than maximum 10000"),
        ({"service": "2"}, "Missing required parameter: comments"),
        ({"service": "5", "quantity": "100"}, "Missing required parameter: country"),
        ({"runs": "0", "interval": "10"}, "Incorrect dripfeed runs or interval"),
        ({"service": "2", "comments": "a", "runs": "2"}, "Dripfeed is not available for this service"),
    ],
)
def test_a_bad_order_is_refused_with_a_text_that_panels_use(sim: Simulator, fields: dict[str, str], error: str) -> None:
    good = {"action": "add", "service": "1", "link": "https://example.com/p/1", "quantity": "100"}
    assert call(sim, **(good | fields)) == {"error": error}
    assert not sim.books.orders


def test_without_money_nothing_is_accepted(clock: Clock) -> None:
    sim = Simulator(clock=clock, balance=Decimal("1"))
    answer = call(sim, action="add", service=1101, link="https://example.com/p/1", quantity=1000)
    assert answer == {"error": "Not enough funds on balance"}
    assert sim.facts()["orders"] == []


def test_comments_count_their_lines_and_a_package_is_one(sim: Simulator) -> None:
    lines = buy(sim, service=2, comments="one\r\n\r\ntwo\nthree")
    package = buy(sim, service=3, comments="one\ntwo")
    orders = sim.books.orders
    assert (orders[lines].quantity, orders[lines].charge) == (3, Decimal("0.024"))
    assert (orders[package].quantity, orders[package].charge) == (1, Decimal("4.5"))


def test_a_drip_feed_costs_its_runs(sim: Simulator) -> None:
    order = sim.books.orders[buy(sim, quantity=100, runs=5, interval=10)]
    assert (order.quantity, order.charge) == (500, Decimal("0.45"))


def test_a_json_body_is_read_too_and_the_query_string_never(sim: Simulator) -> None:
    body = json.dumps({"key": "demo-key", "action": "status", "orders": [1, 2]}).encode()
    assert list(json.loads(sim.handle(body, "application/json").body)) == ["1", "2"]
    assert json.loads(sim.handle(b"", "").body) == {"error": "API key is not specified"}


def test_a_refill_is_asked_for_once_and_followed(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=completed")
    assert "error" in call(sim, action="refill", order=order)
    clock.pass_by(100)
    assert call(sim, action="refill", order=order) == {"refill": "1"}
    assert call(sim, action="refill", order=order) == {"error": "Order not eligible for refill."}
    assert call(sim, action="refill_status", refill=1) == {"status": "Pending"}
    clock.pass_by(100)
    assert call(sim, action="refill_status", refill=1) == {"status": "Completed"}


def test_refills_in_batches(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=completed")
    clock.pass_by(100)
    assert call(sim, action="refill", orders=f"{order},7") == [
        {"order": int(order), "refill": 1},
        {"order": 7, "refill": {"error": "Incorrect order ID"}},
    ]
    assert call(sim, action="refill_status", refills="1,2") == [
        {"refill": 1, "status": "Pending"},
        {"refill": 2, "status": {"error": "Refill not found"}},
    ]


def test_cancel_is_a_request_that_only_status_answers(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=completed")
    clock.pass_by(57.5)
    assert call(sim, action="cancel", orders=f"9,{order}") == [
        {"order": 9, "cancel": {"error": "Incorrect order ID"}},
        {"order": int(order), "cancel": 1},
    ]
    assert call(sim, action="status", order=order)["status"] == "In progress"
    clock.pass_by(20)
    answer = call(sim, action="status", order=order)
    assert (answer["status"], answer["remains"], answer["charge"]) == ("Partial", "500", "0.45")
    assert call(sim, action="balance")["balance"] == "9999.55"


def test_a_ticket_has_a_number_for_a_status(sim: Simulator) -> None:
    answer = call(sim, action="createTicket", subject="Order 1", message="Where is it?")
    assert answer == {"status": 200, "ticket_id": "12345", "message": "Ticket created successfully"}
    assert call(sim, action="createTicket", subject="x")["status"] == 400


@pytest.mark.parametrize(
    ("switch", "action"),
    [("refill", "refill"), ("cancel", "cancel"), ("tickets", "createTicket"), ("orders", "orders")],
)
def test_an_action_that_the_provider_does_not_offer_is_refused(sim: Simulator, switch: str, action: str) -> None:
    sim.switches[switch] = False
    assert call(sim, action=action, order=1) == {"error": "Incorrect request"}


def test_the_unofficial_list_of_orders(sim: Simulator) -> None:
    sim.switches["orders"] = True
    buy(sim)
    buy(sim, "https://example.com/p/2", 500)
    (row,) = call(sim, action="orders", limit=1)
    assert row == {
        "order": 23502,
        "service": 1,
        "link": "https://example.com/p/2",
        "quantity": 500,
        "status": "Pending",
        "charge": "0.45",
        "date": "1970-01-12 13:46:40",
    }


def test_the_demo_catalog_has_every_type_and_a_wide_range_of_prices() -> None:
    catalog = demo_catalog()
    rates = [service.rate for service in catalog.services.values()]
    assert len(catalog.services) == len(catalog.rows) >= 60
    assert {service.kind.name for service in catalog.services.values()} == {kind.name for kind in all_rules()}
    assert (min(rates), max(rates)) == (Decimal("0.0042"), Decimal("60.00"))


def test_a_generated_catalog_has_the_asked_length_and_repeats_with_its_seed() -> None:
    first, again, other = generated_catalog(700, 1), generated_catalog(700, 1), generated_catalog(700, 2)
    assert first.raw == again.raw != other.raw
    assert len(first.services) == len(first.rows) == 700


def test_repricing_leaves_other_numbers_as_they_were() -> None:
    kept = b'[{"service": 1, "rate": 0.24000000000000002, "min": 1, "max": 9}, '
    raw = kept + b'{"service": 2, "rate": 3, "min": 1, "max": 9}]'
    repriced = Catalog.from_bytes(raw).repriced({"2": "3.30"})
    assert repriced.raw == raw.replace(b'"rate": 3,', b'"rate": "3.30",')
