"""Following open orders that all change, compared with bare calls that fetch and parse the same answers."""

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.harness import Figure, cpu_of, take
from bench.stock import COST, QUANTITY, Stocked, set_to
from upstream.simulator.running import RunningSimulator, running_simulator

LATENCY_MS = 100
CALLS_AT_ONCE = 8
BATCH = 100
_FIRST_ID = 23_501
#: Seconds an order takes, and by which each run advances the provider's clock, so that every order has changed.
_LIFE, _STEP = 100_000, 1_000


def figures(*, orders: int, repeats: int) -> Iterator[Figure]:
    """First rounds in which all orders progress, then the round in which all end and their money moves."""
    from core.clock import database_now

    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        _write_journal(journal, orders)
        with running_simulator(process=True, latency_ms=LATENCY_MS, journal=journal) as panel:
            stocked, now = Stocked("Following", panel.url, panel.key), database_now()
            stocked.orders(
                orders,
                forward_state=["placed"] * orders,
                upstream_id=[str(_FIRST_ID + n) for n in range(orders)],
                placed_at=[now] * orders,
                next_at=[None] * orders,
            )
            panel.control(advance=_LIFE * 0.2)
            yield _figure("that all move", stocked, panel, orders, _STEP, repeats)
            yield _figure("that all end", stocked, panel, orders, _LIFE, 0)


def _figure(what: str, stocked: Stocked, panel: RunningSimulator, orders: int, step: int, repeats: int) -> Figure:
    from core.clock import database_now
    from orders.following import poll
    from orders.models import Order

    figure = Figure(f"{orders:,} open orders {what} followed, {CALLS_AT_ONCE} calls at once at {LATENCY_MS} ms", "s")
    spent: list[float] = []

    def ours() -> float:
        panel.control(advance=step)
        Order.objects.filter(provider=stocked.provider).update(next_poll_at=database_now())
        with set_to(POLL_CALLS_PER_MINUTE=60_000, POLL_LANES=CALLS_AT_ONCE), cpu_of(spent):
            began = time.perf_counter()
            polled = poll.follow_due(seconds=300)
            took = time.perf_counter() - began
        assert polled == orders, f"{polled} of {orders} were polled"
        late = Order.objects.filter(provider=stocked.provider, next_poll_at__lte=database_now()).count()
        assert late == 0, f"{late} orders are still due"
        return took

    def fetch(some: list[str]) -> Any:
        body = urlencode({"key": panel.key, "action": "status", "orders": ",".join(some)})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        with closing(http.client.HTTPConnection("127.0.0.1", panel.port, timeout=30)) as wire:
            wire.request("POST", "/api/v2", body, kind)
            return json.loads(wire.getresponse().read())

    def floor() -> float:
        ids = [str(_FIRST_ID + n) for n in range(orders)]
        began = time.perf_counter()
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            batches = [ids[i : i + BATCH] for i in range(0, orders, BATCH)]
            answered = sum(len(states) for states in pool.map(fetch, batches))
        assert answered == orders
        return time.perf_counter() - began

    if repeats:
        take(figure, ours, floor, repeats=repeats)
        del spent[0]  # the warm-up
    else:
        # Orders end only once, so there is one run of each.
        figure.floor, figure.ours = [floor()], [ours()]
    figure.notes["our CPU, s"] = ", ".join(f"{seconds:.2f}" for seconds in spent)
    return figure


def _write_journal(path: Path, orders: int) -> None:
    """Write the journal of a provider that has just accepted the orders."""
    now = time.time()
    ends = {6: "partial:157", 0: "canceled"}  # of each dozen; the other ten complete
    with path.open("w") as lines:
        for n in range(orders):
            event = {
                "event": "order", "order": str(_FIRST_ID + n), "service": "1", "link": f"https://example.com/p/{n}",
                "quantity": QUANTITY, "fields": {}, "charge": str(COST), "unit": str(COST / QUANTITY), "arrived": now,
                "sha256": "", "fate": ends.get(n % 12, "completed"), "seconds": _LIFE, "currency": "USD",
                "kind": "plain", "runs": 1, "gap": 0, "parent": None, "fault": None, "next_id": _FIRST_ID + n + 1,
            }  # fmt: skip
            lines.write(json.dumps(event) + "\n")
