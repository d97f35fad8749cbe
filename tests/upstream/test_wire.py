"""The wire over real sockets: no request that the provider read is called "not sent", and deadlines are kept."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.upstream import wire_faults
from tests.upstream.conftest import DEADLINE, KEY, ORDER, MakeClient, MakePeer
from tests.upstream.peers import Peer, answer, answers_with, certificate, peer
from upstream import connection
from upstream.dialect import Dialect
from upstream.errors import InDoubt, NotSent, ProviderFailure, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.messages import AcceptedOrder

PLACED = answers_with(answer(wire_faults.PLACED))


def took(call: Callable[[], Any]) -> float:
    """Return the seconds that a failing call took."""
    start = time.monotonic()
    with pytest.raises(ProviderFailure):
        call()
    return time.monotonic() - start


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_order_is_sent_as_given(start: MakePeer, client: MakeClient) -> None:
    provider = start(PLACED)
    exchanges: list[Exchange] = []
    order = {**ORDER, "comments": "süß\r\n🚀 100%", "runs": ""}
    placed = client(provider, on_exchange=exchanges.append).add(order)
    head, _, body = provider.received[0].partition(b"\r\n\r\n")
    sent = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
    assert placed == AcceptedOrder("23501")
    assert sent == {"key": KEY, "action": "add", **{name: value for name, value in order.items() if value}}
    assert head.startswith(b"POST /api/v2 HTTP/1.1\r\n")
    assert KEY.encode() not in head
    for line in (b"Connection: close", b"Accept-Encoding: identity", b"User-Agent: permille"):
        assert line in head
    assert exchanges[0].bytes_sent == len(provider.received[0])
    assert exchanges[0].send_calls == 2
    assert exchanges[0].peer == f"127.0.0.1 {provider.port}"
    assert exchanges[0].complete
    assert (exchanges[0].sent_at or 9) < (exchanges[0].answered_at or 0) <= exchanges[0].elapsed


def test_a_json_body_if_the_dialect_asks_for_one(start: MakePeer, client: MakeClient) -> None:
    provider = start(PLACED)
    dialect = Dialect(body_encoding="json", field_names={"media": "media_url"}, request_id_field="request_id")
    client(provider, dialect=dialect).add({"service": "1", "media": "x"}, request_id="order-1042")
    assert b"Content-Type: application/json" in provider.received[0]
    body = provider.received[0].partition(b"\r\n\r\n")[2]
    assert body == (
        f'{{"key": "{KEY}", "action": "add", "service": "1", "media_url": "x", "request_id": "order-1042"}}'.encode()
    )


def test_proxies_and_netrc_of_the_environment_are_not_used(
    start: MakePeer, client: MakeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider = start(PLACED)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert client(provider).add(ORDER).order_id == "23501"
    assert b"authorization" not in provider.received[0].lower()


class TestNotSent:
    def test_connection_refused(self, scheme: str, client: MakeClient) -> None:
        with pytest.raises(NotSent) as failed:
            client(f"{scheme}://127.0.0.1:{closed_port()}/api/v2").add(ORDER)
        assert failed.value.reason == "refused"
        assert failed.value.outage

    def test_a_name_that_has_no_address(self, client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", _unknown_name)
        with pytest.raises(NotSent) as failed:
            client("https://panel.example/api/v2").add(ORDER)
        assert failed.value.reason == "dns"

    def test_a_name_that_resolves_too_slowly(
        self, scheme: str, client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        over = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: over.wait(5) and [])
        with pytest.raises(NotSent) as failed:
            client(f"{scheme}://panel.example/api/v2", deadline=5).add(ORDER)
        over.set()
        assert failed.value.reason == "dns_timeout"
        assert failed.value.exchange is not None
        assert failed.value.exchange.elapsed < DEADLINE + 0.5

    def test_private_addresses_are_refused_by_default(self, start: MakePeer, client: MakeClient) -> None:
        provider = start(PLACED)
        with pytest.raises(NotSent) as failed:
            client(provider, allow_private=False).add(ORDER)
        assert failed.value.reason == "private_address"
        assert not failed.value.outage
        assert provider.connections == 0

    def test_a_name_with_one_private_address_among_public_ones(
        self, start: MakePeer, client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = start(PLACED)
        found = [(socket.AF_INET, 1, 6, "", (ip, provider.port)) for ip in ("93.184.215.14", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
        with pytest.raises(NotSent) as failed:
            client("https://panel.example/api/v2", allow_private=False).add(ORDER)
        assert failed.value.reason == "private_address"
        assert provider.connections == 0

    def test_the_next_address_of_a_name_is_tried(
        self, start: MakePeer, client: MakeClient, scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        context, trusted = certificate(tmp_path, "panel.example")
        with peer(PLACED, context if scheme == "https" else None) as provider:
            ports = (closed_port(), provider.port)
            found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port)) for port in ports]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
            settings = {"verify": str(trusted)}
            assert client(f"{scheme}://panel.example/api/v2", **settings).add(ORDER).order_id == "23501"
            assert b"Host: panel.example" in provider.received[0]

    def test_https_to_a_peer_without_tls(self, client: MakeClient) -> None:
        def answer_in_plain_http(peer: Peer, connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with peer(answer_in_plain_http) as provider, pytest.raises(NotSent) as failed:
            client(provider.url.replace("http:", "https:")).add(ORDER)
        assert failed.value.reason == "tls"

    @pytest.mark.parametrize("what", ["stranger", "wrong name"])
    def test_certificates_that_must_not_be_trusted(self, what: str, client: MakeClient, tmp_path: Path) -> None:
        context, trusted = certificate(tmp_path, "127.0.0.1" if what == "stranger" else "other.example")
        settings = {} if what == "stranger" else {"verify": str(trusted)}
        with peer(PLACED, context) as provider, pytest.raises(NotSent) as failed:
            client(provider, **settings).add(ORDER)
        assert failed.value.reason == "tls"
        assert provider.received == []

    def test_a_handshake_that_drips(self, client: MakeClient) -> None:
        def drip_handshake(peer: Peer, connection: socket.socket) -> None:
            connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
            while not peer.stopped.wait(0.05):
                connection.sendall(b"\x00")

        with peer(drip_handshake) as provider:
            calling = client(provider.url.replace("http:", "https:"), connect_timeout=5)
            with pytest.raises(NotSent) as failed:
                calling.add(ORDER)
        assert failed.value.reason in ("deadline", "connect_timeout")
        assert failed.value.exchange is not None
        assert failed.value.exchange.elapsed < DEADLINE + 0.5

    def test_invalid_urls(self, client: MakeClient) -> None:
        for url in ("panel.example", "ftp://panel.example/api", "http://", "http://[::1"):
            with pytest.raises(NotSent):
                client(url).add(ORDER)

    def test_certificate_checks_cannot_be_switched_off(self, client: MakeClient) -> None:
        with pytest.raises(NotSent):
            client("https://127.0.0.1:1/api/v2", verify=False).add(ORDER)


class TestPermit:
    def test_it_is_asked_after_connecting_and_before_the_first_byte(self, start: MakePeer, client: MakeClient) -> None:
        provider = start(PLACED)
        asked: list[tuple[bool, int]] = []

        def permit() -> None:
            asked.append((provider.accepted.wait(5), len(provider.received)))

        assert client(provider).add(ORDER, permit=permit).order_id == "23501"
        assert asked == [(True, 0)]

    def test_it_is_not_asked_without_a_connection(self, scheme: str, client: MakeClient) -> None:
        asked: list[int] = []
        with pytest.raises(NotSent):
            client(f"{scheme}://127.0.0.1:{closed_port()}/").add(ORDER, permit=lambda: asked.append(1))
        assert asked == []

    @pytest.mark.parametrize("problem", [RuntimeError("lane"), BrokenPipeError(), ConnectionResetError(), KeyError()])
    def test_nothing_is_sent_whatever_it_raises(self, problem: Exception, start: MakePeer, client: MakeClient) -> None:
        provider = start(PLACED)

        def refuse() -> None:
            raise problem

        with pytest.raises(NotSent) as failed:
            client(provider).add(ORDER, permit=refuse)
        assert failed.value.reason == "permit"
        assert failed.value.__cause__ is problem
        assert failed.value.exchange is not None
        assert failed.value.exchange.send_calls == 0
        assert provider.received == []

    def test_a_process_that_slept_through_the_deadline_sends_nothing(self, start: MakePeer, client: MakeClient) -> None:
        def sleep_through() -> None:
            threading.Event().wait(0.2)

        provider = start(PLACED)
        with pytest.raises(NotSent) as failed:
            client(provider, deadline=0.1).add(ORDER, permit=sleep_through)
        assert failed.value.reason == "deadline"
        assert provider.received == []


class TestInDoubt:
    @pytest.mark.parametrize("fault", wire_faults.ANSWER_LOST)
    def test_a_lost_or_spoiled_answer(self, fault: str, start: MakePeer, client: MakeClient) -> None:
        provider = start(wire_faults.ANSWER_LOST[fault])
        exchanges: list[Exchange] = []
        with pytest.raises(InDoubt) as failed:
            client(provider, on_exchange=exchanges.append).add(ORDER)
        assert failed.value.exchange is exchanges[0]
        assert exchanges[0].send_calls == 2
        assert not exchanges[0].complete
        assert exchanges[0].elapsed < DEADLINE + 0.5
        assert len(provider.received) == 1
        assert provider.connections == 1
        if "drip" in fault or "timeout" in fault or "forever" in fault:
            assert exchanges[0].deadline_fired

    def test_the_deadline_is_kept_without_its_watching_thread(
        self, start: MakePeer, client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("upstream.deadline._watch.add", lambda deadline: None)
        exchanges: list[Exchange] = []
        with pytest.raises(InDoubt):
            client(start(wire_faults.ANSWER_LOST["timeout_after_accept"]), on_exchange=exchanges.append).add(ORDER)
        assert (exchanges[0].deadline_fired, exchanges[0].stop, exchanges[0].complete) == (True, "deadline", False)

    def test_an_id_in_a_spoiled_answer_is_a_candidate(self, start: MakePeer, client: MakeClient) -> None:
        for fault in ("short_body", "drip_after_answer", "cut_chunks"):
            with pytest.raises(InDoubt) as failed:
                client(start(wire_faults.ANSWER_LOST[fault])).add(ORDER)
            assert failed.value.candidates == ("23501",), fault

    @pytest.mark.parametrize("fault", wire_faults.EARLY)
    def test_a_connection_that_ends_early(self, fault: str, start: MakePeer, client: MakeClient) -> None:
        provider = start(wire_faults.EARLY[fault])
        with pytest.raises((InDoubt, NotSent)) as failed:
            client(provider).add(ORDER)
        assert failed.value.exchange is not None
        assert isinstance(failed.value, NotSent) == (failed.value.exchange.send_calls == 0)
        assert failed.value.exchange.elapsed < DEADLINE + 0.5

    def test_a_request_that_the_peer_never_reads(self, start: MakePeer, client: MakeClient) -> None:
        with pytest.raises(InDoubt) as failed:
            client(start(wire_faults.never_read)).add({**ORDER, "comments": "x" * 12_000_000})
        assert failed.value.exchange is not None
        assert failed.value.exchange.elapsed < DEADLINE + 0.5

    def test_no_second_connection_for_the_body(self, client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
        sending = connection.PlainConnection.send

        def send_and_lose(self: connection.PlainConnection, data: bytes) -> None:
            sending(self, data)
            self.close()

        monkeypatch.setattr(connection.PlainConnection, "send", send_and_lose)
        with peer(wire_faults.timeout_after_accept) as provider:
            with pytest.raises(InDoubt) as failed:
                client(provider).add(ORDER)
            assert provider.accepted.wait(5)
        assert failed.value.reason == "second_connection"
        assert provider.connections == 1

    @pytest.mark.parametrize("kind", wire_faults.redirects(""))
    def test_a_redirect_is_never_followed(self, kind: str, start: MakePeer, client: MakeClient) -> None:
        second = start(PLACED)
        first = start(wire_faults.redirects(second.url)[kind])
        with pytest.raises(InDoubt) as failed:
            client(first).add(ORDER)
        assert second.connections == 0
        assert failed.value.http_status in (301, 302, 303, 307, 308)
        assert failed.value.exchange is not None
        assert failed.value.exchange.elapsed < DEADLINE + 0.5

    def test_an_unrequested_compressed_answer_is_read(self, start: MakePeer, client: MakeClient) -> None:
        packed = gzip.compress(wire_faults.PLACED)
        provider = start(answers_with(answer(packed, extra="Content-Encoding: gzip\r\n")))
        assert client(provider).add(ORDER).order_id == "23501"
        provider.behaviour = answers_with(answer(packed[:-12], extra="Content-Encoding: gzip\r\n"))
        with pytest.raises(InDoubt) as failed:
            client(provider).add(ORDER)
        assert failed.value.candidates == ()

    @pytest.mark.parametrize("fault", ["big_body", "gzip_bomb"])
    def test_a_body_is_capped_after_decompression(self, fault: str, start: MakePeer, client: MakeClient) -> None:
        with pytest.raises(InDoubt) as failed:
            client(start(wire_faults.ANSWER_LOST[fault]), deadline=5).add(ORDER)
        assert failed.value.reason == "too_large"
        assert failed.value.exchange is not None
        assert len(failed.value.exchange.body) == 64 * 1024


def test_no_request_that_was_read_is_called_not_sent(tls: tuple[ssl.SSLContext, Path], client: MakeClient) -> None:
    """Many sends at once with every kind of fault: a NotSent verdict means that the peer has read nothing."""
    quick = ["close_no_answer", "rst_no_answer", "half_status", "reset_mid_body", "short_body", "no_http"]
    faults = {name: wire_faults.ANSWER_LOST[name] for name in quick}
    faults |= {name: wire_faults.EARLY[name] for name in ("close_on_accept", "rst_on_accept")}

    def one(number: int) -> tuple[bool, int]:
        name = list(faults)[number % len(faults)]
        secure = number % 3 == 0
        with peer(faults[name], tls[0] if secure else None) as provider:
            url = provider.url if number % 5 else provider.url.replace("http:", "https:")
            permit = _refuse_permit if number % 7 == 0 else None
            with pytest.raises((NotSent, InDoubt)) as failed:
                client(url, deadline=5).add(ORDER, permit=permit)
        return isinstance(failed.value, NotSent), sum(b"action=add" in data for data in provider.received)

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(one, range(320)))
    assert sum(not_sent for not_sent, _read in verdicts) > 40
    assert sum(read for _not_sent, read in verdicts) > 100
    assert not [verdict for verdict in verdicts if verdict[0] and verdict[1]]


class TestQuestions:
    @pytest.mark.parametrize(
        "fault", ["timeout_after_accept", "close_no_answer", "drip_body", "big_body", "short_body"]
    )
    def test_a_lost_answer_is_unavailable(self, fault: str, start: MakePeer, client: MakeClient) -> None:
        provider = start(wire_faults.ANSWER_LOST[fault])
        assert took(client(provider).balance) < DEADLINE + 0.5
        with pytest.raises(Unavailable) as failed:
            client(provider).statuses(["1", "2"])
        assert failed.value.outage == (fault != "big_body")

    def test_a_provider_that_cannot_be_reached_is_down(self, scheme: str, client: MakeClient) -> None:
        with pytest.raises(Unavailable) as failed:
            client(f"{scheme}://127.0.0.1:{closed_port()}/api/v2").balance()
        assert failed.value.reason == "refused"
        assert failed.value.outage

    def test_a_service_list_may_be_long(self, start: MakePeer, client: MakeClient) -> None:
        row = b'{"service": %d, "name": "Followers", "rate": "0.9", "min": 1, "max": 10, "desc": "' + b"x" * 900 + b'"}'
        body = b"[" + b",".join(row % number for number in range(1, 2001)) + b"]"
        services = client(start(answers_with(answer(body))), deadline=10).services()
        assert len(services.rows) == 2000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("Retry-After: 30\r\n", 30.0),
        ("X-RateLimit-Reset: 12\r\n", 12.0),
        ("Retry-After: Sun, 01 Nov 2026 10:01:00 GMT\r\nDate: Sun, 01 Nov 2026 10:00:00 GMT\r\n", 60.0),
        ("X-RateLimit-Reset: 1793527290\r\nDate: Sun, 01 Nov 2026 10:01:00 GMT\r\n", 30.0),
        ("Retry-After: -5\r\n", None),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: 99999999999999999999\r\n", None),
        ("Retry-After: 9999999\r\n", 86_400.0),
        ("", None),
    ],
)
def test_the_wait_that_a_provider_asks_for(
    headers: str, seconds: float | None, tls: tuple[ssl.SSLContext, Path], client: MakeClient
) -> None:
    with peer(answers_with(answer(b"busy", 429, "text/html", headers))) as provider:
        with pytest.raises(Refused) as failed:
            client(provider).add(ORDER)
        assert failed.value.retry_after == seconds


def _unknown_name(*_args: Any, **_kwargs: Any) -> Any:
    raise socket.gaierror(-2, "Name or service not known")


def _refuse_permit() -> None:
    raise RuntimeError("the lane is lost")
