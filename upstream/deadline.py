"""The hard end of an exchange: a limit on its whole time, not on the silence between two packets."""

from __future__ import annotations

import contextlib
import heapq
import os
import socket
import threading
import time
from itertools import count

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock() -> float:
    """Return seconds of a clock that also runs while the machine is suspended, where the system has one."""
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
        self.over = False
        self._lock = threading.Lock()
        self._duplicate: socket.socket | None = None

    def start(self) -> None:
        """Count from now. What came before, such as building a long body, does not count."""
        self.started = clock()
        _watch.add(self)

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

    def finish(self, *, whole: bool) -> bool:
        """Stop watching; return True if the limit was reached before the answer was whole.

        On a busy machine the socket's own timeout may come before the watching thread gets its turn.
        """
        with self._lock:
            self.over = True
            if self._duplicate is not None:
                self._duplicate.close()
                self._duplicate = None
            return self.fired or (not whole and self.remaining() <= 0)

    def reach(self) -> None:
        """The limit is reached: cut what is not finished."""
        with self._lock:
            if not self.over:
                self.fired = True
                self._shut_down()

    def _shut_down(self) -> None:
        if self._duplicate is not None:
            # The peer may have closed already; then there is nothing left to cut.
            with contextlib.suppress(OSError):
                self._duplicate.shutdown(socket.SHUT_RDWR)


class _Watch:
    """One thread for the limits of all exchanges of a process; a thread for each would cost more than its exchange.

    Only an exchange whose limit comes before all others wakes it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Deadline]] = []
        self._tie = count()
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            heapq.heappush(self._due, (deadline.started + deadline.limit, next(self._tie), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while (pause := self._pause()) is None or pause > 0:
                    self._changed.wait(pause)
                _at, _tie, deadline = heapq.heappop(self._due)
            deadline.reach()

    def _pause(self) -> float | None:
        """Return the seconds until the next limit of an exchange that is not over, None if there is none."""
        while self._due and self._due[0][2].over:
            heapq.heappop(self._due)
        return self._due[0][0] - clock() if self._due else None


_watch = _Watch()


def _start_afresh() -> None:
    """Replace the watch in a forked process: the thread stays in the parent, and the lock may be copied while held."""
    global _watch
    _watch = _Watch()


os.register_at_fork(after_in_child=_start_afresh)
