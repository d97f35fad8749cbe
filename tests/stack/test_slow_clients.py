"""The shipped proxy in front of the real web server, while many clients send slowly."""

import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from api.errors import PLAIN_HTTP
from billing.models import TransferNotice
from tests.api.cast import key_for
from tests.billing.topups.cast import method, started
from tests.pages.cast import customer
from tests.sign_in import sign_in_customer
from tests.stack.running import ROOT, free_port, running, until

CADDY = shutil.which("caddy")
SLOW_CONNECTIONS = 40
pytestmark = [pytest.mark.skipif(CADDY is None, reason="no Caddy on this machine"), pytest.mark.walk]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What Caddy reads the shipped file with: its own folders, and the option's name in its version."""
    version = subprocess.run([str(CADDY), "version"], capture_output=True, text=True, check=True).stdout
    numbers = tuple(int(number) for number in version.split()[0].lstrip("v").split("-")[0].split(".")[:3])
    old = {"PROXY_BUFFERS": "buffer_requests"} if numbers < (2, 6, 4) else {}
    own = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "CADDY_ADMIN": f"unix/{folder}/admin.sock"}
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "ACME_EMAIL": "owner@example.com", **own, **old, **more}


def command(verb: str, *options: str) -> list[str]:
    return [str(CADDY), verb, "--adapter", "caddyfile", "--config", str(ROOT / "deploy/Caddyfile"), *options]


@pytest.fixture
def web(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of the shop's own web server."""
    with running(tmp_path, "redis://127.0.0.1:9/0", HTTPS="false", PROXY_COUNT="1") as stack:
        stack.web()
        yield stack.url


@pytest.fixture
def proxy(web: str, tmp_path: Path) -> Iterator[str]:
    """The address of the proxy, with the shop behind it."""
    with ExitStack() as ending:
        address = f"http://127.0.0.1:{free_port()}"
        shop = {"SHOP_DOMAIN": address, "SHOP_UPSTREAM": urlsplit(web).netloc, "HTTP_PORT": str(free_port())}
        env = environment(tmp_path, **shop)
        log = ending.enter_context((tmp_path / "caddy.log").open("wb"))
        caddy = subprocess.Popen(command("run"), env=env, stdout=log, stderr=log)
        ending.callback(caddy.wait, 20)
        ending.callback(caddy.terminate)
        until(lambda: answers(f"{address}/healthz"), 20, "the proxy answers")
        yield address


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of this machine, made above
            return bool(answer.status == 200)
    except OSError:
        return False


def is_listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def slow_clients(proxy: str, path: str) -> Iterator[None]:
    """Forty clients that send a body to ``path``, a byte now and then, for as long as the block runs."""
    over, place = threading.Event(), urlsplit(proxy)
    with ExitStack() as stack:
        connections = []
        for _n in range(SLOW_CONNECTIONS):
            connections.append(stack.enter_context(socket.create_connection((place.hostname or "", place.port or 0))))
            connections[-1].sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n".encode()
                + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nkey="
            )

        def trickle() -> None:
            while not over.wait(0.3):
                for connection in connections:
                    connection.sendall(b"x")

        slow = threading.Thread(target=trickle)
        slow.start()
        try:
            yield
        finally:
            over.set()
            slow.join()


def test_forty_slow_clients_are_noticed_by_nobody(proxy: str, tmp_path: Path) -> None:
    with slow_clients(proxy, "/api/v2"):
        for _n in range(10):
            began = time.monotonic()
            assert answers(f"{proxy}/healthz?secret")
            assert time.monotonic() - began < 2
            time.sleep(0.2)
    log = [json.loads(line) for line in (tmp_path / "caddy.log").read_text().splitlines()]
    lines = [line for line in log if line.get("logger", "").startswith("http.log.access") and line["status"] == 200]
    assert {line["request"]["uri"] for line in lines[1:]} == {"/healthz..."}
    assert "headers" not in lines[0]["request"]


def test_a_large_photo_arrives_over_a_slow_line_among_forty_slow_clients(proxy: str) -> None:
    """``SLOW_LINE`` is the line's bits a second; at 1,000,000 the photo takes 42 s, which is for a run by hand."""
    alice = customer()
    topup = started(alice, method("manual", name="Bank"), "10")
    browser = sign_in_customer(alice)
    browser.get(f"/wallet/topups/{topup.pk}/")
    out = io.BytesIO()
    Image.frombytes("RGB", (1300, 1300), os.urandom(1300 * 1300 * 3)).save(out, "PNG")
    fields = {"sender": "Alice", "csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    parts = [
        f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()
    ]
    head = "\r\n".join(parts) + '\r\n--part\r\nContent-Disposition: form-data; name="proof"; filename="p.png"\r\n\r\n'
    body = head.encode() + out.getvalue() + b"\r\n--part--\r\n"
    path = f"/wallet/topups/{topup.pk}/sent/"
    with slow_clients(proxy, path):
        connection = http.client.HTTPConnection(urlsplit(proxy).netloc, timeout=60)
        connection.putrequest("POST", path)
        for name, value in {
            "Content-Type": "multipart/form-data; boundary=part", "Content-Length": str(len(body)),
            "Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items()),
        }.items():  # fmt: skip
            connection.putheader(name, value)
        connection.endheaders()
        piece = int(os.environ.get("SLOW_LINE", "2500000")) // 80
        for start in range(0, len(body), piece):
            connection.send(body[start : start + piece])
            time.sleep(0.1)
        assert answers(f"{proxy}/healthz")
        assert connection.getresponse().status == 302
        connection.close()
    [notice] = TransferNotice.objects.all()
    assert (notice.sender, notice.proof.kind) == ("Alice", "image/jpeg")


