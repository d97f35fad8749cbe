"""As much HTTP/1.1 as a provider needs: one request for each connection, read from bytes, answered in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from upstream.simulator.reply import Reply

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024


class BadRequest(Exception):
    """The bytes are no request that this server takes."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    method: str
    path: str
    headers: dict[str, str]
    length: int
    starts: int


def read_head(buffer: bytes | bytearray) -> Head | None:
    """Return the head of a request once it is complete, None until then. Raise BadRequest."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise BadRequest("head too large")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise BadRequest("no request line")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY:
        raise BadRequest("a body needs a Content-Length")
    return Head(parts[0], parts[1], headers, int(length), end + 4)


def render(reply: Reply, *, length: int | None = None) -> bytes:
    """Return the answer as bytes; ``length`` announces another length than the body has."""
    return render_head(reply, len(reply.body) if length is None else length) + reply.body


def render_head(reply: Reply, length: int | None) -> bytes:
    """Return the status line and headers; with ``length`` None the end of the connection ends the body."""
    try:
        reason = HTTPStatus(reply.status).phrase
    except ValueError:
        reason = "Error"
    lines = [f"HTTP/1.1 {reply.status} {reason}"]
    if reply.status != 204:
        lines.append(f"Content-Type: {reply.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")
