"""The provider at the end of the wire, without sockets: real requests in, the bytes of real answers out.

Only the opening of a socket is replaced; everything above it, from the permit to the reading of a broken answer, is the
shop's own. What waits on a real wire moves the shop's time on here instead.
"""

import io
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.battery.shop_time import ShopTime
from upstream import client, connection
from upstream.connection import Journal
from upstream.simulator import Simulator
from upstream.simulator.http import read_head, render, render_head
from upstream.simulator.reply import Reply
from upstream.stops import WireStop

#: Faults of the way to a provider: nobody is reached, and nothing is placed.
UNREACHABLE = {
    "refused": "refused",
    "dns_fail": "dns",
    "dns_slow": "dns_timeout",
    "connect_timeout": "connect_timeout",
}
_DRIP = b"".join(b"X-Drip: x\r\n" for _ in range(20))
_END, _RESET, _CUT = "end", "reset", "cut"


class Account:
    """One of our accounts: a provider of its own, reached by the port in its address."""

    def __init__(self, port: int, provider: Simulator) -> None:
        self.port = port
        self.provider = provider
        self.unreachable: deque[str] = deque()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v2"


class Wire:
    """``reached`` is called at each boundary of a send, by name; what it raises ends the sender there.

    ``answered`` hears of each answer that came whole: the account's port, the fields of the request, the body.
    """

    def __init__(self, time: ShopTime, reached: Callable[[str], None]) -> None:
        self.time = time
        self.reached = reached
        self.accounts: dict[int, Account] = {}
        self.faults: Counter[str] = Counter()
        self.action = ""
        self.under_way: list[Journal] = []
        time.moved = self._moved
        self.answered: Callable[[int, dict[str, str], bytes], None] = lambda port, fields, body: None
        self.returned: Callable[[str, dict[str, str]], None] = lambda action, fields: None

    @contextmanager
    def installed(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(connection, "open_socket", self.open_socket)
            patch.setattr(client, "exchange", self._exchange(client.exchange))
            yield

    def _exchange(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def exchange(call: Any, permit: Any = None) -> Any:
            before, self.action = self.action, call.action
            depth = len(self.under_way)
            try:
                record, cause = real(call, permit)
            finally:
                self.action = before
                del self.under_way[depth:]
            if call.action in ("add", "refill"):
                self.reached("answered")
            self.returned(call.action, dict(record.request_fields))
            return record, cause

        return exchange

    def _moved(self, seconds: float) -> None:
        """Time that goes by counts against every exchange under way, also of a process that is stopped."""
        for journal in self.under_way:
            journal.deadline.started -= seconds
            journal.deadline.fired |= journal.deadline.remaining() <= 0

    def open_socket(self, host: str, port: int, journal: Journal) -> "_Line":
        account = self.accounts[port]
        journal.peer = f"{host} {port}"
        if account.unreachable and self.action == "add":
            fault = account.unreachable.popleft()
            self.faults[fault] += 1
            if fault in ("dns_slow", "connect_timeout"):
                self.time.advance(5)
            raise WireStop(UNREACHABLE[fault], fault)
        self.under_way.append(journal)
        if self.action in ("add", "refill"):
            self.reached("connected")
        return _Line(self, account, journal)


class _Line:
    """What the shop takes for a socket: it hears the whole request, then answers as the fault will have it."""

    def __init__(self, wire: Wire, account: Account, journal: Journal) -> None:
        self.wire, self.account, self.journal = wire, account, journal
        self.heard = bytearray()
        self.body, self.ending = b"", _END
        self.early = account.provider.plan.draw_at_accept() if wire.action == "add" else None
        if self.early:
            account.provider.record.faults[self.early.label] += 1

    def sendall(self, data: bytes) -> None:
        is_first = not self.heard
        self.heard += data
        if is_first and self.wire.action in ("add", "refill"):
            self.wire.reached("first_byte")
        head = read_head(self.heard)
        if head is None or len(self.heard) < head.starts + head.length:
            return
        if self.early:
            self.ending = {"rst_on_accept": _RESET, "close_on_accept": _END}.get(self.early.name, _CUT)
        else:
            request = bytes(self.heard[head.starts : head.starts + head.length])
            self._play(self.account.provider.handle(request, head.headers.get("content-type", "")))
            self.wire.answered(self.account.port, *_told(request, self))
        if self.wire.action in ("add", "refill"):
            self.wire.reached("last_byte")

    def _play(self, reply: Reply) -> None:
        whole = render(reply)
        ways: dict[str, tuple[bytes, str]] = {
            "whole": (whole, _END),
            "hang": (b"", _CUT),
            "close": (b"", _END),
            "rst": (b"", _RESET),
            "half_status": (b"HTTP/1.1 2", _END),
            "reset_mid_body": (render_head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2], _RESET),
            "short_body": (render(reply, length=len(reply.body) + 100), _END),
            "drip_headers": (f"HTTP/1.1 {reply.status} OK\r\n".encode() + _DRIP, _CUT),
            "drip_body": (render_head(reply, None) + reply.body + b"  ", _CUT),
            "continue_forever": (b"HTTP/1.1 100 Continue\r\n\r\n" * 40, _CUT),
        }
        self.body, self.ending = ways[reply.delivery]

    def makefile(self, *_args: Any, **_more: Any) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self))

    def end(self) -> None:
        """What comes when the last byte was read."""
        if self.ending == _RESET:
            raise ConnectionResetError(104, "Connection reset by peer")
        if self.ending == _CUT and not self.journal.deadline.fired:
            self.wire.time.advance(self.journal.deadline.limit)

    # The rest of a socket, as far as anybody asks for it.

    def dup(self) -> "_Line":
        return self

    def settimeout(self, _seconds: float | None) -> None: ...

    def shutdown(self, _how: int) -> None: ...

    def close(self) -> None: ...


class _Answer(io.RawIOBase):
    def __init__(self, line: _Line) -> None:
        self.line = line
        self.rest = memoryview(line.body)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.rest:
            self.line.end()
            return 0
        piece = self.rest[: len(buffer)]
        buffer[: len(piece)] = piece
        self.rest = self.rest[len(piece) :]
        return len(piece)


def _told(request: bytes, line: _Line) -> tuple[dict[str, str], bytes]:
    fields = dict(parse_qsl(request.decode(), keep_blank_values=True))
    body = line.body.partition(b"\r\n\r\n")[2] if line.ending == _END else b""
    return fields, body
