"""Orders through the API over HTTP, compared with pgbench with as many clients on the same server."""

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlencode

from bench.harness import Figure, Skipped, take
from bench.placing import CLIENTS, pgbench, run_pgbench, shop
from bench.stage import Stage

ROOT = Path(__file__).resolve().parents[1]
#: Limits stay on, but no run reaches this one.
_RATE_LIMIT = "1000000"


def figures(stage: Stage, *, length: float, repeats: int) -> Iterator[Figure]:
    """``length`` is the seconds of one run."""
    figure = Figure(f"orders a second through the API, {CLIENTS} connections of {CLIENTS} customers", "a second")
    try:
        program = pgbench(stage)
    except Skipped as reason:
        figure.skipped = str(reason)
        yield figure
        return
    service, keys = with_keys("Buying")
    notes: dict[str, Any] = {"floor": f"pgbench, TPC-B-like, {CLIENTS} clients, scale {CLIENTS}"}
    figure.notes = notes
    with _web() as port:
        taken: list[float] = []
        take(
            figure,
            lambda: _buy(port, service, keys, length, taken),
            lambda: run_pgbench(program, stage, length),
            repeats=repeats,
        )
    notes["p99 of a call, ms"] = round(sorted(taken)[int(len(taken) * 0.99)] * 1000, 1)
    notes["p50 of a call, ms"] = round(sorted(taken)[len(taken) // 2] * 1000, 1)
    yield figure


def with_keys(name: str) -> tuple[int, list[str]]:
    """Return a service and one API key per customer. Half of the customers are in a group with its own prices."""
    from accounts.api_keys import create_key
    from accounts.models import CustomerGroup, User
    from catalog.models import MarkupRule
    from core.clock import database_now

    service, customers = shop(name)
    group = CustomerGroup.objects.create(name=name, percent=Decimal(-5))
    MarkupRule.objects.create(name=name, category=service.category, percent=Decimal(30), minimum_margin=Decimal(10))
    User.objects.filter(pk__in=[customer.pk for customer in customers[::2]]).update(group=group)
    return service.pk, [create_key(customer=c, name="bench", now=database_now()).plain for c in customers]


@contextmanager
def _web() -> Iterator[int]:
    """Run the shop's web processes with `gunicorn storefront.wsgi`; yield their port."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "storefront.wsgi", "--bind", f"127.0.0.1:{port}"]
    env = {**os.environ, "ALLOWED_HOSTS": "127.0.0.1", "API_RATE_PER_MINUTE": _RATE_LIMIT, "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up_at = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < give_up_at, "the web process does not answer"
                time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _buy(port: int, service: int, keys: list[str], length: float, taken: list[float]) -> float:
    """Return the orders per second over all connections; add the seconds of each call to ``taken``."""
    barrier = threading.Barrier(len(keys))

    def buy(key: str) -> tuple[list[float], float, float]:
        form = {"key": key, "action": "add", "service": service, "link": "https://example.com/p/1", "quantity": 1000}
        body, kind = urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        spent: list[float] = []
        barrier.wait(timeout=30)
        began = now = time.perf_counter()
        while now - began < length:
            sent_at = now
            connection.request("POST", "/api/v2", body, kind)
            answer = connection.getresponse().read()
            assert answer.startswith(b'{"order":'), answer
            now = time.perf_counter()
            spent.append(now - sent_at)
        connection.close()
        return spent, began, now

    with ThreadPoolExecutor(len(keys)) as pool:
        shares = list(pool.map(buy, keys))
    taken += [seconds for share in shares for seconds in share[0]]
    return sum(len(s[0]) for s in shares) / (max(s[2] for s in shares) - min(s[1] for s in shares))
