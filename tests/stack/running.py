"""The shop as the processes it really is, on the test's own database: gunicorn, workers, beat."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]

#: The shop's times scaled down and kept in proportion, so that a story of minutes is told in seconds.
QUICK = {
    "FORWARD_DEADLINE_SECONDS": "2",
    "FORWARD_LEASE_SECONDS": "6",
    "SWEEP_SECONDS": "1",
    # A story about many doubts at once would stop at the third; tests/orders/forwarding/test_breaker.py tells that one.
    "BREAKER_DOUBTS": "100000",
    "BREAKER_STREAK": "100000",
    "BREAKER_COST": "1000000000",
    "POLL_SECONDS": "1",
    "POLL_CALLS_PER_MINUTE": "6000",
    "LOG_LEVEL": "WARNING",
    "LOG_FORMAT": "text",
}


def until(condition: Callable[[], object], limit: float, what: str) -> None:
    """Wait for ``condition``; ``what`` says what did not happen when the limit is over."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"after {limit} s it still was not so that {what}"
        time.sleep(0.05)


def database_url() -> str:
    """The test's own database, as the processes are told of it."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


class Stack:
    """Starts and ends processes of the shop; whatever was started is ended with the ``with`` block."""

    #: What it sets whatever the environment says.
    times: Mapping[str, str] = QUICK

    def __init__(self, folder: Path, redis_url: str, **env: str) -> None:
        self.folder = folder
        self.mails = folder / "mails"
        self.env = {
            **os.environ,
            **self.times,
            "DATABASE_URL": database_url(),
            "DATABASE_OWNER_URL": "",
            "REDIS_URL": redis_url,
            "EMAIL_URL": f"filemail://{self.mails}",
            **env,
        }
        self.url = ""
        self._running: list[tuple[str, subprocess.Popen[bytes], IO[bytes]]] = []

    def start(self, name: str, *command: str, **env: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append((name, process, log))
        return process

    def web(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.start(
            "web", "gunicorn", "storefront.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"
        )
        until(lambda: _answers(f"{self.url}/healthz"), 30, "the web process answers")

    def worker(self, concurrency: int = 3) -> subprocess.Popen[bytes]:
        options = ["--without-gossip", "--without-mingle", f"--concurrency={concurrency}"]
        return self.start("worker", "celery", "-A", "storefront", "worker", *options)

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat", "celery", "-A", "storefront", "beat")

    def log_of(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def show_logs(self) -> None:
        for log in sorted(self.folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        for _name, process, _log in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _name, process, log in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.close()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process and its children at once, as an out-of-memory killer or a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(folder: Path, redis_url: str, **env: str) -> Iterator[Stack]:
    stack = Stack(folder, redis_url, **env)
    try:
        yield stack
    except AssertionError:
        stack.show_logs()
        raise
    finally:
        stack.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - an address of this machine, made above
            return bool(answer.status == 200)
    except OSError:
        return False
