"""Where canaries are let loose: one Postgres and one Redis, a migrated database to copy, a pytest process for each.

The processes are forked from one in which Django has been set up (`warm.py`), which is most of what a short test costs.
A bug is put in only after that, and in the forked process alone.
"""

import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storefront.embedded.place import temporary_place
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE, SUPERUSER
from storefront.embedded.services import start_missing
from tests.roles import prepare_cluster
from tests.services import SETTINGS

ROOT = Path(__file__).resolve().parents[3]
LIMIT_SECONDS = 240.0
#: What would make a test longer, or let it count itself among those of the battery.
_NOT_HANDED_ON = ("BATTERY", "BATTERY_COUNTS", "BATTERY_SEED", "BRACKET_DOUBTS", "REQUIRE_ALL", "PYTEST_ADDOPTS")
_TEMPLATE = "canaries"


@dataclass(frozen=True)
class Ended:
    """One pytest process: what it reported about each test, its status, what it printed."""

    reports: tuple[dict[str, str], ...]
    status: int
    printed: str
    seconds: float

    def of(self, test: str) -> list[dict[str, str]]:
        return [report for report in self.reports if report["test"] == test]

    def is_green(self, test: str) -> bool:
        """Whether the test ran to its end, and nothing of it failed or was skipped."""
        told = {report["when"]: report["outcome"] for report in self.of(test)}
        return told == {"setup": "passed", "call": "passed", "teardown": "passed"}

    def failure(self, test: str) -> str | None:
        """The text of the test's own failure; None if it did not fail, or only its set-up did."""
        return next((r["failure"] for r in self.of(test) if (r["when"], r["outcome"]) == ("call", "failed")), None)


@dataclass
class Arena:
    folder: Path
    host: str
    redis_url: str
    env: dict[str, str]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _copying: threading.Lock = field(default_factory=threading.Lock)

    def run(self, tests: Sequence[str], *, canary: int | None = None, unguarded: bool = False) -> Ended:
        """Run tests in one process of their own, on a fresh database; with ``canary``, stop at the first red."""
        number = next(self._numbers)
        name, report = f"canary_{number}", self.folder / f"{number}.json"
        env = {
            **self.env,
            "DATABASE_URL": self._url(name, SHOP_ROLE),
            "REDIS_URL": self.redis_url.replace("?db=0", f"?db={number % 14 + 1}"),
            "CANARY": str(canary or ""),
            "CANARY_UNGUARDED": "1" if unguarded else "",
            "CANARY_REPORT": str(report),
        }
        began = time.monotonic()
        with self._copying:
            self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"')
        log = self.folder / f"{number}.log"
        arguments = [*_OPTIONS, *(["-x"] if canary else []), *tests]
        process = _forks.Process(target=_run_pytest, args=(arguments, env, str(log)))
        try:
            process.start()
            process.join(LIMIT_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            status = process.exitcode if process.exitcode is not None else -1
            printed = log.read_text(errors="replace") if log.exists() else ""
        finally:
            with self._copying:
                self._sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        told: list[dict[str, Any]] = json.loads(report.read_text()) if report.exists() else []
        return Ended(tuple(told), status, printed, time.monotonic() - began)

    def migrate(self) -> None:
        self._sql(f'CREATE DATABASE "{_TEMPLATE}" OWNER {OWNER_ROLE}')
        command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        env = {**self.env, "DATABASE_URL": self._url(_TEMPLATE, SHOP_ROLE), "REDIS_URL": self.redis_url}
        env["DATABASE_OWNER_URL"] = self._url(_TEMPLATE, OWNER_ROLE)
        env["DJANGO_SETTINGS_MODULE"] = "storefront.settings"
        subprocess.run(command, cwd=ROOT, env=env, check=True)
        _warm_up(env | {"DATABASE_OWNER_URL": ""})

    def _url(self, name: str, role: str) -> str:
        return f"postgres://{role}@/{name}?host={self.host}"

    def _sql(self, statement: str) -> None:
        with psycopg.connect(host=self.host, user=SUPERUSER, dbname="postgres", autocommit=True) as server:
            server.execute(statement.encode())


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.battery.canaries.warm"])


def _warm_up(env: dict[str, str]) -> None:
    """Start the process to fork from, with an environment of its own."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run_pytest(arguments: list[str], env: dict[str, str], log: str) -> None:
    """In the forked process: become what ``python -m pytest`` in this environment would be."""
    from tests.battery.canaries import warm

    os.environ.clear()
    os.environ.update(env)
    warm.read_anew()
    os.chdir(ROOT)
    with open(log, "wb") as out, open(os.devnull, "rb") as nothing:
        for stream, descriptor in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(stream.fileno(), descriptor)
    sys.exit(pytest.main(arguments))


_OPTIONS = ("-p", "tests.battery.canaries.plugin", "-p", "no:randomly", "-p", "no:cacheprovider", "-q", "--tb=short")


@contextmanager
def arena() -> Iterator[Arena]:
    """Servers of its own, whatever the environment names, and gone at its end."""
    env = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        env.pop(name, None)
        os.environ.pop(name, None)
    place, lock = temporary_place()
    services = start_missing(place, durable=False)
    try:
        (place.home / "reports").mkdir()
        env |= {**SETTINGS, "PYTHONPATH": str(ROOT)}
        prepare_cluster(services)
        made = Arena(place.home / "reports", services.database_url.partition("host=")[2], services.redis_url, env)
        made.migrate()
        yield made
    finally:
        services.stop()
        place.delete()
        lock.close()
