"""A demo for the tools that look at the shop as it runs: with its own data, in a folder that is deleted afterwards."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

ROOT = Path(__file__).resolve().parent.parent
#: Seconds in which the demo has to be open.
COME_UP = 300.0


@dataclass(frozen=True)
class DemoShop:
    """``url`` ends without a slash; ``passwords`` has address and password of a rich "customer" and of the "owner"."""

    url: str
    passwords: dict[str, tuple[str, str]]


@contextmanager
def demo_shop(*, collected: bool = False) -> Iterator[DemoShop]:
    """Run the demo inside the block; ``collected`` serves static files compressed, as a real shop does.

    Raises RuntimeError with what the demo printed if it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="permille-") as folder:
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        env |= {"DEMO_FOLDER": f"{folder}/demo", "PORT": str(_free_port())}
        if collected:
            _collect(Path(folder) / "demo" / "static")
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "storefront.demo"]
        with log.open("w") as printed:
            shop = subprocess.Popen(command, cwd=ROOT, env=env, stdout=printed, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            yield _opened(shop, log)
        finally:
            shop.send_signal(signal.SIGINT)
            shop.wait(60)


def _collect(folder: Path) -> None:
    # Settings ask for these; nothing connects to them.
    nobody = {"DATABASE_URL": "postgres://nobody@nowhere/none", "REDIS_URL": "redis://nowhere", "ALLOWED_HOSTS": "none"}
    env = {**os.environ, **nobody, "SECRET_KEY": token_urlsafe(60), "STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=env, check=True)  # noqa: S603


def _opened(shop: "subprocess.Popen[bytes]", log: Path) -> DemoShop:
    until = time.monotonic() + COME_UP
    while "Ctrl-C" not in (printed := log.read_text()):
        if shop.poll() is not None or time.monotonic() > until:
            raise RuntimeError(printed)
        time.sleep(0.2)
    [url] = re.findall(r"Shop +(http\S+)/", printed)
    people = re.findall(r"(Customer|Owner) +(\S+)  password (\S+)", printed)
    return DemoShop(url, {who.lower(): (email, password) for who, email, password in people})


def _free_port() -> int:
    """A port that is free together with the one after it, which the simulated provider takes."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
