"""Where a demo, or one test run, keeps its data and its sockets."""

import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import FolderLock, open_way, private_folder
from storefront.embedded.postgres import Postgres
from storefront.embedded.redis import Redis

# A socket path may have 107 bytes, so sockets never lie in the clone or in a long TMPDIR.
SOCKETS = Path("/tmp")  # noqa: S108  # every folder made there is private, or refused
ROOT_DATA = Path("/var/lib/storefront-demo")


@dataclass(frozen=True)
class Place:
    """`home` is ours alone; `postgres_home` and `sockets` can be reached by the user that Postgres runs as."""

    home: Path
    postgres_home: Path
    sockets: Path

    def lock(self) -> FolderLock:
        return FolderLock(self.home / "lock")

    def postgres(self, *, durable: bool) -> Postgres:
        open_way(self.postgres_home)
        open_way(self.sockets)
        return Postgres(self.postgres_home, self.sockets / "pg", durable=durable)

    def redis(self, *, durable: bool) -> Redis:
        open_way(self.sockets)
        return Redis(self.home, self.sockets / "redis", durable=durable)

    def end_left_over(self) -> None:
        """End servers that outlived a killed run. The caller holds the lock. Raises EmbeddedError."""
        # Looked for first, so that a folder whose program is gone meanwhile can still be forgotten.
        if any(self.postgres_home.glob("pg-*/postmaster.pid")):
            self.postgres(durable=False).end_left_over()
        if (self.sockets / "redis").exists():
            self.redis(durable=False).end_left_over()

    def close_door(self) -> None:
        """Remove the sockets' folder; it is made anew at each start."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def forget(self) -> None:
        """Delete everything. The caller holds the lock, or knows that nothing runs here."""
        for folder in {self.postgres_home, self.sockets, self.home}:
            shutil.rmtree(folder, ignore_errors=True)


def kept_place(folder: Path) -> Place:
    """A place that lasts: `folder`; as root Postgres' data lies where its own user can reach it.

    A number kept in `folder` names the outside folders, so that a new clone at an old path does not meet old data.
    """
    home = private_folder(folder)
    number_file = home / "id"
    if not number_file.exists():
        number_file.write_text(secrets.token_hex(6))
    number = number_file.read_text().strip()
    outside = open_way(ROOT_DATA) / number if os.geteuid() == 0 else home
    return Place(home, outside, SOCKETS / f"sf-{os.geteuid()}-{number}")


def temporary_place() -> tuple[Place, FolderLock]:
    """A test run's place, new each time, and its lock already taken. Those of killed runs are swept away first."""
    # One run at a time sweeps and makes: a folder whose lock is not taken yet would look abandoned to another.
    with FolderLock(SOCKETS / f"{_test_prefix()}lock"):
        _sweep_left_overs()
        home = Path(tempfile.mkdtemp(prefix=_test_prefix(), dir=SOCKETS))
        place = Place(home, home, home)
        lock = place.lock()
        lock.take()
    return place, lock


def _test_prefix() -> str:
    return f"sf-test-{os.geteuid()}-"


def _sweep_left_overs() -> None:
    for home in SOCKETS.glob(f"{_test_prefix()}*/"):
        # Its own run may end and take it away at any moment.
        with suppress(FileNotFoundError):
            _sweep_away(home)


def _sweep_away(home: Path) -> None:
    place = Place(home, home, home)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        return
    lock = place.lock()
    # A folder whose program is gone meanwhile stays: deleting below a living server helps nobody.
    with suppress(EmbeddedError):
        if lock.take():
            place.end_left_over()
            place.forget()
    lock.close()
