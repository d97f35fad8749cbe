"""The provider on real sockets: one request a connection, each on a small protocol of our own.

A ready-made HTTP server would protect its clients from most of the faults played here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from upstream.simulator.core import Simulator
from upstream.simulator.faults import Drawn
from upstream.simulator.http import BadRequest, Head, Request, read_head
from upstream.simulator.reply import Reply, error_reply
from upstream.simulator.requests_in import read_fields
from upstream.simulator.tls import TlsContexts, TlsDoor
from upstream.simulator.wire_faults import deliver, hang, reset

Route = Callable[["ProviderServer", Request], Reply]


@dataclass(slots=True)
class Held:
    """An answer that waits for a test's word; its order is already accepted and on record."""

    number: int
    connection: Connection
    reply: Reply
    link: str


@dataclass(slots=True)
class Settings:
    """What the sockets do on top of the provider's own rules."""

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
        self.waiting: list[tuple[Connection, Request]] = []
        self.connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._held_so_far = 0

    async def start(self, host: str, port: int, control_port: int | None = None) -> tuple[int, int]:
        """Listen; return the port of the provider and that of the control door (the same where none was asked for)."""
        main = await self._listen(lambda: self._door(Connection(self)), host, port)
        if control_port is None:
            self.sim.redirect_to = self._redirect_target(host, main, secure=bool(self.tls))
            return main, main
        control = await self._listen(lambda: Connection(self, control=True), host, control_port)
        self.sim.redirect_to = self._redirect_target(host, control, secure=False)
        return main, control

    @staticmethod
    def _redirect_target(host: str, port: int, *, secure: bool) -> str:
        return f"{'https' if secure else 'http'}://{host}:{port}/_sim/redirect-target"

    async def _listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> int:
        server = await asyncio.get_running_loop().create_server(factory, host, port, backlog=1024, reuse_address=True)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _door(self, connection: Connection) -> asyncio.Protocol:
        return TlsDoor(self.tls, connection) if self.tls else connection

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        self.sim.record.close()
        if self.tls:
            self.tls.forget()

    def accepted(self) -> Drawn | None:
        """Count a connection on the provider's own door and draw the fault it meets before a byte is read."""
        record = self.sim.record
        record.connections += 1
        drawn = self.sim.plan.draw_at_accept()
        if drawn:
            record.faults[drawn.label] += 1
            record.write({"event": "accept", "fault": drawn.label, "at": self.sim.now()})
        return drawn

    def take(self, connection: Connection, request: Request) -> None:
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

    def answer_call(self, connection: Connection, request: Request) -> None:
        reply = self.sim.handle(request.body, request.headers.get("content-type", ""))
        action = self.sim.record.requests[-1]["action"]
        if action == "add" and self.settings.hold_add:
            self.settings.hold_add -= 1
            link = read_fields(request.body, request.headers.get("content-type", "")).get("link", "")
            self._hold(connection, reply, link)
            return
        latency = self.settings.latency.get(action, self.settings.latency.get("", 0.0))
        if latency:
            asyncio.get_running_loop().call_later(latency, deliver, connection.transport, reply)
        else:
            deliver(connection.transport, reply)

    def _hold(self, connection: Connection, reply: Reply, link: str) -> None:
        self._held_so_far += 1
        self.held[self._held_so_far] = Held(self._held_so_far, connection, reply, link)

    def release(self, number: int | None = None) -> int:
        """Send held answers, one or all; return how many."""
        chosen = list(self.held) if number is None else [number] if number in self.held else []
        for one in chosen:
            held = self.held.pop(one)
            deliver(held.connection.transport, held.reply)
        return len(chosen)

    def resume(self) -> None:
        """Take up the requests that came in while paused, also those whose sender has given up meanwhile."""
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
            # After a handshake the request may have come before the word that the connection is made.
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
        self.server.take(self, Request(head.method, head.path, head.headers, body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self.server.connections.discard(self)
        self.left_unread()

    def left_unread(self) -> None:
        """Count a connection that ended without a request. A broken handshake may tell of its end twice."""
        if not self._done and not self.control:
            self.server.sim.record.unread += 1
        self._done = True
