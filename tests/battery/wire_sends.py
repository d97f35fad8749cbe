"""Sends through the real client to the simulated provider, each under one fault; what was said of it, what was read."""

import hashlib
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from upstream.client import ProviderClient
from upstream.errors import NotSent, ProviderFailure
from upstream.exchange import Exchange
from upstream.simulator.faults import AT_ACCEPT, FAULTS
from upstream.simulator.running import RunningSimulator

LIMIT = 0.3
TRANSPORT = ("early close", "answer lost", "size", "redirect", "http")
#: Bytes: what matters is that they pass every cap. Seconds, so that no connection outlives the test.
ARGUMENTS = {"big_body": "200000", "gzip_bomb": "33554432", "never_read": "1"}
PLAYED = [name for name, fault in FAULTS.items() if fault.group in TRANSPORT]
OF_TLS = [name for name in PLAYED if name.startswith("tls_")]
CLIENT_SIDE = ["refused", "dns_fail", "dns_slow", "connect_timeout"]
#: A lane that was lost, a clock that ran out while the permit was asked: no byte may leave either.
OF_PERMIT = ["permit_refused", "permit_slow"]


@dataclass(frozen=True)
class Send:
    """One send: ``verdict`` is a failure's class or Placed, ``digest`` that of the request's body."""

    fault: str
    link: str
    digest: str
    verdict: str
    reason: str
    exchange: Exchange


@dataclass
class Sender:
    """Sends to one provider, at most ``lanes`` at once."""

    provider: RunningSimulator
    lanes: int = 8
    limit: float = LIMIT
    sends: list[Send] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, fault: str, times: int) -> None:
        """Send so many orders, each of which meets the fault."""
        if fault in AT_ACCEPT:
            self.provider.control(script=[written(fault)] * times)
        with ExitStack() as stack:
            url = stack.enter_context(where(fault, self.provider))
            pool = stack.enter_context(ThreadPoolExecutor(self.lanes))
            self.sends += pool.map(lambda _n: self._one(fault, url), range(times))
        if fault in AT_ACCEPT:
            self.provider.control(script=[])

    def _one(self, fault: str, url: str) -> Send:
        script = f"?fault={written(fault)}" if fault in PLAYED and fault not in AT_ACCEPT else ""
        link = f"https://example.com/{fault}/{next(self._numbers)}{script}"
        fields = {"service": "1101", "link": link, "quantity": "100"}
        heard: list[Exchange] = []
        client = ProviderClient(
            url,
            self.provider.key,
            allow_private=True,
            deadline=self.limit,
            connect_timeout=self.limit,
            verify=str(self.provider.certificate or True),
            on_exchange=heard.append,
        )
        try:
            client.add(fields, permit=permit_of(fault, self.limit))
            verdict, reason = "Placed", ""
        except ProviderFailure as failure:
            verdict, reason = type(failure).__name__, failure.reason
        body = urlencode({"key": self.provider.key, "action": "add", **fields}).encode()
        return Send(fault, link, hashlib.sha256(body).hexdigest(), verdict, reason, heard[0])


def written(fault: str) -> str:
    """The fault as the provider's plan wants it."""
    return f"{fault}:{ARGUMENTS[fault]}" if fault in ARGUMENTS else fault


def permit_of(fault: str, limit: float) -> Callable[[], None] | None:
    def refuse() -> None:
        raise ConnectionResetError("the lane is gone")

    return {"permit_refused": refuse, "permit_slow": lambda: void(threading.Event().wait(limit))}.get(fault)


def void(_: object) -> None:
    return None


@contextmanager
def where(fault: str, provider: RunningSimulator) -> Iterator[str]:
    """The URL to send to; for what happens before a provider is reached, one that leads nowhere."""
    scheme = provider.base.partition(":")[0]
    if fault == "refused":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        yield f"{scheme}://127.0.0.1:{port}/api/v2"
    elif fault == "connect_timeout":
        with full_listener() as port:
            yield f"{scheme}://127.0.0.1:{port}/api/v2"
    elif fault in ("dns_fail", "dns_slow"):
        yield f"{scheme}://{fault.replace('_', '-')}.example:{provider.port}/api/v2"
    else:
        yield provider.url


@contextmanager
def full_listener() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel leaves whoever knocks without an answer."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


@contextmanager
def names_that_fail() -> Iterator[None]:
    """Names of ``dns_fail`` have no address, those of ``dns_slow`` get theirs too late."""
    honest, over = socket.getaddrinfo, threading.Event()

    def look_up(host: str, *args: Any, **more: Any) -> Any:
        if host == "dns-fail.example":
            raise socket.gaierror(-2, "Name or service not known")
        if host == "dns-slow.example":
            over.wait(30)
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return honest(host, *args, **more)

    socket.getaddrinfo = look_up  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.getaddrinfo = honest
        over.set()


class Lateness:
    """How late this machine wakes a sleeping thread at worst: what no deadline of any program can do better."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Lateness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            start = time.monotonic()
            self._over.wait(0.05)
            self.worst = max(self.worst, time.monotonic() - start - 0.05)


def read_by(provider: RunningSimulator) -> Counter[str]:
    """Digests of the requests that the provider has read to their end."""
    record = provider.record(requests=200_000)
    assert len(record["requests"]["newest"]) == record["requests"]["total"]
    return Counter(row["sha256"] for row in record["requests"]["newest"])


def not_sent(sends: Iterable[Send]) -> list[Send]:
    return [send for send in sends if send.verdict == NotSent.__name__]
