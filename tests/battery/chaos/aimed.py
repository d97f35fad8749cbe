"""Strikes aimed at the moment between a permit and its record: the provider has read the order and keeps its answer."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.battery.chaos import processes
from tests.battery.chaos.fleet import Fleet
from tests.battery.chaos.times import LEASE
from tests.battery.chaos.world import World
from upstream.simulator.running import RunningSimulator

_ATTEMPT = """
    SELECT a.id, a.outcome FROM orders_forwardattempt a JOIN orders_order o ON o.id = a.order_id
    WHERE o.link = %s ORDER BY a.id DESC LIMIT 1
"""
_HELD_LIMIT = 20.0
_SEEN_LIMIT = 90.0


@dataclass
class Strike:
    """``seen_after`` is how many seconds the attempt of a sender that was gone stayed in "sending"."""

    kind: str
    hit: int = 0
    link: str = ""
    outcome: str = ""
    seen_after: float | None = None


def kill_a_sender(world: World, fleet: Fleet, provider: int) -> Strike | None:
    """SIGKILL the process whose request the provider has just read; None when none came in time."""
    return _strike(world, provider, "kill", lambda pids: sum(fleet.kill(pid) for pid in pids), fleet)


def stop_a_sender(world: World, fleet: Fleet, provider: int, *, seconds: float) -> Strike | None:
    """SIGSTOP the process whose request was read, let the answer come in, and let it go on after ``seconds``."""
    stopped: list[int] = []

    def stop(pids: list[int]) -> int:
        stopped.extend(pid for pid in pids if processes.send(pid, signal.SIGSTOP))
        return len(stopped)

    try:
        strike = _strike(world, provider, f"stop {seconds} s", stop, fleet, watch=seconds > LEASE)
        time.sleep(seconds if strike is None else max(0.0, seconds - (strike.seen_after or 0.0)))
        return strike
    finally:
        for pid in stopped:
            processes.send(pid, signal.SIGCONT)


def _strike(
    world: World, provider: int, kind: str, hit: Callable[[list[int]], int], fleet: Fleet, *, watch: bool = True
) -> Strike | None:
    sim = world.providers[provider]
    sim.hold_next_add()
    strike = Strike(kind)
    try:
        [held, *_] = sim.wait_for_held(limit=_HELD_LIMIT)
        senders = processes.talking_to(sim.port, fleet.crew())
        strike.hit, strike.link = hit(senders), held["link"]
    except TimeoutError:
        return None
    finally:
        _let_go(sim)
    if not strike.hit:
        return None  # its deadline was faster than we were
    if watch:
        _watch(world, strike)
    return strike


def _let_go(sim: RunningSimulator) -> None:
    sim.control(hold_add=0)
    sim.release()


def _watch(world: World, strike: Strike) -> None:
    """Wait until the attempt is no longer taken for a send under way."""
    began = time.monotonic()
    while time.monotonic() - began < _SEEN_LIMIT:
        with suppress(psycopg.Error):
            row: Any
            with world.connect() as c:
                row = c.execute(_ATTEMPT, [strike.link]).fetchone()
            if row is not None and row[1] != "sending":
                strike.outcome, strike.seen_after = row[1], time.monotonic() - began
                return
        time.sleep(0.05)
