"""A test steers a running provider: draws of faults, held answers, pauses, latency, prices."""

import threading
import time
from collections import Counter

import pytest

from tests.simulator.bare_client import Seen, exchange, request_bytes
from upstream.simulator import RunningSimulator, Simulator, running_simulator
from upstream.simulator.fault_plan import FaultPlan


def add(provider: RunningSimulator, link: str = "https://example.com/p/1") -> bytes:
    return request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 100})


def test_every_fifth_add_loses_its_answer(provider: RunningSimulator) -> None:
    provider.control(every=5, fault="close_no_answer")
    before = len(provider.orders())
    ends = [exchange(provider.port, add(provider)).data != b"" for _ in range(10)]
    provider.control(every=0)
    assert ends == ([True] * 4 + [False]) * 2
    faults = [order["fault"] for order in provider.orders()[before:]]
    assert faults == ([None] * 4 + ["close_no_answer"]) * 2


def test_rates_repeat_with_their_seed_and_apply_to_their_actions_only() -> None:
    def draws(seed: int) -> list[str | None]:
        plan = FaultPlan()
        plan.set_rates({"h500": 0.2, "order_null": 0.1}, ["add"], seed)
        assert not any(plan.draw("status", "") for _ in range(100))
        return [drawn.name if (drawn := plan.draw("add", "")) else None for _ in range(1000)]

    first = draws(1)
    assert first == draws(1) != draws(2)
    counts = Counter(first)
    assert 150 < counts["h500"] < 250
    assert 60 < counts["order_null"] < 140


def test_a_rate_without_actions_applies_to_the_actions_of_its_fault() -> None:
    plan = FaultPlan()
    plan.set_rates({"charge_null": 0.5, "order_null": 0.5}, None, 1)
    assert {drawn.name for _ in range(50) if (drawn := plan.draw("status", ""))} == {"charge_null"}
    assert {drawn.name for _ in range(50) if (drawn := plan.draw("add", ""))} == {"order_null"}
    assert plan.draw("balance", "") is None


def test_a_script_runs_once_and_a_link_may_limit_its_fault() -> None:
    plan = FaultPlan()
    plan.set_script(["h500", None, "h503"], ["add"])
    names = [drawn.name if (drawn := plan.draw("add", "")) else None for _ in range(4)]
    assert names == ["h500", None, "h503", None]
    link = "https://example.com/?fault=h503*2"
    assert [bool(plan.draw("add", link)) for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize(
    "settings",
    [
        {"fautls": {}},
        {"faults": {"h999": 0.1}},
        {"faults": {"refused": 0.1}},
        {"faults": {"h500": 0.9, "h503": 0.2}},
        {"capabilities": {"fly": True}},
        {"balance": "much"},
        {"rates": {"77": "1"}},
        {"order_fates": {"1": "completed"}},
        {"late_charges": {"share": 2}},
        {"late_charges": {"share": 1, "shown": "never"}},
    ],
)
def test_an_invalid_setting_is_refused(provider: RunningSimulator, settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Error: |InvalidOperation"):
        provider.control(**settings)


def test_an_answer_is_held_after_the_order_is_accepted() -> None:
    with running_simulator() as provider:
        provider.hold_next_add()
        answers: list[Seen] = []
        payload = request_bytes(
            {"key": provider.key, "action": "add", "service": 1101, "link": "https://example.com/h", "quantity": 100}
        )
        client = threading.Thread(target=lambda: answers.append(exchange(provider.port, payload, patience=20)))
        client.start()
        (held,) = provider.wait_for_held()
        assert held["link"] == "https://example.com/h"
        assert [order["link"] for order in provider.orders()] == ["https://example.com/h"]
        assert answers == []
        assert provider.release() == 1
        client.join(20)
        assert answers[0].json == {"order": 23501}
        assert exchange(provider.port, payload).json == {"order": 23502}


def test_a_paused_provider_answers_waiting_requests_even_if_the_sender_left() -> None:
    with running_simulator() as provider:
        provider.control(paused=True)
        payload = request_bytes(
            {"key": provider.key, "action": "add", "service": 1101, "link": "https://example.com/w", "quantity": 100}
        )
        assert exchange(provider.port, payload, patience=0.2) == Seen(b"", "open")
        assert provider.orders() == []
        provider.control(paused=False)
        assert len(provider.orders()) == 1


def test_latency_delays_the_answer_but_not_the_order(provider: RunningSimulator) -> None:
    provider.control(latency_ms={"add": 200})
    start = time.monotonic()
    exchange(provider.port, add(provider))
    provider.control(latency_ms=0)
    assert time.monotonic() - start >= 0.2


def test_prices_money_time_and_fates_can_be_set(provider: RunningSimulator) -> None:
    provider.control(rates={"1": "4.20"}, balance="50", capabilities={"orders": True}, seconds=10, foreign=5)
    number = str(exchange(provider.port, add(provider)).json["order"])
    provider.control(order_fates={number: "partial:40"}, advance=60)
    record = provider.record()
    order = next(row for row in record["orders"] if row["order"] == number)
    assert (order["charge"], order["net_charge"], order["status"]) == ("0.42", "0.252", "Partial")
    provider.control(rates={"1": "0.90"}, balance="10000", seconds=100)


def test_a_catalog_can_be_replaced(provider: RunningSimulator) -> None:
    before = provider.simulator.catalog if provider.simulator else None
    provider.control(catalog=[{"service": 8, "name": "Only", "rate": "1", "min": "1", "max": "2"}])
    services = exchange(provider.port, request_bytes({"key": provider.key, "action": "services"}))
    assert [row["service"] for row in services.json] == [8]
    assert isinstance(provider.simulator, Simulator)
    assert before is not None
    provider.simulator.catalog = before


def test_a_page_of_another_site_cannot_steer(provider: RunningSimulator) -> None:
    forged = b'POST /_sim/control HTTP/1.1\r\nOrigin: https://evil.example\r\nContent-Length: 14\r\n\r\n{"balance": 0}'
    assert exchange(provider.port, forged).status == 403
    assert provider.record()["balance"] != "0"


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"GET /api/v2?key=demo-key&action=balance HTTP/1.1\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /api/v2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /_sim/nothing HTTP/1.1\r\n\r\n", 404),
    ],
)
def test_a_request_that_is_no_call_gets_an_error_status(
    provider: RunningSimulator, payload: bytes, status: int
) -> None:
    assert exchange(provider.port, payload).status == status


