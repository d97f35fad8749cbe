"""A demo for one test, run as a newcomer runs it, with everything it has printed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from storefront.embedded.place import kept_place
from tests.ops.tools import ROOT
from tests.orders.cast import until

COME_UP = 120.0


class Demo:
    """`python -m storefront.demo` with its data in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        outside = {
            "DATABASE_URL",
            "DATABASE_OWNER_URL",
            "REDIS_URL",
            "STATIC_ROOT",
            "SECRET_KEY",
            "SEALING_KEY",
            "ALLOWED_HOSTS",
        }
        self.env = {name: value for name, value in os.environ.items() if name not in outside}
        self.env |= {"DEMO_FOLDER": str(folder), "PORT": str(port), "SHOP_NAME": "Corner", "SWEEP_SECONDS": "1"}
        self.folder = folder
        self.port = port
        self.printed: list[str] = []
        self._open = threading.Event()

    def start(self) -> None:
        self._open.clear()
        self.printed.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "storefront.demo"],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        assert self._open.wait(COME_UP), self.log
        assert "Ctrl-C" in self.log, self.log

    def _read_output(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line)
            if "Ctrl-C" in line:
                self._open.set()
        self._open.set()

    @property
    def log(self) -> str:
        return "".join(self.printed)

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    @property
    def shop(self) -> str:
        return f"http://localhost:{self.port}"

    def page(self, path: str) -> str:
        return self.page_at(f"{self.shop}{path}")

    def page_at(self, url: str) -> str:
        with urlopen(url, timeout=10) as answer:  # noqa: S310  # the demo's own addresses
            text: str = answer.read().decode()
        return text

    def answer_of(self, url: str, fields: dict[str, str]) -> str:
        with urlopen(url, urlencode(fields).encode(), timeout=10) as answer:  # noqa: S310  # the demo's own addresses
            text: str = answer.read().decode()
        return text

    def banner_value(self, label: str) -> str:
        found = re.search(rf"^demo +\| {label} +(.*)$", self.log, re.MULTILINE)
        assert found, self.log
        return found.group(1)

    def manage(self, *command: str) -> str:
        """What an operator's command prints, run against the demo's own database."""
        secrets = json.loads((self.folder / "secrets.json").read_text())
        sockets = kept_place(self.folder).sockets
        env = self.env | {
            "DATABASE_URL": f"postgres://permille@/postgres?host={sockets}/pg",
            "REDIS_URL": f"unix://{sockets}/redis/redis.sock?db=0",
            "SECRET_KEY": secrets["secret_key"],
            "SEALING_KEY": secrets["sealing_key"],
            "ALLOWED_HOSTS": "localhost",
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def mail_to(self, address: str) -> str:
        """The newest mail to that address, as soon as a worker has sent one."""

        def texts() -> list[str]:
            mails = sorted((self.folder / "mail").iterdir(), key=lambda path: path.stat().st_mtime)
            return [text for text in (path.read_text() for path in mails) if f"To: {address}" in text]

        until(texts)
        return texts()[-1]

    def processes(self) -> list[str]:
        """Command lines of running processes with this demo's folder in their environment or arguments."""
        mark = str(self.folder).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                if mark in command + (entry / "environ").read_bytes():
                    found.append(command.decode())
        return found

    def reset(self) -> None:
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
