"""Name resolution with a time limit: the system's resolver cannot be interrupted, so it runs in a thread of its own."""

from __future__ import annotations

import queue
import socket
import threading
from ipaddress import ip_address
from typing import Any

from upstream.stops import WireStop

SocketAddress = tuple[int, tuple[Any, ...]]

# A resolver that hangs must not let threads pile up without end.
_SLOTS = threading.BoundedSemaphore(64)


def resolve(host: str, port: int, limit: float) -> list[SocketAddress]:
    """Return (family, socket address) pairs for a host, in the resolver's order.

    Raises WireStop `dns` if the name has no address, `dns_timeout` after `limit` seconds.
    """
    try:
        ip_address(host.split("%")[0])
    except ValueError:
        pass  # A name. An address needs no resolver, so it needs no thread.
    else:
        return _lookup(host, port)
    if limit <= 0 or not _SLOTS.acquire(timeout=limit):
        raise WireStop("dns_timeout", "the name was not resolved in time")
    answers: queue.SimpleQueue[list[SocketAddress] | WireStop] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_lookup(host, port))
        except WireStop as stop:
            answers.put(stop)
        finally:
            _SLOTS.release()

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=limit)
    except queue.Empty:
        raise WireStop("dns_timeout", "the name was not resolved in time") from None
    if isinstance(answer, WireStop):
        raise answer
    return answer


def _lookup(host: str, port: int) -> list[SocketAddress]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise WireStop("dns", f"the name has no address: {problem}") from problem
    pairs: list[SocketAddress] = []
    for family, _kind, _protocol, _name, address in found:
        if family in (socket.AF_INET, socket.AF_INET6) and (family, address) not in pairs:
            pairs.append((family, address))
    if not pairs:
        raise WireStop("dns", "the name has no address")
    return pairs
