"""The record is written before the answer, survives a kill, and starts the next run where the last one ended."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulator.bare_client import exchange, request_bytes
from tests.simulator.fake_time import ROWS, Clock, buy, call
from upstream.simulator import Catalog, Simulator, running_simulator


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def run_again(journal: Path, clock: Clock) -> Simulator:
    return Simulator(Catalog.from_rows(ROWS), clock=clock, seconds=100, journal=journal)


def test_a_restart_knows_orders_refills_money_and_the_next_id(journal: Path, clock: Clock) -> None:
    first = run_again(journal, clock)
    done = buy(first, "https://example.com/1?fate=completed&after=10")
    part = buy(first, "https://example.com/2?fate=partial:157")
    stopped = buy(first, "https://example.com/3?fate=stuck")
    clock.pass_by(60)
    call(first, action="refill", order=done)
    call(first, action="cancel", order=stopped)
    first.books.adjust(Decimal(25))
    first.books.burn(3)
    buy(first, "https://example.com/4?fate=never_moves")
    first.record.close()
    clock.pass_by(1000)
    second = run_again(journal, clock)
    assert second.record.actions == first.record.actions == {"add": 4, "refill": 1, "cancel": 1}
    assert second.facts()["orders"] == first.facts()["orders"]
    assert second.books.balance == first.books.balance
    assert second.books.next_id == first.books.next_id
    assert call(second, action="refill_status", refill=1) == {"status": "Completed"}
    assert call(second, action="status", order=part)["remains"] == "157"
    assert call(second, action="status", order=stopped)["status"] == "Partial"


def test_children_that_came_before_a_restart_do_not_come_twice(journal: Path, clock: Clock) -> None:
    first = run_again(journal, clock)
    first.switches["drip_children"] = True
    parent = buy(first, "https://example.com/1?fate=completed", 100, runs=3, interval=20)
    clock.pass_by(110)
    assert len(call(first, action="status", order=parent)["orders"]) == 2
    first.record.close()
    second = run_again(journal, clock)
    assert len(call(second, action="status", order=parent)["orders"]) == 2
    clock.pass_by(1000)
    assert len(call(second, action="status", order=parent)["orders"]) == 3
    assert call(second, action="balance")["balance"] == "9999.73"


def test_a_line_cut_short_is_dropped(journal: Path, clock: Clock) -> None:
    first = run_again(journal, clock)
    buy(first)
    first.record.close()
    with journal.open("a") as file:
        file.write('{"event": "order", "order": "235')
    second = run_again(journal, clock)
    buy(second, "https://example.com/p/2")
    second.record.close()
    assert sorted(run_again(journal, clock).books.orders) == ["23501", "23502"]


def test_a_kill_between_accepting_and_answering_loses_no_order(journal: Path) -> None:
    with running_simulator(process=True, journal=journal) as running:
        fields = {"key": running.key, "action": "add", "service": 1101, "quantity": 100}
        exchange(running.port, request_bytes(fields | {"link": "https://example.com/1"}))
        lost = request_bytes(fields | {"link": "https://example.com/2?fault=timeout_after_accept"})
        assert exchange(running.port, lost, patience=0.5).end == "open"
        assert running.record()["requests"]["total"] == 2
        running.kill()
    with running_simulator(process=True, journal=journal) as running:
        record = running.record()
        assert [(row["order"], row["fault"]) for row in record["orders"]] == [
            ("23501", None),
            ("23502", "timeout_after_accept"),
        ]
        assert record["requests"]["actions"] == {"add": 2}
        assert record["faults"] == {"timeout_after_accept": 1}


def test_the_record_holds_the_order_as_sent_and_never_the_key(sim: Simulator) -> None:
    comments = "grüße\r\n<b>zwei</b>"
    order = buy(sim, "https://example.com/ä?x=1 ", service=2, comments=comments)
    (row,) = sim.facts()["orders"]
    sent = {"service": "2", "link": "https://example.com/ä?x=1 ", "quantity": "1000", "comments": comments}
    assert (row["order"], row["fields"]) == (order, sent)
    assert (row["quantity"], row["charge"], len(row["sha256"])) == (2, "0.016", 64)
    assert sim.key not in str(sim.facts())


def test_a_late_placement_counts_from_when_it_happens(sim: Simulator, clock: Clock) -> None:
    reply = sim.handle(
        {
            "key": "demo-key",
            "action": "add",
            "service": "1",
            "quantity": "100",
            "link": "https://e.com/?fault=late_place:30",
        }
    )
    assert reply.delivery == "hang"
    clock.pass_by(29)
    other = buy(sim, "https://example.com/between")
    assert len(sim.facts()["orders"]) == 1
    clock.pass_by(11)
    late = sim.facts()["orders"][1]
    assert (late["order"], late["arrived"]) == (str(int(other) + 1), clock() - 10)
    assert call(sim, action="balance")["balance"] == "9999.01"


def test_other_customers_take_ids_that_stay_unknown(sim: Simulator, clock: Clock) -> None:
    sim.books.foreign_rate = 0.5
    first = buy(sim)
    clock.pass_by(10)
    second = buy(sim, "https://example.com/p/2")
    assert int(second) - int(first) == 6
    between = str(int(first) + 3)
    assert call(sim, action="status", order=between) == {"error": "Incorrect order ID"}
    sim.switches["foreign_visible"] = True
    assert call(sim, action="status", order=between)["status"] == "In progress"
    assert call(sim, action="status", order=int(second) + 1) == {"error": "Incorrect order ID"}


@pytest.mark.parametrize(("kind", "is_id"), [("text", lambda one: one.startswith("ord_")), ("random", str.isdigit)])
def test_ids_that_do_not_grow(sim: Simulator, kind: str, is_id: Callable[[str], bool]) -> None:
    sim.books.ids = kind
    ids = [buy(sim, f"https://example.com/{number}") for number in range(20)]
    assert len(set(ids)) == 20
    assert all(map(is_id, ids))
    assert ids != sorted(ids)
    assert set(call(sim, action="status", orders=",".join(ids))) == set(ids)
