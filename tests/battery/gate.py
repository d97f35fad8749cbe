"""``make gate`` and ``make battery``: run every part of the battery, write one report, say what it came to.

    python -m tests.battery.gate [--long] [--only STAGE ...] [--report build/gate.json]

Exit status 0 only when every figure was measured and meets its goal.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.battery import counts, slowness, verdict
from tests.battery.kinds import kinds_of, needed_faults, needed_rules, rules_of

ROOT = Path(__file__).resolve().parents[2]
SEED = 2026
#: What the shop's times are divided by on the calm day.
SCALE = 60


@dataclass(frozen=True)
class Sizes:
    """How long everything is; ``budgets`` are seconds by stage, on a machine as quick as the reference."""

    mode: str
    orders: int
    calm_seconds: int
    doorbell_orders: int
    restored_orders: int
    repeated_orders: int
    faulted_sends: int
    not_sent_verdicts: int
    budgets: dict[str, int]


GATE = Sizes(
    mode="gate",
    orders=3000,
    calm_seconds=75,
    doorbell_orders=300,
    restored_orders=200,
    repeated_orders=180,
    faulted_sends=600,
    not_sent_verdicts=1000,
    budgets={"tests": 370, "others": 220, "fire": 200, "canaries": 160, "calm": 330},
)
LONG = Sizes(
    mode="long",
    orders=50_000,
    calm_seconds=300,
    doorbell_orders=3000,
    restored_orders=1000,
    repeated_orders=600,
    faulted_sends=10_000,
    not_sent_verdicts=10_000,
    budgets={"tests": 1600, "others": 1200, "fire": 1800, "canaries": 300, "calm": 900},
)
#: What of `make test` is the battery's own: model, races, parsers, wire, brackets, the guards of the database, and the
#: stories that `make test` plays in a short form.
TESTS = (
    "tests/battery",
    "tests/billing/test_schema.py",
    "tests/billing/test_settlement_targets.py",
    "tests/orders/following/test_payload_settlement.py",
    "tests/api/test_fuzz.py",
    "tests/api/test_schemathesis.py",
)


#: A shop that ends in good order takes its time: its workers finish what they are sending.
_ENDING_SECONDS = 120


class Run:
    """The report as it grows, and where the stages leave their counts."""

    def __init__(self, sizes: Sizes, seed: int, folder: Path) -> None:
        self.sizes = sizes
        self.folder = folder
        self.began = time.monotonic()
        self.env = {
            **os.environ,
            "BATTERY": sizes.mode,
            "BATTERY_COUNTS": str(folder / "counts.json"),
            "REQUIRE_ALL": "1",
            "BRACKET_DOUBTS": "4000",
            "BATTERY_SCHEMA": str(folder / "schema.sql"),
        }
        self.slowness = slowness.measured()
        self._running: list[subprocess.Popen[bytes]] = []
        self._is_over = False
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
            self.env.pop(name, None)
        self.report: dict[str, Any] = {
            "mode": sizes.mode,
            "seed": seed,
            "versions": _versions(),
            "slowness": {"first": round(self.slowness, 2)},
            "sizes": vars(sizes),
            "seconds": {},
            "stages": [],
            "parts": {},
            "canaries": [],
            "counts": {},
        }

    def stage(self, name: str, *commands: Sequence[str], at_once: int = 2) -> dict[str, Any]:
        """Run commands, so many at once; what it came to is in the report, and returned.

        One that still runs after four times the stage's budget is ended.
        """
        budget = round(self.sizes.budgets[name] * self.slowness)
        print(f"== {name}: {budget} s", flush=True)
        began = time.monotonic()
        logs = [(self.folder / f"{name}-{number}.log") for number in range(len(commands))]
        with ThreadPoolExecutor(at_once) as pool:
            ends = [
                pool.submit(self._carry_out, command, log, began + 4 * budget)
                for command, log in zip(commands, logs, strict=True)
            ]
            statuses = [end.result() for end in ends]
        seconds = round(time.monotonic() - began, 1)
        for status, log in zip(statuses, logs, strict=True):
            if status:
                print(f"-- {log.name} ended with {status}\n{log.read_text(errors='replace')[-6000:]}", flush=True)
        status = next((s for s in statuses if s), 0)
        told = {"name": name, "status": status, "seconds": seconds, "budget": budget}
        self.report["stages"].append(told)
        self.report["seconds"][name] = seconds
        print(f"   {name} took {seconds} s", flush=True)
        return told

    def end(self) -> None:
        """End what still runs: each has a session of its own, so that Ctrl-C did not reach it."""
        self._is_over = True
        for process in self._running:
            _end(process)

    def _carry_out(self, command: Sequence[str], log: Path, end: float) -> int:
        return _wait(self._start(command, log), end)

    def _start(self, command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
        if self._is_over:
            raise RuntimeError("the run was ended")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process


def _wait(process: "subprocess.Popen[bytes]", end: float) -> int:
    try:
        return process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        _end(process)
        return 124


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# The stages.


def tests(run: Run) -> None:
    junit = run.folder / "tests.xml"
    # The stage has a limit, and a long run has tests that take as long as the stage.
    split = ("-p", "no:randomly", "-n", "2", "--dist", "load", "--maxschedchunk", "1", "--timeout=0")
    told = run.stage("tests", ["pytest", "-q", *split, "--durations=15", f"--junitxml={junit}", *TESTS])
    told["tests"] = _counted(junit)


def fire(run: Run) -> None:
    long = ["--long"] if run.sizes.mode == "long" else []
    _parts(run, "fire", {"fire": ["fire", f"--orders={run.sizes.orders}", *long]})


def calm(run: Run) -> None:
    """Its verdicts are timed: on a slow machine the shop's own time is shortened less, and as much of it is played."""
    run.slowness = slowness.measured()
    run.report["slowness"]["calm"] = round(run.slowness, 2)
    run.env["BATTERY_SCALE"] = f"{SCALE / run.slowness:.1f}"
    seconds = f"--seconds={run.sizes.calm_seconds * run.slowness:.0f}"
    _parts(run, "calm", {"calm": ["calm", seconds], "late charges": ["calm", "--day=late", seconds]}, at_once=1)
    del run.env["BATTERY_SCALE"]


