"""The sale of the battery: no order of incidents, and no quiet shop, may make it wait for ever."""

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from tests.battery.chaos import sale as module
from tests.battery.chaos.deck import trickle
from tests.battery.chaos.quiet import NeverQuiet
from tests.battery.chaos.sale import Incident, Sale

_LIMIT = 30.0


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOWLY", 0.01)


def _hold(sale: Sale, sold: list[int], happen: Callable[[Incident], bool]) -> None:
    sellers = threading.Thread(target=lambda: sold.extend(order.number for order in sale))
    sellers.start()
    try:
        sale.disturb(happen, lambda: None, limit=_LIMIT, sellers=sellers)
    finally:
        sale.called_off.set()
        sellers.join(_LIMIT)


def _sale(incidents: list[Incident], *, orders: int) -> Sale:
    listed = [trickle(n, providers=1, wallet=0) for n in range(orders)]
    return Sale(listed, (trickle(n, providers=1, wallet=0) for n in count(orders)), incidents)


def test_a_sale_is_whole_and_its_incidents_are_spread_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOWLY", 0.2)  # a thread that gets no time for a second sells little in it
    at: list[int] = []

    def incident() -> bool:
        at.append(sale.gone)
        return True

    sale, sold = _sale([incident] * 10, orders=200), list[int]()
    _hold(sale, sold, lambda happens: happens())

    assert sold[:200] == list(range(200))
    assert sale.happened == 10
    assert all(15 * n < gone < 20 * (n + 3) for n, gone in enumerate(at))


def test_kills_that_wait_for_a_send_meet_one_though_nothing_else_is_left() -> None:
    def kill() -> bool:
        """As a kill of a sender: it comes to pass only if somebody orders while it waits."""
        before, end = sale.gone, time.monotonic() + 1
        while sale.gone == before and time.monotonic() < end:
            time.sleep(0.005)
        return sale.gone > before

    sale, sold = _sale([kill] * 12, orders=12), list[int]()
    _hold(sale, sold, lambda happens: happens())

    assert sale.happened == 12
    assert len(sold) >= 12


def test_an_incident_that_wants_a_backlog_gets_one_by_missing() -> None:
    sale, sold = _sale([], orders=40), list[int]()
    seen = [0]

    def flush() -> bool:
        """As a flush of a shop that serves one order in 5 ms: nothing waits while one comes in 10."""
        before = sale.gone
        time.sleep(0.1)
        waiting = sale.gone - before - 20
        seen[0] = max(seen[0], waiting)
        return waiting > 0

    sale.todo, sale.whole = [flush, flush], 2
    _hold(sale, sold, lambda happens: happens())

    assert sale.happened == 2
    assert seen[0] > 0


def test_what_never_comes_to_pass_ends_with_the_limit() -> None:
    sale, sold = _sale([lambda: False], orders=3), list[int]()
    sellers = threading.Thread(target=lambda: sold.extend(order.number for order in sale))
    sellers.start()
    try:
        with pytest.raises(NeverQuiet, match="of 3 orders"):
            sale.disturb(lambda happens: happens(), lambda: None, limit=0.3, sellers=sellers)
    finally:
        sale.called_off.set()
        sellers.join(_LIMIT)
    assert not sellers.is_alive()
