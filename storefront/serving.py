"""A gunicorn worker whose threads wait a limited time for a request, and stay with a connection for a moment.

By itself gunicorn waits for the rest of a request for as long as the client likes, and a thread that waits serves
nobody else.

By itself gunicorn hands a connection from the thread to its main loop and back for each request: two changes of
thread, a pipe, and a new registration with the poller. A client that sends many requests in a row, or a proxy that
sends many clients' requests over a few connections, pays for that each time. Measured by itself in turn with gunicorn's
own worker (`make bench ARGS="--only buy"`): 0.208 of pgbench in orders through the API with it, 0.192 without.
"""

import select
import threading
from math import ceil
from time import monotonic
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import ThreadWorker

#: A whole request, its head and its body, has to arrive in this time.
RECEIVE_SECONDS = 10.0
#: Seconds by which the announced time is shorter, so that a request sent at its end still arrives.
EARLY_SECONDS = 5
#: The longest that a request of another connection can be delayed, and only while all threads wait like this.
STAY_MILLISECONDS = 20


class TimedUnreader(SocketUnreader):
    """Reads from a socket until ``deadline`` on the monotonic clock."""

    def __init__(self, sock: Any, parser: RequestParser) -> None:
        super().__init__(sock)
        self.deadline = 0.0
        self._parser = parser

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what the client sends next. Raises NoMoreData, an OSError, when its time is over."""
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        if not waiting.poll(max(0, ceil((self.deadline - monotonic()) * 1000))):
            if self._parser.mesg:  # the head has arrived: announce that the connection closes after the answer
                self._parser.mesg.force_close()
            raise NoMoreData
        data: bytes = super().chunk(size_hint)
        return data


class AnnouncingResponse(wsgi.Response):
    """Says for how many seconds an idle connection stays open, which clients such as Node's obey.

    Only the server can: gunicorn drops this header of an application, as PEP 3333 asks.
    """

    def default_headers(self) -> list[str]:
        """Return gunicorn's own headers, with Keep-Alive where the connection stays."""
        headers: list[str] = super().default_headers()
        if not self.upgrade and not self.should_close():
            headers.append(f"Keep-Alive: timeout={max(1, self.cfg.keepalive - EARLY_SECONDS)}\r\n")
        return headers


class StayingWorker(ThreadWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # `gunicorn.http.wsgi.create` makes its responses of this class.
        wsgi.Response = AnnouncingResponse
        self._lock = threading.Lock()
        self._staying = 0

    def handle(self, conn: Any) -> Any:
        """Serve the connection until it pauses; return gunicorn's own answer, which is whether to keep it open."""
        keep = self._handle_one(conn)
        while keep is True and self._asks_again(conn):
            keep = self._handle_one(conn)
        return keep

    def _handle_one(self, conn: Any) -> Any:
        if conn.parser is None and not self.cfg.is_ssl:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = TimedUnreader(conn.sock, conn.parser)
        if isinstance(unreader := getattr(conn.parser, "unreader", None), TimedUnreader):
            unreader.deadline = monotonic() + RECEIVE_SECONDS
        return super().handle(conn)

    def _asks_again(self, conn: Any) -> bool:
        # Connections that wait for a thread come first, and one thread always stays free for new ones. Data that was
        # read ahead no longer makes the socket readable; gunicorn handles that itself.
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
