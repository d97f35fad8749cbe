"""Gunicorn's threads, slower to leave: one that answered waits a moment for the connection's next request.

By itself gunicorn hands a connection from the thread to its main loop and back for each request: two changes of
thread, a pipe, and a new registration with the poller. A client that asks in a row, or a proxy that sends many clients'
requests over a few connections, pays that each time.
"""

import select
import threading
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

#: So long a request of another connection waits at most for a thread that waits, which only happens when all do.
STAY_MILLISECONDS = 20


class StayingWorker(ThreadWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock = threading.Lock()
        self._staying = 0

    def handle(self, conn: Any) -> Any:
        """Serve the connection until it pauses. What it answers the main loop is gunicorn's own: whether to keep it."""
        keep = super().handle(conn)
        while keep is True and self._asks_again(conn):
            keep = super().handle(conn)
        return keep

    def _asks_again(self, conn: Any) -> bool:
        # Whoever waits for a thread comes first, and one thread is always left for those who come next. What was read
        # ahead no longer makes the socket readable: gunicorn looks after that itself.
        if not self.alive or not self.tpool._work_queue.empty() or conn.parser.unreader.buf.getvalue():
            return False
        with self._lock:
            if self._staying >= self.cfg.threads - 1:
                return False
            self._staying += 1
        try:
            waiting = select.poll()
            waiting.register(conn.sock, select.POLLIN)
            return bool(waiting.poll(STAY_MILLISECONDS))
        finally:
            with self._lock:
                self._staying -= 1
