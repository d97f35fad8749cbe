"""The provider's https door, and the ways in which a handshake goes wrong."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, cast

from upstream.simulator.faults import Drawn
from upstream.simulator.wire_faults import drip, hang

if TYPE_CHECKING:
    from upstream.simulator.server import Connection


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """``certificate`` is a PEM file that a client may trust; ``wrong`` is for another name, trusted by nobody."""

    good: ssl.SSLContext
    wrong: ssl.SSLContext
    certificate: Path
    folder: Path

    def forget(self) -> None:
        """Remove the certificates' files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def own_contexts() -> TlsContexts:
    """Fresh certificates of our own. The library that makes them is slow to load, so plain http never loads it."""
    from upstream.simulator.certificates import make_contexts

    return make_contexts()


class TlsDoor(asyncio.Protocol):
    """Stands before a Connection and upgrades it, so that a fault can strike before or during the handshake."""

    def __init__(self, contexts: TlsContexts, connection: Connection) -> None:
        self._contexts = contexts
        self._connection = connection
        self._task: asyncio.Task[None] | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        transport.pause_reading()
        drawn = self._connection.server.accepted()
        if drawn and self._spoil(transport, drawn):
            return
        context = self._contexts.wrong if drawn and drawn.name == "tls_bad_cert" else self._contexts.good
        self._task = asyncio.get_running_loop().create_task(self._upgrade(transport, context))

    def _spoil(self, transport: asyncio.Transport, drawn: Drawn) -> bool:
        seconds = float(drawn.argument or 120)
        if drawn.name == "tls_not_tls":
            transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis port speaks plain HTTP\r\n")
            hang(transport, 1.0)
            transport.resume_reading()
        elif drawn.name == "tls_drip":
            # A handshake record of full length announced, its content one byte at a time.
            transport.write(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
            drip(transport, repeat(b"\x00"), seconds)
        elif drawn.name != "tls_bad_cert":
            self._connection.transport = transport
            self._connection.meet(drawn)
        else:
            return False
        return True

    async def _upgrade(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            secure = await loop.start_tls(
                transport, self._connection, context, server_side=True, ssl_handshake_timeout=10
            )
        except (OSError, asyncio.CancelledError):
            # The client did not like us, or left: what a provider sees of that is a connection without a request.
            self._connection.left_unread()
            transport.abort()
            return
        if secure is not None:
            self._upgraded = True
            self._connection.connection_made(secure)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._upgraded and self._task is None:
            self._connection.left_unread()
