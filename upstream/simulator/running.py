"""A simulated provider for the length of a ``with``: in a thread, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from upstream.simulator.certificates import make_contexts
from upstream.simulator.control import route
from upstream.simulator.core import Simulator
from upstream.simulator.server import ProviderServer

START_LIMIT = 15.0


class RunningSimulator:
    """Where it listens and how to steer it. ``simulator`` is the core itself when it runs in a thread, else None.

    Reading and steering go through a second port that no fault touches, so that none hides the provider's record.
    """

    def __init__(self, *, port: int, control_port: int, key: str, secure: bool = False) -> None:
        self.key = key
        self.port = port
        self.base = f"{'https' if secure else 'http'}://127.0.0.1:{port}"
        self.url = f"{self.base}/api/v2"
        self.control_port = control_port
        self.certificate: Path | None = None
        self.simulator: Simulator | None = None
        self.process: subprocess.Popen[str] | None = None
        self._stop: Callable[[], None] = lambda: None

    def record(self, requests: int = 1000) -> dict[str, Any]:
        """Return everything the provider knows, with so many of the newest requests listed one by one."""
        return self._request(f"/_sim/record?requests={requests}")

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders accepted so far, oldest first."""
        rows: list[dict[str, Any]] = self.record()["orders"]
        return rows

    def control(self, **settings: Any) -> None:
        """Steer the provider, see ``control.py`` for the names. Raise ValueError for a name it does not know."""
        self._request("/_sim/control", settings)

    def hold_next_add(self, number: int = 1) -> None:
        self.control(hold_add=number)

    def held(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._request("/_sim/held")["held"]
        return rows

    def wait_for_held(self, number: int = 1, limit: float = 10.0) -> list[dict[str, Any]]:
        """Wait until so many answers are held. Raise TimeoutError after ``limit`` seconds."""
        end = time.monotonic() + limit
        while len(rows := self.held()) < number:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(rows)} of {number} answers are held after {limit} s")
            time.sleep(0.02)
        return rows

    def release(self, held: int | None = None) -> int:
        return int(self._request("/_sim/release", {"held": held})["released"])

    def stop(self) -> None:
        """Stop it; a second call does nothing."""
        stop, self._stop = self._stop, lambda: None
        stop()

    def kill(self) -> None:
        """End a provider that runs as a process as SIGKILL does. Raise RuntimeError for one in a thread."""
        if self.process is None:
            raise RuntimeError("a provider in a thread cannot be killed")
        self.process.kill()
        self.process.wait()

    def _request(self, path: str, settings: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if settings is None else json.dumps(settings, default=str)
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=30)
        try:
            connection.request("GET" if settings is None else "POST", path, body)
            value: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in value:
            raise ValueError(value["error"])
        return value


@contextmanager
def running_simulator(
    *, process: bool = False, tls: bool = False, port: int = 0, latency_ms: float = 0, **options: Any
) -> Iterator[RunningSimulator]:
    """Run a provider on a free loopback port. ``options`` are Simulator's, or with ``process`` those of its command."""
    start = _as_process if process else _as_thread
    running = start(port, tls, latency_ms, options)
    try:
        yield running
    finally:
        running.stop()


def _as_thread(port: int, tls: bool, latency_ms: float, options: dict[str, Any]) -> RunningSimulator:
    sim = Simulator(**options)
    contexts = make_contexts() if tls else None
    server = ProviderServer(sim, route=route, tls=contexts)
    server.settings.latency = {"": latency_ms / 1000}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulated-provider", daemon=True)
    thread.start()
    starting = asyncio.run_coroutine_threadsafe(server.start("127.0.0.1", port, 0), loop)
    main, control = starting.result(START_LIMIT)
    running = RunningSimulator(port=main, control_port=control, key=sim.key, secure=tls)
    running.simulator = sim
    running.certificate = contexts.certificate if contexts else None

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_LIMIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_LIMIT)
        loop.close()

    running._stop = stop
    return running


def _as_process(port: int, tls: bool, latency_ms: float, options: dict[str, Any]) -> RunningSimulator:
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    arguments += [
        f"--port={port}",
        "--control-port=0",
        f"--latency={latency_ms}",
        "--json",
        *(["--tls"] if tls else []),
    ]
    command = [sys.executable, "-m", "upstream.simulator", *arguments]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)  # noqa: S603
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait()
        raise RuntimeError(f"the simulated provider ended with code {process.returncode} before it listened")
    facts = json.loads(line)
    running = RunningSimulator(port=facts["port"], control_port=facts["control_port"], key=facts["key"], secure=tls)
    running.process = process
    running.certificate = Path(facts["certificate"]) if facts["certificate"] else None

    def stop() -> None:
        process.terminate()
        try:
            process.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    running._stop = stop
    return running
