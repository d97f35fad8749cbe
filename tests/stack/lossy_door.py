"""A door before a provider that hands every request on, and loses some of the answers on the way back."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class LossyDoor:
    """``lost`` counts the answers that were thrown away. ``loses`` decides by action and by the number of the call."""

    def __init__(self, url: str, loses: Callable[[str, int], bool]) -> None:
        self._behind = urlsplit(url)
        self._loses = loses
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self.lost = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}{self._behind.path}"

    def forward(self, body: bytes, kind: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._behind.netloc, timeout=30)
        try:
            connection.request("POST", self._behind.path, body, {"Content-Type": kind, "Host": self._behind.netloc})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_lost(self, body: bytes) -> bool:
        action = parse_qs(body.decode()).get("action", [""])[0]
        with self._lock:
            number = self._calls[action] = self._calls.get(action, 0) + 1
            lost = self._loses(action, number)
            self.lost += lost
        return lost

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, said = door.forward(body, self.headers["Content-Type"])
                self.close_connection = True
                if door.is_lost(body):
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                """A test's output is no place for it."""

        return Handler


@contextmanager
def lossy_door(url: str, loses: Callable[[str, int], bool]) -> Iterator[LossyDoor]:
    door = LossyDoor(url, loses)
    thread = threading.Thread(target=door.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield door
    finally:
        door.server.shutdown()
        thread.join()
        door.server.server_close()
