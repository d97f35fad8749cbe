"""The provider on real sockets: one request a connection, each on a small protocol of our own.

A ready-made HTTP server would protect its clients from most of the faults played here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, cast

from upstream.simulator.certificates import TlsContexts
from upstream.simulator.core import Simulator
from upstream.simulator.faults import Drawn
from upstream.simulator.http import BadRequest, Head, ReceivedRequest, read_head
from upstream.simulator.reply import Reply, error_reply
from upstream.simulator.request_fields import read_fields
from upstream.simulator.wire_faults import deliver, drip, hang, reset

Route = Callable[["ProviderServer", ReceivedRequest], Reply]


@dataclass(slots=True)
class Held:
    """An answer that waits until a test releases it; its order is already accepted and on record."""

    number: int
    connection: Connection
    reply: Reply
    link: str


@dataclass(slots=True)
class Settings:
    """What the server does to requests and answers: ``latency`` in seconds by action, ``""`` standing for any."""

    latency: dict[str, float] = field(default_factory=dict)
    paused: bool = False
    hold_add: int = 0


class ProviderServer:
    """Serves one Simulator. ``route`` answers everything that is no API call: pages and the control paths."""

    def __init__(self, sim: Simulator, *, route: Route, tls: TlsContexts | None = None) -> None:
        self.sim = sim
        self.route = route
        self.tls = tls
        self.settings = Settings()
        self.held: dict[int, Held] = {}
        self.waiting: list[tuple[Connection, ReceivedRequest]] = []
        self.connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._held_so_far = 0

    async def start(self, host: str, port: int, control_port: int | None = None) -> tuple[int, int]:
        """Listen; return the provider's port and the control port, which are the same if none was asked for."""
        main = control = await self._listen(self._new_connection, host, port)
        secure = bool(self.tls)
        if control_port is not None:
            control = await self._listen(lambda: Connection(self, control=True), host, control_port)
            secure = False
        self.sim.redirect_to = f"{'https' if secure else 'http'}://{host}:{control}/_sim/redirect-target"
        return main, control

    async def _listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> int:
        server = await asyncio.get_running_loop().create_server(factory, host, port, backlog=1024, reuse_address=True)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _new_connection(self) -> asyncio.Protocol:
        connection = Connection(self)
        return TlsHandshake(self.tls, connection) if self.tls else connection

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        self.sim.record.close()
        if self.tls:
            self.tls.remove_files()

    def accepted(self) -> Drawn | None:
        """Count a connection on the provider's own port; return the fault it meets before a byte is read, if any."""
        record = self.sim.record
        record.connections += 1
        drawn = self.sim.plan.draw_at_accept()
        if drawn:
            record.faults[drawn.label] += 1
            record.write({"event": "accept", "fault": drawn.label, "at": self.sim.now()})
        return drawn

    def take(self, connection: Connection, request: ReceivedRequest) -> None:
        """Answer a request that was read to its end."""
        if request.path.split("?")[0] in ("/", "/style.css") or request.path.startswith("/_sim"):
            self.sim.record.other += not connection.control
            deliver(connection.transport, self.route(self, request))
        elif request.method != "POST":
            self.sim.record.other += 1
            deliver(connection.transport, error_reply("Incorrect request", 405))
        elif self.settings.paused:
            self.waiting.append((connection, request))
        else:
            self.answer_call(connection, request)

    def answer_call(self, connection: Connection, request: ReceivedRequest) -> None:
        """Handle an API call and deliver its answer: now, after the latency, or when a test releases it."""
        reply = self.sim.handle(request.body, request.headers.get("content-type", ""))
        action = self.sim.record.requests[-1]["action"]
        if action == "add" and self.settings.hold_add:
            self.settings.hold_add -= 1
            link = read_fields(request.body, request.headers.get("content-type", "")).get("link", "")
            self._held_so_far += 1
            self.held[self._held_so_far] = Held(self._held_so_far, connection, reply, link)
            return
        latency = self.settings.latency.get(action, self.settings.latency.get("", 0.0))
        if latency:
            asyncio.get_running_loop().call_later(latency, deliver, connection.transport, reply)
        else:
            deliver(connection.transport, reply)

    def held_rows(self) -> list[dict[str, Any]]:
        """Return the held answers as plain data; ``gone`` says that the client has left."""
        return [
            {"held": held.number, "link": held.link, "gone": held.connection.transport.is_closing()}
            for held in self.held.values()
        ]

    def release(self, number: int | None = None) -> int:
        """Send held answers, one or all; return how many."""
        chosen = list(self.held) if number is None else [number] if number in self.held else []
        for key in chosen:
            held = self.held.pop(key)
            deliver(held.connection.transport, held.reply)
        return len(chosen)

    def resume(self) -> None:
        """Answer the requests that came in while paused, also those whose sender has given up meanwhile."""
        self.settings.paused = False
        waiting, self.waiting = self.waiting, []
        for connection, request in waiting:
            self.answer_call(connection, request)


