"""Sending queued orders through many lanes, compared with the floor set by the provider's latency: lanes ÷ latency.

A note has the figure of a bare program: for each order a connection of its own, and four commits around it.
"""

import http.client
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlencode

from bench.harness import Figure, cpu_of, take
from bench.stage import Stage
from bench.stock import Stocked, set_to
from upstream.simulator.running import RunningSimulator, running_simulator

LANES = 20
LATENCY_MS = 100
_FLOOR = "CREATE TABLE IF NOT EXISTS sent (id bigserial PRIMARY KEY, step int NOT NULL, answer text)"


def figures(stage: Stage, *, orders: int, repeats: int) -> Iterator[Figure]:
    """Each run sends ``orders``."""
    limit = LANES * 1000 / LATENCY_MS
    figure = Figure(f"orders forwarded a second, {LANES} lanes at {LATENCY_MS} ms", "a second")
    figure.notes = {"floor": "lanes ÷ latency", "orders of one run": orders}
    with running_simulator(process=True, services=3, latency_ms=LATENCY_MS, balance=10_000_000) as panel:
        stocked = Stocked("Forwarding", panel.url, panel.key)
        form = urlencode({"key": panel.key, "action": "services"}).encode()
        with closing(urllib.request.urlopen(panel.url, form)) as answer:  # noqa: S310
            service = str(next(row["service"] for row in json.load(answer) if row["type"] == "Default"))
        spent: list[float] = []
        take(figure, lambda: _forward(stocked, service, orders, spent), lambda: limit, repeats=repeats)
        figure.notes["our CPU for one order, ms"] = round(1000 * min(spent) / orders, 2)
        figure.notes["bare threads with four commits, a second"] = round(_bare(stage, panel, orders))
    yield figure


def _forward(stocked: Stocked, service: str, orders: int, spent: list[float]) -> float:
    """Return the orders per second, from the first claim until the last answer is recorded."""
    from orders.forwarding import dispatch
    from orders.models import Order
    from orders.states import Forward

    stocked.orders(orders, external_service_id=[service] * orders)
    with set_to(FORWARD_LANES=LANES), cpu_of(spent):
        began = time.perf_counter()
        sent = dispatch.forward_due(seconds=120)
        took = time.perf_counter() - began
    left = Order.objects.exclude(forward_state=Forward.PLACED).count()
    assert (sent, left) == (orders, 0), f"{sent} of {orders} were sent, {left} are not placed"
    return orders / took


def _bare(stage: Stage, panel: RunningSimulator, orders: int) -> float:
    """Return the orders per second of bare threads: each order has its own connection and four small commits."""
    name = stage.database("floor")
    with stage.connect(name) as connection:
        connection.execute(_FLOOR)
    barrier = threading.Barrier(LANES + 1)
    form = {"key": panel.key, "action": "add", "link": "https://example.com/p/1", "quantity": "1000", "service": "0"}
    body, kind = urlencode(form), {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}

    def lane() -> None:
        with stage.connect(name) as connection:
            connection.autocommit = True
            barrier.wait(timeout=30)
            for _ in range(orders // LANES):
                connection.execute("INSERT INTO sent (step) VALUES (1)")
                connection.execute("INSERT INTO sent (step) VALUES (2)")
                with closing(http.client.HTTPConnection("127.0.0.1", panel.port, timeout=30)) as wire:
                    wire.request("POST", "/api/v2", body, kind)
                    answer = wire.getresponse().read().decode()
                connection.execute("INSERT INTO sent (step, answer) VALUES (3, %s)", [answer])
                connection.execute("INSERT INTO sent (step) VALUES (4)")

    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(lane) for _ in range(LANES)]
        barrier.wait(timeout=30)
        began = time.perf_counter()
        for one in lanes:
            one.result()
    return orders // LANES * LANES / (time.perf_counter() - began)