def test_a_second_call_on_an_idle_connection_is_answered(web: str, proxy: str, tmp_path: Path) -> None:
    """Both servers keep it, say for how long, and write no key into their logs, wherever a program puts it."""
    body = f"key={key_for(customer(money='0'))}&action=balance"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connections = {
        125: http.client.HTTPConnection(urlsplit(web).netloc, timeout=20),
        290: http.client.HTTPConnection(urlsplit(proxy).netloc, timeout=20),
    }
    kept = {}
    for pause in (3, 0):
        for seconds, connection in connections.items():
            connection.request("POST", "/api/v2", body, form)
            answer = connection.getresponse()
            assert json.loads(answer.read())["balance"] == "0.00000"
            assert answer.getheader("Keep-Alive") == f"timeout={seconds}"
            assert connection.sock is kept.setdefault(seconds, connection.sock)
        time.sleep(pause)
    for connection in connections.values():
        for path in (
            "/api/v2/SECRETKEY",
            "/api/SECRETKEY",
            "/API/V1/?key=SECRETKEY",
            "//api/v2&key=SECRETKEY",
            "/v2/SECRETKEY",
        ):
            connection.request("POST", path, body, form)
            assert json.loads(connection.getresponse().read())["error"].startswith("Incorrect request: the address")
        connection.request("POST", "/api/v2", body, {**form, "Connection": "close"})
        last = connection.getresponse()
        assert last.getheader("Keep-Alive") in (None, "timeout=290")
        connection.close()

    def logs() -> str:
        return (tmp_path / "web.log").read_text() + (tmp_path / "caddy.log").read_text()

    until(lambda: logs().count("/api/v2/...") >= 3, 5, "the calls are logged")
    assert "SECRETKEY" not in logs()


def test_both_logs_name_the_client_and_the_request(proxy: str, tmp_path: Path) -> None:
    key = key_for(customer(money="0"))
    call = urllib.request.Request(f"{proxy}/api/v2", f"key={key}&action=balance".encode())  # noqa: S310 - as above
    call.add_header("X-Forwarded-For", "6.6.6.6")
    with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310
        request_id = answer.headers["X-Request-ID"]
        assert json.loads(answer.read())["balance"] == "0.00000"
    line = f"INFO gunicorn.access: 127.0.0.1 key:{key[:8]} POST /api/v2 200 in "
    until(lambda: line in (tmp_path / "web.log").read_text(), 20, "the shop has logged the call")
    assert request_id in (tmp_path / "web.log").read_text()
    logs = (tmp_path / "web.log").read_text() + (tmp_path / "caddy.log").read_text()
    assert key not in logs
    assert "6.6.6.6" not in logs


def test_the_proxy_waits_a_limited_time_and_serves_the_domain_over_https(tmp_path: Path) -> None:
    env = environment(tmp_path, SHOP_DOMAIN="shop.example")
    for verb in ("validate", "adapt"):
        done = subprocess.run(command(verb), env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    servers: dict[str, Any] = json.loads(done.stdout)["apps"]["http"]["servers"]
    assert sorted(server["listen"] for server in servers.values()) == [[":443"], [":80"]]
    for server in servers.values():
        assert (server["read_header_timeout"], server["read_timeout"]) == (10_000_000_000, 60_000_000_000)


def test_the_proxy_redirects_plain_http_and_tells_the_api_why(tmp_path: Path) -> None:
    plain = free_port()
    shop = {"SHOP_DOMAIN": f"http://127.0.0.1:{free_port()}", "SHOP_UPSTREAM": "127.0.0.1:9", "HTTP_PORT": str(plain)}
    with (tmp_path / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(command("run"), env=environment(tmp_path, **shop), stdout=log, stderr=log)

    def ask(path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=5)
        connection.request("POST", path, "key=secret", {"Host": "shop.example"})
        return connection.getresponse()

    try:
        until(lambda: is_listening(plain), 20, "the proxy listens")
        assert ask("/orders/?page=2").getheader("Location") == "https://shop.example/orders/?page=2"
        for path in ("/api/v2", "/api/v2/"):
            led = ask(f"{path}?key=secret")
            assert (led.status, led.getheader("Location")) == (308, f"https://shop.example{path}")
            assert json.loads(led.read()) == {"error": PLAIN_HTTP}
    finally:
        caddy.terminate()
        caddy.wait(20)
