"""Faults of the other actions: wrong answers to status, services, balance, refill and cancel."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.fake_time import Clock, buy, call
from upstream.simulator import Simulator
from upstream.simulator.fates import SPOILED_ANSWERS

HONEST = {"charge": "0.63", "status": "Partial", "remains": "300", "currency": "USD"}
ITEMS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "charge_null": lambda row: row["charge"] is None,
    "charge_negative": lambda row: row["charge"] == "-0.63",
    "charge_nan": lambda row: row["charge"] == "NaN",
    "charge_comma": lambda row: row["charge"] == "0,63",
    "other_currency": lambda row: row["currency"] == "RUB",
    "remains_negative": lambda row: row["remains"] == "-300",
    "remains_over": lambda row: row["remains"] == "1301",
    "remains_float": lambda row: row["remains"] == "300.5",
    "remains_missing": lambda row: "remains" not in row,
    "status_unknown": lambda row: row["status"] == "Awaiting moderation",
    "status_case": lambda row: row["status"] == "PARTIAL",
    "transient_incorrect_id": lambda row: row == {"error": "Incorrect order ID"},
    "id_missing": lambda row: row == {},
}
BATCHES: dict[str, Callable[[Any, str, str], bool]] = {
    "id_missing": lambda answer, one, two: list(answer) == [two],
    "id_extra": lambda answer, one, two: {one, two} < set(answer) and len(answer) == 3,
    "id_padded": lambda answer, one, two: list(answer) == ["00" + one, "00" + two],
    "one_bad_in_100": lambda answer, one, two: answer[one] == ["Notice", None] and answer[two]["status"] == "Partial",
    "batch_error": lambda answer, one, two: answer == {"error": "Incorrect order ID"},
}


@pytest.fixture
def two_partial(sim: Simulator, clock: Clock) -> tuple[str, str]:
    orders = [buy(sim, f"https://example.com/{number}?fate=partial:300") for number in (1, 2)]
    clock.pass_by(100)
    return orders[0], orders[1]


def test_every_spoiled_answer_is_tested() -> None:
    assert set(ITEMS) | set(BATCHES) == set(SPOILED_ANSWERS)


@pytest.mark.parametrize("fault", sorted(ITEMS))
def test_a_drawn_fault_spoils_one_status_and_the_next_is_honest(
    sim: Simulator, two_partial: tuple[str, str], fault: str
) -> None:
    sim.plan.set_script([fault], ["status"])
    assert ITEMS[fault](call(sim, action="status", order=two_partial[0]))
    assert HONEST.items() <= call(sim, action="status", order=two_partial[0]).items()
    assert sim.facts()["faults"] == {fault: 1}


@pytest.mark.parametrize("fault", sorted(BATCHES))
def test_a_drawn_fault_spoils_a_batch(sim: Simulator, two_partial: tuple[str, str], fault: str) -> None:
    sim.plan.set_script([fault], ["status"])
    assert BATCHES[fault](call(sim, action="status", orders=",".join(two_partial)), *two_partial)
    assert list(call(sim, action="status", orders=",".join(two_partial))) == list(two_partial)


@pytest.mark.parametrize("fate", sorted(set(ITEMS) - {"transient_incorrect_id", "id_missing"}))
def test_a_fate_spoils_the_answers_about_one_order_until_calm(sim: Simulator, clock: Clock, fate: str) -> None:
    order, other = buy(sim, f"https://example.com/1?fate={fate}"), buy(sim, "https://example.com/2?fate=completed")
    clock.pass_by(100)
    answer = call(sim, action="status", orders=f"{order},{other}")
    assert answer[other]["status"] == "Completed"
    sim.calm = True
    honest = call(sim, action="status", orders=f"{order},{other}")
    assert honest[order] != answer[order]
    assert honest[order]["status"] in ("Partial", "Completed")


def test_a_fate_denies_an_order_for_a_while(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/1?fate=transient_incorrect_id")
    clock.pass_by(40)
    assert call(sim, action="status", order=order) == {"error": "Incorrect order ID"}
    clock.pass_by(40)
    assert call(sim, action="status", order=order)["status"] == "In progress"


LISTS: dict[str, Callable[[list[dict[str, Any]]], bool]] = {
    "dup_ids": lambda rows: len(rows) == 8 and str(rows[0]["service"]) == str(rows[5]["service"]),
    "renamed": lambda rows: rows[0]["name"] == "Followers (renamed)",
    "min_over_max": lambda rows: (rows[0]["min"], rows[0]["max"]) == ("1000", "1"),
    "rate_zero": lambda rows: rows[0]["rate"] == "0",
    "rate_negative": lambda rows: rows[0]["rate"] == "-0.90",
    "rate_nan": lambda rows: rows[0]["rate"] == "NaN",
    "rate_x1000": lambda rows: rows[0]["rate"] == "900.00",
    "list_empty": lambda rows: rows == [],
    "list_tenth": lambda rows: len(rows) == 1,
    "html_in_name": lambda rows: "<script>" in rows[0]["name"],
}
BALANCES: dict[str, dict[str, Any]] = {
    "balance_str": {"balance": " 10000.00 ", "currency": "USD"},
    "balance_null": {"balance": None, "currency": "USD"},
    "balance_negative": {"balance": "-3.20", "currency": "USD"},
    "balance_other_currency": {"balance": "10000", "currency": "RUB"},
}


@pytest.mark.parametrize("fault", sorted(LISTS))
def test_spoiled_service_lists(sim: Simulator, fault: str) -> None:
    sim.plan.set_script([fault], None)
    assert LISTS[fault](call(sim, action="services"))
    assert sim.handle({"key": "demo-key", "action": "services"}).body == sim.catalog.raw


@pytest.mark.parametrize("fault", sorted(BALANCES))
def test_spoiled_balances(sim: Simulator, fault: str) -> None:
    sim.plan.set_rates({fault: 1.0}, None, 1)
    assert call(sim, action="balance") == BALANCES[fault]


def test_the_balance_may_change_by_no_order_of_ours(sim: Simulator) -> None:
    sim.plan.set_script(["balance_drops:5", "refund_in_window:2.5"], ["add"])
    buy(sim), buy(sim, "https://example.com/p/2")
    assert call(sim, action="balance")["balance"] == "9995.7"


def test_a_repriced_order_costs_something_else(sim: Simulator) -> None:
    order = buy(sim, "https://example.com/p/1?fault=repriced:2&fate=completed")
    assert call(sim, action="status", order=order)["charge"] == "1.8"
    assert call(sim, action="balance")["balance"] == "9998.2"


def test_spoiled_refills(sim: Simulator, clock: Clock) -> None:
    orders = [buy(sim, f"https://example.com/{number}?fate=completed") for number in range(5)]
    clock.pass_by(100)
    faults = ["refill_str", "refill_object_error", "refill_twice", "refill_rejected", "refill_never"]
    sim.plan.set_script(faults, ["refill"])
    answers = [call(sim, action="refill", order=order) for order in orders]
    assert answers == [
        {"refill": "1"},
        {"refill": {"error": "Something went wrong"}},
        {"refill": "3"},
        {"refill": "4"},
        {"refill": "5"},
    ]
    assert [refill.order for refill in sim.books.refills.values()] == [orders[0], orders[2], orders[2], *orders[3:]]
    clock.pass_by(100)
    states = [row["status"] for row in call(sim, action="refill_status", refills="1,3,4,5")]
    assert states == ["Completed", "Completed", "Rejected", "Pending"]
    sim.plan.set_script(["refill_unknown"], ["refill_status"])
    assert call(sim, action="refill_status", refill=1) == {"status": {"error": "Refill not found"}}
    assert call(sim, action="refill_status", refill=1) == {"status": "Completed"}


def test_cancellations_lost_and_late(sim: Simulator, clock: Clock) -> None:
    lost, late = (buy(sim, f"https://example.com/{name}?fate=completed") for name in ("lost", "late"))
    sim.plan.set_script(["cancel_lost", "cancel_late"], ["cancel"])
    assert call(sim, action="cancel", order=lost) == [{"order": int(lost), "cancel": 1}]
    assert call(sim, action="cancel", order=late) == [{"order": int(late), "cancel": 1}]
    clock.pass_by(400)
    assert call(sim, action="status", order=lost)["status"] == "Completed"
    assert call(sim, action="status", order=late)["status"] == "Pending"
    clock.pass_by(100)
    assert call(sim, action="status", order=late)["status"] == "Canceled"


def test_a_refill_is_made_although_its_answer_is_lost(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/1?fate=completed")
    clock.pass_by(100)
    sim.plan.set_script(["close_no_answer", "close_no_answer_np"], ["refill"])
    reply = sim.handle({"key": "demo-key", "action": "refill", "order": order})
    assert (reply.delivery, json.loads(reply.body)) == ("close", {"refill": "1"})
    clock.pass_by(100)
    assert sim.handle({"key": "demo-key", "action": "refill", "order": order}).delivery == "close"
    assert len(sim.books.refills) == 1
