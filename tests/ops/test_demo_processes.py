"""The demo starts real processes, notices when one dies, and leaves none running, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from storefront.demo.credentials import load_credentials
from storefront.demo.plan import requested_port
from storefront.demo.ports import require_free
from storefront.demo.processes import STOP_SIGNALS, Supervisor
from storefront.demo.stopping import DemoProblem, StopRequested

SLEEPER = "import time; print('up', flush=True); time.sleep(300)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {SLEEPER}"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    made = Supervisor()
    yield made
    made.stop(limit=0)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def wait_for(condition: Callable[[], bool], limit: float = 20) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def group_members(group: int) -> list[str]:
    """The living processes of a process group, as listed in /proc."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux lists its processes in /proc")
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if its_group == str(group) and state != "Z":
                found.append(stat.parent.name)
    return found


def test_a_process_that_dies_ends_the_demo_and_is_named(supervisor: Supervisor) -> None:
    supervisor.start("worker", python("raise SystemExit(3)"), os.environ)
    with pytest.raises(DemoProblem, match=r"worker ended unexpectedly \(exit code 3\)"):
        supervisor.watch(lambda: None)


def test_a_server_that_dies_ends_the_demo_and_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(DemoProblem, match="pg-18 ended unexpectedly"):
        supervisor.watch(lambda: "pg-18")


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_stops_the_demo_while_it_waits(supervisor: Supervisor, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(StopRequested):
        supervisor.wait_until(lambda: False, "It", 20)


def test_a_failing_preparation_ends_the_demo(supervisor: Supervisor) -> None:
    with pytest.raises(DemoProblem, match=r"prepare failed \(exit code 1\)"):
        supervisor.run("prepare", python("raise SystemExit('no')"), os.environ)


def test_stopping_ends_a_process_with_everything_it_started(
    supervisor: Supervisor, capfd: pytest.CaptureFixture[str]
) -> None:
    process = supervisor.start("worker", python(WITH_CHILD), os.environ)
    wait_for(lambda: len(group_members(process.pid)) == 2)
    supervisor.stop()
    # An orphan stays in the process table until init has reaped it.
    wait_for(lambda: group_members(process.pid) == [])
    assert process.exit_code == -signal.SIGTERM


def test_a_process_that_does_not_stop_is_killed(supervisor: Supervisor, capfd: pytest.CaptureFixture[str]) -> None:
    printed = ""
    process = supervisor.start("web", python(STUBBORN), os.environ)

    def up() -> bool:
        nonlocal printed
        printed += capfd.readouterr().out
        return "up" in printed

    wait_for(up)
    supervisor.stop(limit=0.2)
    assert process.exit_code == -signal.SIGKILL
    assert "web does not stop and is killed" in capfd.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a child when its parent dies")
def test_nothing_outlives_a_demo_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from storefront.demo.processes import Supervisor; s = Supervisor()\n"
        f"print(s.start('web', [sys.executable, '-c', {SLEEPER!r}], os.environ).pid, flush=True)\n"
        "s.watch(lambda: None)"
    )
    demo = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True)
    assert demo.stdout
    child = int(demo.stdout.readline())
    assert "up" in demo.stdout.readline()
    demo.kill()
    demo.wait()
    demo.stdout.close()
    wait_for(lambda: group_members(child) == [])


def test_a_port_in_use_is_refused_with_advice() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoProblem, match=r"is in use by another program.*make demo PORT="):
            require_free(taken.getsockname()[1], "the shop")


@pytest.mark.parametrize("asked", ["http", "0", "65535", "-1", "٨٠٨٠"])
def test_an_invalid_port_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", asked)
    with pytest.raises(DemoProblem, match="is not a port"):
        requested_port()


def test_credentials_are_made_once_and_kept(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    first = load_credentials(tmp_path)
    assert load_credentials(tmp_path) == first
    (tmp_path / "secrets.json").unlink()
    assert load_credentials(tmp_path) != first
