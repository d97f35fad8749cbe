"""Runs a sample program of the documentation as the gateway of a method."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from time import monotonic, sleep

import pytest

from billing.models import PaymentMethod
from billing.topups import methods
from tests.billing.topups.cast import method
from tests.billing.topups.signed.fake import ANSWER_KEY, REQUEST_KEY
from tests.ops.tools import ROOT

FOLDER = ROOT / "docs/samples/signed-gateway"


@contextmanager
def running(program: str, data: Path) -> Iterator[PaymentMethod]:
    """A method in test mode whose gateway is this program. Skips where its language is missing."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    paths = ("/start", "/status") if program == "gateway.py" else ("/", "/")
    row = method("signed", "Wallet", is_live=False)
    row.settings = {"start_address": address + paths[0], "status_address": address + paths[1]}
    row.save()
    environment = {**os.environ, "REQUEST_KEY": REQUEST_KEY, "ANSWER_KEY": ANSWER_KEY, "DATA": str(data)}
    environment["WEBHOOK_URL"] = methods.webhook_url(row)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(_command(program, port), env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            until = monotonic() + 20
            while not _is_listening(port):
                assert process.poll() is None, "the program ended"
                assert monotonic() < until, "the program does not listen"
                sleep(0.05)
            yield row
        finally:
            process.terminate()


def _command(program: str, port: int) -> list[str]:
    if program == "gateway.py":
        return [sys.executable, str(FOLDER / program), str(port)]
    php = shutil.which("php")
    if php is None:
        pytest.skip("PHP is not installed")
    return [php, "-S", f"127.0.0.1:{port}", str(FOLDER / program)]


def _free_port() -> int:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_listening(port: int) -> bool:
    with closing(socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
