"""The demo starts real processes, notices when one dies, and leaves none behind, however it ends."""

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

from storefront.demo.kept import kept
from storefront.demo.plan import asked_port
from storefront.demo.ports import require_free
from storefront.demo.problems import DemoProblem, Stopped
from storefront.demo.processes import STOP_SIGNALS, Supervisor

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
    """The living processes of a process group, by Linux' own account of them."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux lists its processes in /proc")
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if its_group == str(group) and state != "Z":
                found.append(stat.parent.name)
    return found


def test_a_process_that_dies_ends_the_demo_by_name(supervisor: Supervisor) -> None:
    supervisor.start("worker", python("raise SystemExit(3)"), os.environ)
    with pytest.raises(DemoProblem, match=r"worker ended unexpectedly \(exit code 3\)"):
        supervisor.watch(lambda: None)


def test_a_server_that_dies_ends_the_demo_by_name(supervisor: Supervisor) -> None:
    with pytest.raises(DemoProblem, match="pg-18 ended unexpectedly"):
        supervisor.watch(lambda: "pg-18")


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_stops_the_demo_while_it_waits(supervisor: Supervisor, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(Stopped):
        supervisor.wait_until(lambda: False, "It", 20)


def test_a_failing_preparation_is_told(supervisor: Supervisor) -> None:
    with pytest.raises(DemoProblem, match=r"prepare failed \(exit code 1\)"):
        supervisor.run("prepare", python("raise SystemExit('no')"), os.environ)


def test_stopping_ends_a_process_with_everything_it_started(
    supervisor: Supervisor, capfd: pytest.CaptureFixture[str]
) -> None:
    process = supervisor.start("worker", python(WITH_CHILD), os.environ)
    wait_for(lambda: len(group_members(process.pid)) == 2)
    supervisor.stop()
    # What lost its parent stands in the table until the system has taken note of its end.
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
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


def test_a_taken_port_is_told_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DemoProblem, match=r"is taken by another program.*make demo PORT="):
            require_free(taken.getsockname()[1], "the shop")


@pytest.mark.parametrize("asked", ["http", "0", "65535", "-1", "٨٠٨٠"])
def test_a_port_that_is_none_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", asked)
    with pytest.raises(DemoProblem, match="is not a port"):
        asked_port()


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    first = kept(tmp_path)
    assert kept(tmp_path) == first
    (tmp_path / "secrets.json").unlink()
    assert kept(tmp_path) != first
