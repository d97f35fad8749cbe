"""The demo's processes: started in order, watched, and ended in order with everything they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType

from storefront.demo.log import follow, say
from storefront.demo.plan import CLONE
from storefront.demo.problems import DemoProblem, Stopped

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Process:
    """A child with a process group of its own: a Ctrl-C at the terminal reaches the demo alone."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        self.name = name
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "storefront.demo.child", str(os.getpid()), *command],
            cwd=CLONE,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._log = follow(name, self._popen.stdout)

    @property
    def pid(self) -> int:
        """Also the number of the process group it leads."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._popen.poll()

    def signal(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            self._popen.send_signal(number)

    def kill_group(self) -> None:
        """End whatever is left of it and of its own children."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._log.join(timeout=2)


class Supervisor:
    """Starts processes, notices when one dies or somebody wants to stop, and ends them all."""

    def __init__(self) -> None:
        self._running: list[Process] = []
        self._asked = 0
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> Process:
        process = Process(name, command, env)
        self._running.append(process)
        return process

    def run(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """Run to its end. Raises DemoProblem when it fails."""
        process = self.start(name, command, env)
        while process.exit_code is None:
            self.check(process)
            time.sleep(0.02)
        self._running.remove(process)
        process.kill_group()
        if process.exit_code != 0:
            raise DemoProblem(f"{name} failed (exit code {process.exit_code}); its own lines above say why.")

    def wait_until(self, done: Callable[[], bool], what: str, limit: float) -> None:
        """Raises DemoProblem when `what` has not happened after `limit` seconds, or a process died meanwhile."""
        until = time.monotonic() + limit
        while not done():
            self.check()
            if time.monotonic() > until:
                raise DemoProblem(f"{what} is still not there after {limit:.0f} seconds.")
            time.sleep(0.1)

    def check(self, *but: Process) -> None:
        """Raises Stopped when somebody asked for it, DemoProblem when a process died on its own."""
        if self._asked:
            raise Stopped
        for process in self._running:
            if process not in but and process.exit_code is not None:
                raise DemoProblem(f"{process.name} ended unexpectedly (exit code {process.exit_code}).")

    def watch(self, fallen: Callable[[], str | None]) -> None:
        """Wait until Stopped or DemoProblem ends the demo; `fallen` names a server that died."""
        while True:
            self.check()
            server = fallen()
            if server:
                raise DemoProblem(f"{server} ended unexpectedly.")
            time.sleep(0.2)

    def stop(self, limit: float = 20.0) -> None:
        """End all, the last started first, each within `limit` seconds; a second Ctrl-C kills at once."""
        asked_before = self._asked
        for process in reversed(self._running):
            process.signal(signal.SIGTERM)
            until = time.monotonic() + limit
            while process.exit_code is None and time.monotonic() < until and self._asked <= max(asked_before, 1):
                time.sleep(0.02)
            if process.exit_code is None:
                say("demo", f"{process.name} does not stop and is killed")
            process.kill_group()
        self._running.clear()