class Connection(asyncio.Protocol):
    """One connection: bytes in until a request is complete, then one answer, then the end."""

    def __init__(self, server: ProviderServer, *, control: bool = False) -> None:
        self.server = server
        self.control = control
        self.transport: asyncio.Transport
        self._buffer = bytearray()
        self._head: Head | None = None
        self._is_made = False
        self._is_lost = False
        self._done = False
        self._early: Drawn | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._is_lost:
            return
        self._is_made = True
        self.server.connections.add(self)
        if self.server.tls and not self.control:
            # After a handshake, data can arrive before connection_made is called.
            self._read()
        elif not self.control and (drawn := self.server.accepted()):
            self.meet(drawn)

    def meet(self, drawn: Drawn) -> None:
        """Meet a fault before the first byte is read."""
        self._early = drawn
        self.transport.pause_reading()
        if drawn.name == "rst_on_accept":
            reset(self.transport)
        elif drawn.name == "close_on_accept":
            self.transport.close()
        else:
            hang(self.transport, float(drawn.argument or 120))

    def data_received(self, data: bytes) -> None:
        if self._done:
            return
        self._buffer += data
        if self._is_made:
            self._read()

    def _read(self) -> None:
        try:
            self._head = self._head or read_head(self._buffer)
        except BadRequest as problem:
            self._done = True
            deliver(self.transport, error_reply(f"Incorrect request: {problem}", 400))
            return
        head = self._head
        if head is None:
            return
        if len(self._buffer) < head.starts + head.length:
            if head.headers.get("expect", "").lower() == "100-continue" and len(self._buffer) == head.starts:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self._done = True
        body = bytes(self._buffer[head.starts : head.starts + head.length])
        self._buffer.clear()
        self.server.take(self, ReceivedRequest(head.method, head.path, head.headers, body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self.server.connections.discard(self)
        self.left_unread()

    def left_unread(self) -> None:
        """Count a connection that ended without a request, once even if a broken handshake reports its end twice."""
        if not self._done and not self.control:
            self.server.sim.record.unread += 1
        self._done = True


class TlsHandshake(asyncio.Protocol):
    """Accepts a connection before it is encrypted, so that a fault can strike before or during the handshake."""

    def __init__(self, contexts: TlsContexts, connection: Connection) -> None:
        self._contexts = contexts
        self._connection = connection
        self._task: asyncio.Task[None] | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        transport.pause_reading()
        drawn = self._connection.server.accepted()
        context = self._contexts.good
        if drawn and drawn.name == "tls_bad_cert":
            context = self._contexts.wrong
        elif drawn:
            self._spoil(transport, drawn)
            return
        self._task = asyncio.get_running_loop().create_task(self._upgrade(transport, context))

    def _spoil(self, transport: asyncio.Transport, drawn: Drawn) -> None:
        if drawn.name == "tls_not_tls":
            transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks plain HTTP\r\n")
            hang(transport, 1.0)
            transport.resume_reading()
        elif drawn.name == "tls_drip":
            # A handshake record of full length announced, its content one byte at a time.
            transport.write(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
            drip(transport, repeat(b"\x00"), float(drawn.argument or 120))
        else:
            self._connection.transport = transport
            self._connection.meet(drawn)

    async def _upgrade(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            secure = await loop.start_tls(
                transport, self._connection, context, server_side=True, ssl_handshake_timeout=10
            )
        except (OSError, asyncio.CancelledError):
            # The client refused the certificate or left: for a provider that is a connection without a request.
            self._connection.left_unread()
            transport.abort()
            return
        if secure is not None:
            self._upgraded = True
            self._connection.connection_made(secure)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._upgraded and self._task is None:
            self._connection.left_unread()
