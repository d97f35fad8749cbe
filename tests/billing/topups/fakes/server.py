"""A gateway's server on a real socket: it keeps what it was asked, and a test decides what it answers."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One call as it came in."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class FakeServer:
    """Answers on a port of its own until the process ends. A subclass says what it knows in :meth:`answer`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        #: Answers that come before all others, once each: a status and a body.
        self.queued: list[tuple[int, bytes]] = []
        self.lock = threading.Lock()
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, request: Request) -> tuple[int, Any]:
        """Return a status and what to say: a JSON value, or bytes."""
        return 404, {"message": "no such address"}

    def _reply(self, request: Request) -> tuple[int, bytes]:
        with self.lock:
            self.requests.append(request)
            if self.queued:
                return self.queued.pop(0)
            status, said = self.answer(request)
        return status, said if isinstance(said, bytes) else json.dumps(said).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                path, _question, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, said = fake._reply(Request(self.command, path, query, headers, body))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if 300 <= status < 400:
                    self.send_header("Location", fake.url)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
