"""The hard end of an exchange, measured on the wall and not by the silence between two packets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock() -> float:
    """Seconds on a clock that also runs while the machine is suspended, where the system has one."""
    return time.clock_gettime(_CLOCK)


class Deadline:
    """Shuts the connection down when the limit is reached, from a thread of its own.

    The shutdown goes through a duplicate of the socket: during a TLS handshake no other object reaches it, and
    closing the connection object instead would make http.client open a second connection for the body.
    """

    def __init__(self, limit: float) -> None:
        self.started = clock()
        self.limit = limit
        self.fired = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._duplicate: socket.socket | None = None

    def start(self) -> None:
        """Count from now. What came before, such as building a long body, is none of the peer's time."""
        self.started = clock()
        threading.Thread(target=self._watch, daemon=True).start()

    def elapsed(self) -> float:
        return clock() - self.started

    def remaining(self) -> float:
        return self.limit - self.elapsed()

    def attach(self, sock: socket.socket) -> None:
        """Watch over this socket; if the limit was reached meanwhile, it is shut down at once."""
        with self._lock:
            self._duplicate = sock.dup()
            if self.fired:
                self._shut_down()

    def finish(self) -> bool:
        """Stop watching. Returns whether the limit had been reached."""
        self._over.set()
        with self._lock:
            if self._duplicate is not None:
                self._duplicate.close()
                self._duplicate = None
            return self.fired

    def _watch(self) -> None:
        while not self._over.wait(max(self.remaining(), 0.0)):
            if self.remaining() > 0:
                continue
            with self._lock:
                if not self._over.is_set():
                    self.fired = True
                    self._shut_down()
            return

    def _shut_down(self) -> None:
        if self._duplicate is not None:
            # The peer may have closed already; then there is nothing left to cut.
            with contextlib.suppress(OSError):
                self._duplicate.shutdown(socket.SHUT_RDWR)
