"""The program of an owner who takes payments by himself, on loopback. It signs by code of its own."""

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REQUEST_KEY = "request-key-of-tests-8f2b61c0"
ANSWER_KEY = "answer-key-of-tests-51d7e9a3"


def signed(key: str, text: bytes, at: int | None = None) -> str:
    at = int(time.time()) if at is None else at
    return f"t={at},v1={hmac.new(key.encode(), b'%d.%s' % (at, text), hashlib.sha256).hexdigest()}"


def call_body(reference: str, **changed: Any) -> bytes:
    """The body of a call of the shop's webhook."""
    facts = {"type": "changed", "id": secrets.token_hex(8), "reference": reference, "mode": "live"}
    return json.dumps({**facts, **changed}).encode()


@dataclass
class FakeProgram:
    """``payments`` and ``states`` by reference. ``bend`` changes an answer before it is signed, ``sign`` signs it."""

    url: str = ""
    states: dict[str, str] = field(default_factory=dict)
    payments: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    bend: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    sign: Callable[[bytes], str] | None = None
    status: int = 200

    def reset(self) -> None:
        for kept in (self.states, self.payments, self.asked):
            kept.clear()
        self.bend = self.sign = None
        self.status = 200

    def pay(self, reference: str, amount: Decimal, currency: str) -> None:
        payments = self.payments.setdefault(reference, [])
        payments.append(
            {"id": f"{reference}-{len(payments)}", "amount": f"{amount.normalize():f}", "currency": currency}
        )
        self.states[reference] = "paid"

    def answer(self, header: str, body: bytes) -> tuple[int, bytes, str]:
        found = re.fullmatch(r"t=(\d+),v1=[0-9a-f]{64}", header)
        if found is None or signed(REQUEST_KEY, body, int(found[1])) != header:
            return 403, b"", ""
        asked = json.loads(body)
        self.asked.append(asked)
        reference = asked["reference"]
        said = {
            **asked,
            "state": self.states.get(reference, "pending"),
            "payments": self.payments.get(reference, []),
        }
        sent = json.dumps(self.bend(said) if self.bend else said).encode()
        return self.status, sent, (self.sign or (lambda text: signed(ANSWER_KEY, text)))(sent)


@cache
def running_program() -> FakeProgram:
    """The fake of this process; its thread ends with it."""
    fake = FakeProgram()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, sent, signature = fake.answer(self.headers.get("X-Signature", ""), body)
            self.send_response(status)
            self.send_header("X-Signature", signature)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return fake
