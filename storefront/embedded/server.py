"""One server process with a log file: it is ready or has failed within a time limit, and it always stops."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.owner import Owner


class Server:
    """A child process in its own session, so that Ctrl-C in the terminal reaches us and not the server."""

    def __init__(self, name: str, log: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        owner: Owner,
        ready: Callable[[], bool],
        limit: float = 30.0,
    ) -> None:
        """Start, and wait until `ready()`. Raises EmbeddedError after `limit` seconds, with the end of the log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=owner.user,
                group=owner.group,
                extra_groups=owner.extra_groups,
            )
        until = time.monotonic() + limit
        while not ready():
            if not self.alive or time.monotonic() > until:
                self.kill()
                last_lines = "\n".join(f"  {line}" for line in self.log.read_text(errors="replace").splitlines()[-8:])
                raise EmbeddedError(f"{self.name} did not start. The end of {self.log}:\n{last_lines}")
            time.sleep(0.02)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self, limit: float = 10.0) -> None:
        """Send the stop signal; kill the server if it does not stop within `limit` seconds."""
        if self._process is None:
            return
        if self.alive:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(limit)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill it without any clean-up, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
