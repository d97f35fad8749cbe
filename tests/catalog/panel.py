"""A provider's panel that answers each action with the bytes a test gives it, over real HTTP on loopback."""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

KEY = "a-secret-key-0123456789"


@dataclass
class Answer:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Panel:
    """``says`` sets an answer; ``asked`` counts requests by action. ``before_answer`` runs while a request waits."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.before_answer: Any = None
        self.url = ""
        self.says("balance", {"balance": "100.84292", "currency": "USD"})

    def says(self, action: str, value: Any, **how: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers[action] = Answer(body, **how)

    def lists(self, rows: Iterable[dict[str, Any]]) -> None:
        self.says("services", list(rows))

    def answer(self, action: str) -> Answer:
        self.asked[action] += 1
        if self.before_answer:
            self.before_answer(action)
        return self.answers.get(action, Answer(b'{"error": "Incorrect request"}'))


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A service as the documented example lists it."""
    usual = {
        "service": number,
        "name": f"Followers {number}",
        "type": "Default",
        "category": "Instagram Followers",
        "rate": "0.90",
        "min": "50",
        "max": "10000",
        "refill": True,
        "cancel": True,
    }
    return usual | changes


@contextmanager
def running_panel() -> Iterator[Panel]:
    panel = Panel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            fields = parse_qs(self.rfile.read(length).decode())
            answer = panel.answer(fields.get("action", [""])[0])
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    panel.url = f"http://127.0.0.1:{server.server_port}/api/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield panel
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
