"""The web processes as `gunicorn` starts them from our configuration, around an application of a few lines."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stack.running import ROOT, free_port, until

THREADS = 3
RECEIVE_SECONDS = 1.0
_APP = f"""
import os

from storefront import serving
from storefront.incoming import received

os.environ["DJANGO_SETTINGS_MODULE"] = "storefront.settings"
serving.RECEIVE_SECONDS = {RECEIVE_SECONDS}

@received
def application(environ, start_response):
    body = environ["PATH_INFO"].encode()
    start_response("200 OK", [("Content-Length", str(len(body))), ("X-Request-ID", "abcdefgh")])
    return [body]
"""


class Web:
    def __init__(self, folder: Path) -> None:
        (folder / "small.py").write_text(_APP)
        self.log = folder / "log"
        self.port = free_port()
        command = [sys.executable, "-m", "gunicorn", "small", "-c", str(ROOT / "gunicorn.conf.py")]
        command += ["--pythonpath", str(folder), "--bind", f"127.0.0.1:{self.port}", "--threads", str(THREADS)]
        env = {**os.environ, "WEB_CONCURRENCY": "1", "LOG_FORMAT": "text"}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        until(self.is_up, 30, "the web process answers")

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def is_up(self) -> bool:
        try:
            return ask(self.connect(), "/up") == "/up"
        except OSError:
            return False

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    started = Web(tmp_path)
    yield started
    started.end()


def ask(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def test_more_open_connections_than_threads_are_all_served(web: Web) -> None:
    with ExitStack() as stack:
        connections = [web.connect() for _n in range(4 * THREADS)]
        for connection in connections:
            stack.callback(connection.close)
        for n in range(30):
            for i, connection in enumerate(connections):
                assert ask(connection, f"/{n}/{i}") == f"/{n}/{i}"


def test_busy_connections_leave_a_thread_for_others(web: Web) -> None:
    over = threading.Event()

    def ask_on() -> None:
        connection = web.connect()
        while not over.is_set():
            ask(connection, "/busy")
        connection.close()

    busy = [threading.Thread(target=ask_on) for _n in range(2 * THREADS)]
    for thread in busy:
        thread.start()
    try:
        for n in range(20):
            began = time.monotonic()
            assert ask(web.connect(), f"/{n}") == f"/{n}"
            assert time.monotonic() - began < 2
    finally:
        over.set()
        for thread in busy:
            thread.join(20)


def test_an_idle_connection_outlives_a_proxy_s_patience(web: Web) -> None:
    """gunicorn's own limit is two seconds: a proxy that keeps connections for minutes then answers 502 now and then."""
    settings: dict[str, object] = {}
    exec((ROOT / "gunicorn.conf.py").read_text(), settings)  # noqa: S102 - our own file
    assert int(str(settings["keepalive"])) > 120
    connection = web.connect()
    assert ask(connection, "/first") == "/first"
    kept = connection.sock
    time.sleep(2.5)
    assert ask(connection, "/second") == "/second"
    assert connection.sock is kept
    connection.close()


def test_pipelined_requests_are_answered_in_order(web: Web) -> None:
    connection = web.connect()
    connection.connect()
    connection.sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    while b"/2" not in received:
        more = connection.sock.recv(4096)
        assert more, received
        received += more
    assert received.index(b"\r\n\r\n/1") < received.index(b"\r\n\r\n/2")
    connection.close()


def trickled(web: Web, start: bytes) -> bytes:
    """Send ``start`` and then a byte now and then until the server has had enough; return all that it answered."""
    answer = b""
    with socket.create_connection(("127.0.0.1", web.port), timeout=0.2) as connection:
        connection.sendall(start)
        began = time.monotonic()
        while time.monotonic() < began + 30:
            try:
                more = connection.recv(4096)
            except TimeoutError:
                connection.sendall(b"x")
            else:
                answer += more
                if not more:
                    break
        assert time.monotonic() - began < 10 * RECEIVE_SECONDS
    return answer


def test_a_body_that_trickles_is_answered_with_408_and_keeps_no_thread(web: Web) -> None:
    post = b"POST /slow HTTP/1.1\r\nHost: x\r\n"
    starts = [post + b"Content-Length: 1000\r\n\r\n", post + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n"]
    with ThreadPoolExecutor(2 * THREADS) as senders:
        answers = list(senders.map(lambda start: trickled(web, start), starts * THREADS))
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"Connection: close\r\n" in answer
    assert ask(web.connect(), "/after") == "/after"


def test_a_head_that_trickles_is_dropped(web: Web) -> None:
    assert trickled(web, b"GET /slow HTTP/1.1\r\nX-Long: ") == b""


def test_half_a_body_is_never_taken_for_the_whole(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(b"POST /half HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nquantity=10")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_no_header_of_a_client_changes_the_path(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(b"GET /own HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /other\r\nConnection: close\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_the_log_names_each_request_and_no_secret(web: Web) -> None:
    connection = web.connect()
    for path in (
        "/%0aINFO%20gunicorn.access:%20/forged%1b[2K",
        "/orders/?q=typed",
        "/account/password/reset/key/s3cret-token/",
        "/healthz",
    ):
        ask(connection, path)
    connection.close()
    until(lambda: "/reset/" in web.log.read_text(), 20, "both lines are written")
    said = web.log.read_text()
    assert "INFO gunicorn.access: 127.0.0.1 - GET /orders/ 200 in " in said
    assert [line for line in said.splitlines() if "/forged" in line][0].startswith("INFO gunicorn.access: 127.0.0.1 - ")
    assert "\x1b" not in said
    assert " ms abcdefgh" in said
    assert "/account/password/reset/key/..." in said
    assert not [word for word in ("s3cret", "typed", "healthz") if word in said]
