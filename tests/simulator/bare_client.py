"""A client of bare sockets, so that a test sees what really comes over the wire."""

from __future__ import annotations

import json
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Seen:
    """All bytes that came, and how it ended: ``fin``, ``rst``, or ``open`` when patience ran out first."""

    data: bytes
    end: str

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> str:
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def announced(self) -> int:
        lines = [line for line in self.head.lower().split("\r\n") if line.startswith("content-length:")]
        return int(lines[0].partition(":")[2])


def request_bytes(fields: dict[str, object]) -> bytes:
    body = urlencode(fields).encode()
    head = f"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body


def exchange(
    port: int, payload: bytes, *, patience: float = 10.0, until: bytes = b"", tls: ssl.SSLContext | None = None
) -> Seen:
    """Send the payload and read until the end, until a drip has brought ``until``, or for ``patience`` seconds."""
    try:
        raw = socket.create_connection(("127.0.0.1", port), timeout=patience)
    except ConnectionResetError:
        # A reset sent on accept can be faster than the client's own return from connect.
        if tls:
            raise
        return Seen(b"", "rst")
    with raw:
        sock = tls.wrap_socket(raw, server_hostname="127.0.0.1") if tls else raw
        with suppress(BrokenPipeError, ConnectionResetError):
            # The provider may have closed already, which some faults do; reading shows how it closed.
            if payload:  # even an empty send takes a reset off the socket, and reading then shows a plain end
                sock.sendall(payload)
        return read_all(sock, patience, until)


def read_all(sock: socket.socket, patience: float, until: bytes = b"") -> Seen:
    data = bytearray()
    end = time.monotonic() + patience
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            chunk = sock.recv(1 << 20)
        except TimeoutError:
            return Seen(bytes(data), "open")
        except ConnectionResetError:
            return Seen(bytes(data), "rst")
        if not chunk:
            return Seen(bytes(data), "fin")
        data += chunk
        if until and until in data:
            break
    return Seen(bytes(data), "open")
