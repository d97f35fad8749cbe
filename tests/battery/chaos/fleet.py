"""Web, workers and beats of one shop. A parent that was killed is started again, as a supervisor does."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.battery.chaos import processes
from tests.battery.chaos.reporting import Report
from tests.battery.chaos.world import World
from tests.stack.running import Stack

_PATIENCE = 20.0
#: Celery gives up when a child is killed before it could say that it lives; whoever supervises it starts it again.
_LOST_A_CHILD = "Could not start worker processes"
_PLAIN = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Fleet(Stack):
    """``unexpected`` names processes that ended without being told to, ``left_over`` those that did not end."""

    #: The world has put its own into the environment.
    times: Mapping[str, str] = {}

    def __init__(self, folder: Path, redis_url: str, **env: str) -> None:
        super().__init__(folder, redis_url, **env)
        self.unexpected: list[str] = []
        self.left_over: list[str] = []
        self.killed: set[int] = set()
        self.killed_children = 0
        #: The module whose ``main`` is Celery's.
        self.celery = "celery"
        self._lock = threading.RLock()
        self._parents: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[str, ...]] = {}

    def run(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a part of the shop under a name of its own."""
        with self._lock:
            process = self.start(name, *command)
            self._parents[name], self._commands[name] = process, command
            return process

    def sail(self, *, forwarders: int = 4, others: int = 3, beats: int = 2, web: bool = True) -> None:
        """Web, a worker for sending, one for everything else, and as many beats as asked for."""
        if web:
            self.web()
            self._parents["web"] = self._running[-1][1]
        self.worker_of("forward", "forward", forwarders)
        self.worker_of("others", "default,follow", others)
        for number in range(beats):
            self.run(f"beat-{number}", self.celery, "-A", "storefront", "beat")

    def worker_of(self, name: str, queues: str, concurrency: int) -> None:
        self.run(
            name,
            self.celery,
            "-A",
            "storefront",
            "worker",
            *_PLAIN,
            "-Q",
            queues,
            f"--concurrency={concurrency}",
            "-n",
            f"{name}@%h",
        )

    def wrong_clock(self, seconds: int) -> None:
        """One more worker for everything, whose clock is ahead by so much."""
        name = f"ahead-{seconds}"
        with self._lock:
            if (before := self._parents.get(name)) is not None:
                self.killed.add(before.pid)
                processes.send(before.pid, signal.SIGKILL)
                before.wait()
            words = ("-Q", "forward,default,follow", "--concurrency=1", "-n", f"{name}@%h")
            command = ("tests.battery.chaos.skewed", "-A", "storefront", "worker", *_PLAIN, *words)
            self._parents[name] = self.start(name, *command, SKEW_SECONDS=str(seconds))

    @property
    def worker_names(self) -> list[str]:
        return [name for name in self._parents if name in ("forward", "others")]

    def crew(self) -> list[int]:
        """Every process of every worker there ever was that still lives, parents aside."""
        with self._lock:
            sessions = [(name, p.pid) for name, p, _log in self._running if name in ("forward", "others")]
        return [pid for _name, session in sessions for pid in processes.members(session) if pid != session]

    def parent(self, name: str) -> int:
        with self._lock:
            return self._parents[name].pid

    def kill(self, pid: int) -> bool:
        """SIGKILL one process; a parent is reaped and started again."""
        with self._lock:
            self.killed.add(pid)
            if not processes.send(pid, signal.SIGKILL):
                return False
            self.killed_children += pid not in [process.pid for process in self._parents.values()]
            for name, process in list(self._parents.items()):
                if process.pid == pid:
                    process.wait()
                    self.run(name, *self._commands[name])
            return True

    def look(self) -> None:
        """Note parts that ended by themselves, and start them again."""
        with self._lock:
            for name, process in list(self._parents.items()):
                if process.poll() is not None and process.pid not in self.killed:
                    self.killed.add(process.pid)
                    if _LOST_A_CHILD not in (log := self.log_of(name)[-1500:]) or not self.killed_children:
                        self.unexpected.append(f"{name} ended with {process.returncode}: {log}")
                    if name in self._commands:
                        self.run(name, *self._commands[name])

    def stop(self) -> None:
        """End everything in order; what is still there after that is a left-over, and is killed."""
        with self._lock:
            sessions = [(name, process.pid) for name, process, _log in self._running]
        for _name, session in sessions:
            for pid in processes.members(session):
                processes.send(pid, signal.SIGCONT)
        super().stop()
        end = time.monotonic() + _PATIENCE
        while (alive := self._alive(sessions)) and time.monotonic() < end:
            # Children whose parent was killed were told nothing yet.
            for _name, pid in alive:
                processes.send(pid, signal.SIGTERM)
            time.sleep(0.2)
        for name, pid in alive:
            self.left_over.append(f"{name} ({pid})")
            processes.send(pid, signal.SIGKILL)

    @staticmethod
    def _alive(sessions: list[tuple[str, int]]) -> list[tuple[str, int]]:
        return [(name, pid) for name, session in sessions for pid in processes.members(session)]


@contextmanager
def sailing(world: World, report: Report, name: str = "", **env: str) -> Iterator[Fleet]:
    """A fleet for the length of the ``with``; its logs are shown when something goes wrong."""
    folder = world.folder / name
    folder.mkdir(exist_ok=True)
    fleet = Fleet(folder, world.redis.url, **env)
    try:
        yield fleet
    except BaseException:
        fleet.show_logs()
        raise
    finally:
        fleet.stop()
        report.processes(fleet.unexpected, fleet.left_over)
