"""`python -m storefront.demo` as a newcomer meets it: it comes up, tells how to get in, stops, and comes back."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.ops.tools import ROOT

COME_UP = 120.0


class Demo:
    """A demo of the test's own, in `folder`, with everything it has said so far."""

    def __init__(self, folder: Path, port: int) -> None:
        outside = {"DATABASE_URL", "REDIS_URL", "STATIC_ROOT", "SECRET_KEY", "ALLOWED_HOSTS"}
        self.env = {name: value for name, value in os.environ.items() if name not in outside}
        self.env |= {"DEMO_FOLDER": str(folder), "PORT": str(port), "SHOP_NAME": "Corner"}
        self.port = port
        self.said: list[str] = []
        self._open = threading.Event()

    def start(self) -> None:
        self._open.clear()
        self.said.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "storefront.demo"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        assert self._open.wait(COME_UP), self.log
        assert "Ctrl-C" in self.log, self.log

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl-C" in line:
                self._open.set()
        self._open.set()

    @property
    def log(self) -> str:
        return "".join(self.said)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    def page(self, path: str) -> str:
        return self.page_at(f"http://localhost:{self.port}{path}")

    def page_at(self, url: str) -> str:
        with urlopen(url, timeout=10) as answer:  # noqa: S310  # the demo's own addresses
            text: str = answer.read().decode()
        return text

    def told(self, label: str) -> str:
        found = re.search(rf"^demo +\| {label} +(.*)$", self.log, re.MULTILINE)
        assert found, self.log
        return found.group(1)

    def forget(self) -> None:
        subprocess.run([sys.executable, "-m", "storefront.demo", "reset"], cwd=ROOT, env=self.env, check=True)


def two_free_ports() -> int:
    """A port that is free together with the one after it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path / "demo", two_free_ports())
    yield made
    if made.process.poll() is None:
        made.stop(signal.SIGTERM)
    made.forget()


def processes_of(demo: Demo) -> list[str]:
    """Whatever still runs with this demo's folder in its environment or its command line."""
    mark = demo.env["DEMO_FOLDER"].encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_demo_comes_up_stops_without_a_trace_and_keeps_its_data(demo: Demo) -> None:
    demo.start()
    assert demo.told("Shop") == f"http://localhost:{demo.port}/"
    first_login = demo.told("Customer")
    assert "customer@example.com" in first_login
    assert "owner@example.com" in demo.told("Owner")
    assert demo.page("/healthz") == "ok\n"
    assert "Corner" in demo.page("/")
    assert "<table" in demo.page_at(demo.told("Provider").split()[0])
    assert "Credited 100.00" in demo.log

    assert demo.stop(signal.SIGINT) == 0
    assert processes_of(demo) == []
    assert "Traceback" not in demo.log

    demo.start()
    assert demo.told("Customer") == first_login
    assert "The opening credit was given before" in demo.log
    assert demo.stop(signal.SIGTERM) == 0
    assert processes_of(demo) == []


def test_a_second_demo_of_the_same_folder_is_refused(demo: Demo) -> None:
    demo.start()
    again = subprocess.run(
        [sys.executable, "-m", "storefront.demo"], cwd=ROOT, env=demo.env, capture_output=True, text=True, timeout=30
    )
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert demo.page("/healthz") == "ok\n"