def test_connections_are_counted() -> None:
    with running_simulator() as provider:
        exchange(provider.port, request_bytes({"key": "x", "action": "balance"}))
        exchange(provider.port, b"GET / HTTP/1.1\r\n\r\n")
        exchange(provider.port, b"POST /api/v2 HT", patience=0.05)
        provider.control(script=["close_on_accept"])
        exchange(provider.port, b"")
        limit = time.monotonic() + 10
        while (record := provider.record())["unread"] < 2 and time.monotonic() < limit:
            time.sleep(0.02)
        assert (record["connections"], record["requests"]["total"], record["other"], record["unread"]) == (4, 1, 1, 2)


@pytest.mark.parametrize(("shown", "first"), [("null", None), ("zero", "0"), ("empty", ""), ("absent", "no such key")])
def test_a_charge_can_be_told_late(shown: str, first: str | None) -> None:
    with running_simulator(seconds=100) as provider:
        provider.control(late_charges={"share": 1, "shown": shown, "after": 30})
        order = {
            "key": provider.key,
            "action": "add",
            "service": 1101,
            "link": "https://example.com/h",
            "quantity": 100,
        }
        numbers = [str(exchange(provider.port, request_bytes(order)).json["order"]) for _ in range(2)]
        provider.control(order_fates={numbers[0]: "completed"}, after=100)
        provider.control(order_fates={numbers[1]: "canceled"}, after=10)
        whole = provider.orders()[0]["charge"]

        def charges() -> list[str | None]:
            asked = {"key": provider.key, "action": "status", "orders": ",".join(numbers)}
            rows = exchange(provider.port, request_bytes(asked)).json
            return [rows[number].get("charge", "no such key") for number in numbers]

        assert charges() == [first, first]
        provider.control(advance=40)
        assert charges() == [whole, first]  # a canceled order never tells what it cost
        provider.control(late_charges={"share": 1, "shown": shown})
        assert charges() == [first, first]
        provider.control(advance=100)
        assert charges() == [whole, first]
        provider.control(late_charges=None)
        assert charges() == [whole, "0"]
