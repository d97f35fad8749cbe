"""What happens while the shop sells: processes die or stand still, the broker forgets, Postgres restarts."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
import redis

from tests.battery.chaos import aimed, processes
from tests.battery.chaos.fleet import Fleet
from tests.battery.chaos.times import LEASE
from tests.battery.chaos.world import World

_MOVES_LIMIT = 120.0
_WRONG = (3_600, 86_400)


@dataclass(frozen=True)
class Plan:
    """How often what happens. ``aimed`` kills are of senders whose request was just read."""

    aimed_kills: int = 7
    child_kills: int = 10
    parent_kills: int = 3
    long_stops: int = 3
    short_stops: int = 2
    flushes: int = 2
    redis_kills: int = 1
    redis_downs: int = 1
    redis_hangs: int = 1
    postgres_restarts: int = 1
    terminations: int = 20
    wrong_clocks: int = 2


LONG = Plan(
    aimed_kills=50,
    child_kills=220,
    parent_kills=30,
    long_stops=25,
    short_stops=25,
    flushes=20,
    redis_kills=10,
    redis_downs=5,
    redis_hangs=5,
    postgres_restarts=5,
    terminations=300,
    wrong_clocks=20,
)


@dataclass
class Trouble:
    """``done`` counts what happened, ``strikes`` and ``flush_seconds`` what it led to."""

    world: World
    fleet: Fleet
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    strikes: list[aimed.Strike] = field(default_factory=list)
    flush_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311

    def deck(self, plan: Plan) -> list[Callable[[], bool]]:
        """Every incident of the plan, in an order drawn from the seed. Each tells whether it came to pass."""
        kinds: list[tuple[Callable[[], bool], int]] = [
            (self.kill_sender, plan.aimed_kills),
            (self.kill_child, plan.child_kills),
            (self.kill_parent, plan.parent_kills),
            (self.stop_long, plan.long_stops),
            (self.stop_short, plan.short_stops),
            (self.flush, plan.flushes),
            (self.kill_redis, plan.redis_kills),
            (self.wrong_clock, plan.wrong_clocks),
            (self.redis_down, plan.redis_downs),
            (self.hang_redis, plan.redis_hangs),
            (self.restart_postgres, plan.postgres_restarts),
            (self.terminate_backend, plan.terminations),
        ]
        incidents = [operation for operation, count in kinds for _ in range(count)]
        self.random.shuffle(incidents)
        return incidents

    def happen(self, incident: Callable[[], bool]) -> bool:
        name = incident.__name__
        came = incident()
        (self.done if came else self.missed)[name] += 1
        self.fleet.look()
        return came

    # Processes.

    def kill_sender(self) -> bool:
        return self._keep(aimed.kill_a_sender(self.world, self.fleet, self._provider()))

    def kill_child(self) -> bool:
        crew = self.fleet.crew()
        return bool(crew) and self.fleet.kill(self.random.choice(crew))

    def kill_parent(self) -> bool:
        return self.fleet.kill(self.fleet.parent(self.random.choice(self.fleet.worker_names)))

    def stop_long(self) -> bool:
        return self._keep(aimed.stop_a_sender(self.world, self.fleet, self._provider(), seconds=2.5 * LEASE))

    def stop_short(self) -> bool:
        return self._keep(aimed.stop_a_sender(self.world, self.fleet, self._provider(), seconds=0.2))

    def _keep(self, strike: aimed.Strike | None) -> bool:
        if strike is not None:
            self.strikes.append(strike)
        return strike is not None

    def _provider(self) -> int:
        return self.random.randrange(len(self.world.providers))

    def wrong_clock(self) -> bool:
        """A worker joins whose clock is an hour ahead; the next one's is a day ahead."""
        self.fleet.wrong_clock(_WRONG[self.done["wrong_clock"] % 2])
        return True

    # The broker.

    def flush(self) -> bool:
        """Forget every message, and measure how long it takes until something leaves again."""
        with self.world.connect() as c:
            backlog = c.execute("SELECT count(*) FROM orders_order WHERE forward_state = 'queued'").fetchone()
        assert backlog is not None
        if not backlog[0]:
            return False
        with redis.Redis.from_url(self.world.redis.url) as broker:
            broker.flushall()
        self._until_something_leaves()
        return True

    def _until_something_leaves(self) -> None:
        began = time.monotonic()
        with self.world.connect() as c:
            row = c.execute("SELECT statement_timestamp()").fetchone()
            while time.monotonic() - began < _MOVES_LIMIT:
                if c.execute("SELECT 1 FROM orders_forwardattempt WHERE claimed_at > %s LIMIT 1", row).fetchone():
                    self.flush_seconds.append(time.monotonic() - began)
                    return
                time.sleep(0.05)
        self.flush_seconds.append(_MOVES_LIMIT)

    def kill_redis(self) -> bool:
        self.world.redis.kill()
        self.world.redis.start()
        return True

    def redis_down(self) -> bool:
        self.world.redis.stop()
        time.sleep(3)
        self.world.redis.start()
        return True

    def hang_redis(self) -> bool:
        pid = self.world.redis.pid
        if pid is None:
            return False
        processes.send(pid, signal.SIGSTOP)
        time.sleep(3)
        processes.send(pid, signal.SIGCONT)
        return True

    # Postgres.

    def restart_postgres(self) -> bool:
        """SIGQUIT: every session is cut at once, and the log is read again at the start."""
        pid = self.world.postgres.pid
        assert pid is not None
        processes.send(pid, signal.SIGQUIT)
        end = time.monotonic() + 20
        while self.world.postgres.alive and time.monotonic() < end:
            time.sleep(0.05)
        self.world.postgres.start()
        return True

    def terminate_backend(self) -> bool:
        """Cut one session of the shop, whichever: a worker's own, a lane's, the web's."""
        with suppress(psycopg.Error), self.world.connect() as c:
            pids = c.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()"
            ).fetchall()
            if pids:
                c.execute("SELECT pg_terminate_backend(%s)", self.random.choice(pids))
                return True
        return False

    def as_facts(self) -> dict[str, Any]:
        return {
            "done": dict(self.done),
            "missed": dict(self.missed),
            "flush_seconds": [round(s, 2) for s in self.flush_seconds],
            "strikes": [asdict(strike) for strike in self.strikes],
        }
