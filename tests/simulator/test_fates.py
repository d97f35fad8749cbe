"""An order's life over time follows its fate, and the provider's balance follows the order's life."""

from decimal import Decimal

import pytest

from tests.simulator.fake_time import Clock, buy, call
from upstream.simulator import Simulator
from upstream.simulator.fates import life


def seen(sim: Simulator, order: str) -> tuple[str, str]:
    answer = call(sim, action="status", order=order)
    return answer["status"], answer["remains"]


def test_an_order_starts_runs_and_completes(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=completed")
    assert call(sim, action="status", order=order) == {
        "charge": "0.9",
        "start_count": "",
        "status": "Pending",
        "remains": "1000",
        "currency": "USD",
    }
    clock.pass_by(57.5)
    assert seen(sim, order) == ("In progress", "500")
    clock.pass_by(42.5)
    assert seen(sim, order) == ("Completed", "0")
    assert call(sim, action="balance")["balance"] == "9999.1"


@pytest.mark.parametrize(
    ("fate", "looks", "back"),
    [
        ("partial:157", [("Partial", "157"), ("Partial", "157")], "0.1413"),
        ("partial:5000", [("Partial", "1000"), ("Partial", "1000")], "0.9"),
        ("canceled", [("Canceled", "1000"), ("Canceled", "1000")], "0.9"),
        ("canceled:0", [("Canceled", "0"), ("Canceled", "0")], "0.9"),
        ("refunded", [("Refunded", "1000"), ("Refunded", "1000")], "0.9"),
        ("failed", [("Failed", "1000"), ("Failed", "1000")], "0"),
        ("stuck", [("In progress", "600"), ("In progress", "600")], "0"),
        ("never_moves", [("Pending", "1000"), ("Pending", "1000")], "0"),
        ("completed_then_partial:80", [("Completed", "0"), ("Partial", "80")], "0.072"),
        ("completed_then_canceled", [("Completed", "0"), ("Canceled", "1000")], "0.9"),
        ("completed_then_progress:50", [("Completed", "0"), ("In progress", "50")], "0"),
        ("partial_then_completed", [("Partial", "300"), ("Completed", "0")], "0"),
        ("partial_changing", [("Partial", "400"), ("Partial", "600")], "0.54"),
        ("canceled_then_completed", [("Canceled", "1000"), ("Completed", "0")], "0"),
        ("canceled_charge_0", [("Canceled", "1000"), ("Canceled", "1000")], "0.9"),
        ("canceled_charge_full", [("Canceled", "1000"), ("Canceled", "1000")], "0"),
    ],
)
def test_a_link_scripts_the_fate(
    sim: Simulator, clock: Clock, fate: str, looks: list[tuple[str, str]], back: str
) -> None:
    order = buy(sim, f"https://example.com/p/1?fate={fate}")
    clock.pass_by(100)
    assert seen(sim, order) == looks[0]
    clock.pass_by(100)
    assert seen(sim, order) == looks[1]
    assert Decimal(call(sim, action="balance")["balance"]) == Decimal("9999.1") + Decimal(back)
    assert sim.books.orders[order].charged(clock()) == Decimal("0.9") - Decimal(back)


def test_a_canceled_order_may_still_show_its_charge(sim: Simulator, clock: Clock) -> None:
    full, free = (buy(sim, f"https://example.com/p/1?fate=canceled_charge_{end}") for end in ("full", "0"))
    clock.pass_by(100)
    assert call(sim, action="status", order=full)["charge"] == "0.9"
    assert call(sim, action="status", order=free)["charge"] == "0"


def test_a_link_may_shorten_or_lengthen_an_order(sim: Simulator, clock: Clock) -> None:
    quick = buy(sim, "https://example.com/p/1?fate=completed&after=4")
    slow = buy(sim, "example.com/p/2?x=1&fate=completed&after=900")
    clock.pass_by(100)
    assert seen(sim, quick) == ("Completed", "0")
    assert seen(sim, slow)[0] == "Pending"


def test_most_unscripted_orders_complete_and_the_exceptions_are_always_the_same(clock: Clock) -> None:
    def fates() -> list[str]:
        sim = Simulator(clock=clock)
        orders = [buy(sim, f"https://example.com/{number}", 100, service=1101) for number in range(24)]
        clock.pass_by(100)
        return [seen(sim, order)[0] for order in orders]

    first = fates()
    assert first == fates()
    assert (first.count("Completed"), first.count("Partial"), first.count("Canceled")) == (20, 2, 2)
    assert first[0] == "Completed"


def test_an_unknown_fate_in_a_link_is_no_fate(sim: Simulator) -> None:
    assert buy(sim, "https://example.com/p/1?fate=glory") == "23501"
    with pytest.raises(ValueError, match="glory"):
        life("glory", 10, 1)


def test_a_test_may_change_an_orders_fate(sim: Simulator, clock: Clock) -> None:
    order = buy(sim, "https://example.com/p/1?fate=stuck")
    clock.pass_by(500)
    sim.books.refate(sim.books.orders[order], "partial:10", now=clock(), after=5)
    assert seen(sim, order) == ("In progress", "600")
    clock.pass_by(5)
    assert seen(sim, order) == ("Partial", "10")
    assert call(sim, action="balance")["balance"] == "9999.109"


def test_runs_of_a_drip_feed_become_orders_of_their_own(sim: Simulator, clock: Clock) -> None:
    sim.switches["drip_children"] = True
    parent = buy(sim, "https://example.com/p/1?fate=completed", 100, runs=3, interval=20)
    assert call(sim, action="status", order=parent) == {"status": "Pending", "runs": "3", "orders": []}
    clock.pass_by(110)
    first, second = call(sim, action="status", order=parent)["orders"]
    assert seen(sim, first) == ("Completed", "0")
    assert seen(sim, second) == ("Pending", "100")
    clock.pass_by(1000)
    answer = call(sim, action="status", order=parent)
    assert (answer["status"], len(answer["orders"])) == ("Completed", 3)
    assert call(sim, action="balance")["balance"] == "9999.73"
    assert sum(order.charged(clock()) for order in sim.books.orders.values()) == Decimal("0.27")


def test_posts_of_a_subscription_are_charged_as_they_come(sim: Simulator, clock: Clock) -> None:
    fields = {"action": "add", "service": 4, "username": "someone?fate=completed", "posts": 2, "delay": 0}
    parent = str(call(sim, **fields, min=10, max=20)["order"])
    answer = call(sim, action="status", order=parent)
    assert answer == {"status": "Active", "expiry": None, "posts": "2", "orders": []}
    clock.pass_by(500)
    answer = call(sim, action="status", order=parent)
    assert answer["status"] == "Completed"
    quantities = [sim.books.orders[child].quantity for child in answer["orders"]]
    assert len(quantities) == 2
    assert all(10 <= quantity <= 20 for quantity in quantities)
    spent = Decimal(10_000) - Decimal(call(sim, action="balance")["balance"])
    assert spent == sum(quantities) * Decimal("0.002")
