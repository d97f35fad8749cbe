"""Delivering a reply on a connection: whole, or broken in one of the ways a network and a panel break it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import chain, repeat

from upstream.simulator.http import render, render_head
from upstream.simulator.reply import Delivery, Reply

DRIP_SECONDS = 0.05


def deliver(transport: asyncio.Transport, reply: Reply) -> None:
    """Deliver the reply in its way; everything that waits ends by itself after ``reply.seconds``."""
    if not transport.is_closing():
        _WAYS[reply.delivery](transport, reply)


def reset(transport: asyncio.Transport) -> None:
    """Close so that the peer sees a reset: with a linger of zero the kernel sends RST instead of FIN."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def hang(transport: asyncio.Transport, seconds: float) -> None:
    """Keep the connection open in silence."""
    asyncio.get_running_loop().call_later(seconds, transport.abort)


def drip(transport: asyncio.Transport, pieces: Iterator[bytes], seconds: float) -> None:
    """Write one piece at a time until the peer leaves or the time is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    def step() -> None:
        if transport.is_closing():
            return
        piece = next(pieces, None)
        if piece is None or loop.time() > end:
            transport.close()
            return
        transport.write(piece)
        loop.call_later(DRIP_SECONDS, step)

    step()


def _write_and_close(transport: asyncio.Transport, data: bytes) -> None:
    transport.write(data)
    transport.close()


def _reset_mid_body(transport: asyncio.Transport, reply: Reply) -> None:
    """Half the body, then a reset; the pause lets the half arrive, since a reset discards what is still on its way."""
    transport.write(render_head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
    asyncio.get_running_loop().call_later(DRIP_SECONDS, reset, transport)


def _drip_headers(transport: asyncio.Transport, reply: Reply) -> None:
    transport.write(f"HTTP/1.1 {reply.status} OK\r\n".encode())
    drip(transport, chain([b"X"], repeat(b"-Drip: x\r\nX")), reply.seconds)


def _drip_body(transport: asyncio.Transport, reply: Reply) -> None:
    """Announce no length: a client that is cut off after the closing brace has a body that looks complete."""
    transport.write(render_head(reply, None))
    letters = (reply.body[index : index + 1] for index in range(len(reply.body)))
    drip(transport, chain(letters, repeat(b" ")), reply.seconds)


_WAYS: dict[Delivery, Callable[[asyncio.Transport, Reply], None]] = {
    "whole": lambda transport, reply: _write_and_close(transport, render(reply)),
    "hang": lambda transport, reply: hang(transport, reply.seconds),
    "close": lambda transport, reply: transport.close(),
    "rst": lambda transport, reply: reset(transport),
    "half_status": lambda transport, reply: _write_and_close(transport, b"HTTP/1.1 2"),
    "reset_mid_body": _reset_mid_body,
    "short_body": lambda transport, reply: _write_and_close(transport, render(reply, length=len(reply.body) + 100)),
    "drip_headers": _drip_headers,
    "drip_body": _drip_body,
    "continue_forever": lambda transport, reply: drip(
        transport, repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), reply.seconds
    ),
}
