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
from storefront.demo.stopping import DemoProblem, StopRequested

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Process:
    """A child process in its own process group, so that Ctrl-C in the terminal only reaches the demo."""

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
        """Kill whatever is left of it and of its own children."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._log.join(timeout=2)


class Supervisor:
    """Starts processes, notices when one dies or a signal comes, and ends them all."""

    def __init__(self) -> None:
        self._running: list[Process] = []
        self._signals = 0

        def count_signal(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1

        for number in STOP_SIGNALS:
            signal.signal(number, count_signal)

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> Process:
        process = Process(name, command, env)
        self._running.append(process)
        return process

    def run(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """Run a process to its end. Raises DemoProblem when it fails."""
        process = self.start(name, command, env)
        while process.exit_code is None:
            self.check(process)
            time.sleep(0.02)
        self._running.remove(process)
        process.kill_group()
        if process.exit_code != 0:
            raise DemoProblem(f"{name} failed (exit code {process.exit_code}); see its lines above.")

    def wait_until(self, done: Callable[[], bool], what: str, limit: float) -> None:
        """Wait for `done`. Raises DemoProblem after `limit` seconds, naming `what`, or when a process dies."""
        until = time.monotonic() + limit
        while not done():
            self.check()
            if time.monotonic() > until:
                raise DemoProblem(f"{what} did not start within {limit:.0f} seconds.")
            time.sleep(0.1)

    def check(self, *but: Process) -> None:
        """Raises StopRequested after a signal, DemoProblem when a process (except those in `but`) has died."""
        if self._signals:
            raise StopRequested
        for process in self._running:
            if process not in but and process.exit_code is not None:
                raise DemoProblem(f"{process.name} ended unexpectedly (exit code {process.exit_code}).")

    def watch(self, dead_server: Callable[[], str | None]) -> None:
        """Wait until StopRequested or DemoProblem ends the demo; `dead_server` names a server that died."""
        while True:
            self.check()
            server = dead_server()
            if server:
                raise DemoProblem(f"{server} ended unexpectedly.")
            time.sleep(0.2)

    def stop(self, limit: float = 20.0) -> None:
        """Stop all, last started first, each within `limit` seconds; a second Ctrl-C kills them at once."""
        signals_before = self._signals
        for process in reversed(self._running):
            process.signal(signal.SIGTERM)
            until = time.monotonic() + limit
            while process.exit_code is None and time.monotonic() < until and self._signals <= max(signals_before, 1):
                time.sleep(0.02)
            if process.exit_code is None:
                say("demo", f"{process.name} does not stop and is killed")
            process.kill_group()
        self._running.clear()
