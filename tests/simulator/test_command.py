"""The command line: what it prints, how it ends, and that it needs no settings."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator.bare_client import exchange, request_bytes
from tests.simulator.fake_time import ROWS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "upstream.simulator"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_stops_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps(ROWS))
    options = ["--port=0", f"--catalog={rows}", "--key=secret", "--balance=12.50"]
    with subprocess.Popen(COMMAND + options, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={}) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Simulated provider: http://127.0.0.1:")
        assert line.endswith("/api/v2 key secret\n")
        port = int(line.split(":")[3].split("/")[0])
        answer = exchange(port, request_bytes({"key": "secret", "action": "balance"}))
        assert answer.json == {"balance": "12.5", "currency": "USD"}
        process.send_signal(number)
        assert process.wait(15) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--catalog=/does/not/exist.json"], "/does/not/exist.json"),
        (["--balance=much"], "'much' is no amount"),
    ],
)
def test_it_says_in_one_line_why_it_does_not_start(options: list[str], words: str) -> None:
    ended = subprocess.run(COMMAND + options, capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert ended.returncode in (1, 2)
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
