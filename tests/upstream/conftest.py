"""Clients and peers on loopback; no database and no settings are needed here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.upstream.peers import Behaviour, Peer, certificate, peer
from upstream.client import ProviderClient

KEY = "0123456789abcdef0123456789abcdef"
ORDER = {"service": "1", "link": "https://example.com/p/1?a=b&c=d", "quantity": "1000"}
DEADLINE = 0.5

MakePeer = Callable[[Behaviour], Peer]
MakeClient = Callable[..., ProviderClient]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(scheme: str, tls: tuple[ssl.SSLContext, Path]) -> Iterator[MakePeer]:
    """Starts peers that speak the test's scheme; stops them at its end."""
    with ExitStack() as stack:
        yield lambda behaviour: stack.enter_context(peer(behaviour, tls[0] if scheme == "https" else None))


@pytest.fixture
def client(tls: tuple[ssl.SSLContext, Path]) -> MakeClient:
    """Makes clients of a peer or URL, with short limits and allowed on loopback unless the test says otherwise."""

    def make(target: Peer | str, **settings: Any) -> ProviderClient:
        chosen: dict[str, Any] = {
            "allow_private": True,
            "deadline": DEADLINE,
            "connect_timeout": DEADLINE,
            "verify": str(tls[1]),
        }
        url = target if isinstance(target, str) else target.url
        return ProviderClient(url, KEY, **{**chosen, **settings})

    return make