def others(run: Run) -> None:
    sizes = run.sizes
    doorbells = {
        f"doorbells-{variant}": ["doorbells", f"--variant={variant}", f"--orders={sizes.doorbell_orders}"]
        for variant in ("heard", "dropped", "tripled")
    }
    repeating = ["repeating", f"--orders={sizes.repeated_orders}"]
    restoring = ["restoring", f"--orders={sizes.restored_orders}"]
    _parts(run, "others", {**doorbells, "restoring": restoring, "repeating": repeating})


def _parts(run: Run, stage: str, parts: dict[str, list[str]], *, at_once: int = 2) -> None:
    paths = {name: run.folder / f"{name}.json" for name in parts}
    run.stage(
        stage,
        *(
            ["tests.battery.chaos", *words, f"--json={paths[name]}", f"--seed={run.report['seed']}"]
            for name, words in parts.items()
        ),
        at_once=at_once,
    )
    for name, path in paths.items():
        part = json.loads(path.read_text()) if path.exists() else {"finished": False}
        run.report["parts"][name] = part
        more = {"faults": part.get("fault_counts", {}), "checks": part.get("checks", 0), "steps": part.get("steps", 0)}
        counts.add_to(Path(run.env["BATTERY_COUNTS"]), more)


def canaries(run: Run) -> None:
    path = run.folder / "canaries.json"
    run.stage("canaries", ["tests.battery.canaries", f"--json={path}"])
    run.report["canaries"] = json.loads(path.read_text()) if path.exists() else []


STAGES = {"tests": tests, "others": others, "fire": fire, "canaries": canaries, "calm": calm}
#: What runs at once, each leaving the other what it does not use. Only the calm day measures fine times.
TOGETHER = (("tests", "others"), ("fire", "canaries"), ("calm",))


def play(run: Run, names: Sequence[str]) -> None:
    """Those of the stages that are named, in their order."""
    for group in TOGETHER:
        with ThreadPoolExecutor(len(group)) as pool:
            ends = [pool.submit(STAGES[name], run) for name in group if name in names]
            try:
                for end in ends:
                    end.result()
            except BaseException:
                run.end()
                raise


def _counted(junit: Path) -> dict[str, int]:
    if not junit.exists():
        return {"run": 0, "failures": 0, "errors": 0, "skipped": 0}
    suites = ElementTree.parse(junit).getroot().iter("testsuite")  # noqa: S314 - written by our own pytest just now
    sums = {"run": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        sums["run"] += int(suite.get("tests", 0))
        for kind in ("failures", "errors", "skipped"):
            sums[kind] += int(suite.get(kind, 0))
    return sums


def _versions() -> dict[str, str]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    names = ("django", "psycopg", "celery", "redis", "requests", "urllib3", "hypothesis")
    return {
        "commit": commit.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cpus",
        **{name: version(name) for name in names},
    }


def finish(run: Run, path: Path) -> str:
    """Judge the report, write it, print it; the verdict."""
    counted = Path(run.env["BATTERY_COUNTS"])
    found = json.loads(counted.read_text()) if counted.exists() else {}
    if found:
        found |= {"faults": kinds_of(found["faults"]), "rules": rules_of(found["rules"])}
    run.report["counts"] = found
    run.report["seconds"]["all"] = round(time.monotonic() - run.began, 1)
    figures = verdict.judge(run.report, needed_faults=needed_faults(), needed_rules=needed_rules())
    word = verdict.overall(figures)
    run.report |= {"figures": [vars(figure) for figure in figures], "verdict": word}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run.report, indent=1, default=str) + "\n")
    _print(run, figures, word, path)
    return word


def _print(run: Run, figures: list[verdict.Figure], word: str, path: Path) -> None:
    wide, shown = max(len(f.name) for f in figures), max(len(f.shown) for f in figures)
    print()
    for f in figures:
        print(f"{f.name:<{wide}}  {f.shown:>{shown}}  {f.goal:<22} {f.status.upper()}")
        if f.why:
            print(f"{'':<{wide}}  {f.why}")
    took = ", ".join(f"{name} {seconds} s" for name, seconds in run.report["seconds"].items())
    slow = ", ".join(f"{factor} ({when})" for when, factor in run.report["slowness"].items())
    print(f"\n{took}\nTimes as slow as the reference: {slow}\nThe whole report: {path}\n{word.upper()}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.battery.gate", description=__doc__)
    parser.add_argument("--long", action="store_true", help="the long version: bigger numbers, up to an hour")
    parser.add_argument(
        "--only", nargs="+", choices=STAGES, help="a part of it; its verdict is never better than unknown"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "gate.json")
    options = parser.parse_args()
    # Told to end, or in the background, where Ctrl-C is ignored: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="battery-") as folder:
        run = Run(LONG if options.long else GATE, options.seed, Path(folder))
        try:
            play(run, options.only or list(STAGES))
        finally:
            run.end()
        return 0 if finish(run, options.report) == verdict.PASSED else 1


if __name__ == "__main__":
    sys.exit(main())
