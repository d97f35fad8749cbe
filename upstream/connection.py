"""Connection classes that count every hand-over to the socket: the proof that nothing was sent.

urllib3 hands each byte of a request to the socket through `send`. As long as `send` was never entered, no byte has
reached the kernel; the class of a later exception proves nothing either way.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from upstream.addresses import address_is_public
from upstream.deadline import Deadline
from upstream.resolving import resolve
from upstream.stops import WireStop


@dataclass
class Journal:
    """What one exchange has done so far. Belongs to exactly one connection."""

    deadline: Deadline
    connect_timeout: float
    allow_private: bool
    permit: Callable[[], None] | None = None
    connects: int = 0
    permitted: bool = False
    permit_error: Exception | None = None
    send_calls: int = 0
    bytes_sent: int = 0
    sent_at: float | None = None
    peer: str = ""

    def before_bytes(self) -> None:
        """Called with the connection open, before each hand-over: ask for the permit once, check the clock, count."""
        if not self.permitted:
            self._ask_permit()
        if self.deadline.fired or self.deadline.remaining() <= 0:
            raise WireStop("deadline", "the time was up before the request could be sent")
        if self.sent_at is None:
            self.sent_at = self.deadline.elapsed()
        self.send_calls += 1

    def _ask_permit(self) -> None:
        try:
            if self.permit is not None:
                self.permit()
        except Exception as problem:
            # Any failure of the permit, whatever its class, means that no byte may leave.
            self.permit_error = problem
            raise WireStop("permit", type(problem).__name__) from problem
        self.permitted = True


class _Journalled:
    """Mixin over urllib3's connections; the adapter passes the `journal`."""

    sock: Any

    def __init__(self, *args: Any, journal: Journal, **kwargs: Any) -> None:
        self.journal = journal
        super().__init__(*args, **kwargs)

    def connect(self) -> None:
        if self.journal.connects:
            # http.client reopens a closed connection by itself and would send the body without its headers.
            raise WireStop("second_connection", "a second connection was refused")
        self.journal.connects += 1
        super().connect()  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        sock = open_socket(self._dns_host, self.port, self.journal)  # type: ignore[attr-defined]
        self.journal.deadline.attach(sock)
        return sock

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.journal.before_bytes()
        super().send(data)  # type: ignore[misc]
        self.journal.bytes_sent += len(data)


class PlainConnection(_Journalled, HTTPConnection):
    pass


class TLSConnection(_Journalled, HTTPSConnection):
    pass


def open_socket(host: str, port: int, journal: Journal) -> socket.socket:
    """Return a socket connected to a checked address of the host; raise WireStop if there is none.

    The caller keeps the name for SNI and the certificate.
    """
    budget = min(journal.connect_timeout, journal.deadline.remaining())
    until = journal.deadline.elapsed() + budget
    addresses = resolve(host.strip("[]"), port, budget)
    if not journal.allow_private and not all(address_is_public(str(address[0])) for _family, address in addresses):
        # One private address among public ones is refused as well: the answer may be an attack on our network.
        raise WireStop("private_address", "the host has a private or local address")
    failure = WireStop("connect_timeout", "connecting took too long")
    for family, address in addresses:
        left = until - journal.deadline.elapsed()
        if left <= 0:
            break
        try:
            sock = _connect(family, address, left)
        except WireStop as stop:
            failure = stop
            continue
        journal.peer = f"{address[0]} {address[1]}"
        return sock
    raise failure


def _connect(family: int, address: tuple[Any, ...], limit: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(limit)
        sock.connect(address)
    except TimeoutError as problem:
        sock.close()
        raise WireStop("connect_timeout", "connecting took too long") from problem
    except ConnectionRefusedError as problem:
        sock.close()
        raise WireStop("refused", "the connection was refused") from problem
    except OSError as problem:
        sock.close()
        raise WireStop("connect", f"no connection: {problem}") from problem
    return sock
