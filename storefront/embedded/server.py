"""One server process: started beside a log file, ready or failed within a limit, stopped for certain."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.owner import Owner


class Server:
    """A child in a session of its own, so that a Ctrl-C at the terminal reaches us and not it."""

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
        """Start and wait until `ready` says so. Raises EmbeddedError with the log's last lines."""
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
                raise EmbeddedError(f"{self.name} did not start. The end of {self.log}:\n{self._last_words()}")
            time.sleep(0.02)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self, limit: float = 10.0) -> None:
        """Ask it to end; kill it when it does not within `limit` seconds."""
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
        """End it as a power cut would; the data folder stays as it was in that moment."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"  {line}" for line in lines)
