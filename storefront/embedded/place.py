"""The folders in which a demo, or one test run, keeps the data and sockets of its servers."""

import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import FolderLock, private_folder, traversable_folder
from storefront.embedded.postgres import Postgres
from storefront.embedded.redis import Redis

# A socket path has at most 107 bytes, so sockets are never in the clone or in a long TMPDIR.
SOCKETS = Path("/tmp")  # noqa: S108  # every folder there is private, or refused
ROOT_DATA = Path("/var/lib/storefront-demo")


@dataclass(frozen=True)
class ServerPlace:
    """`home` is private to us; the user that runs Postgres can reach `postgres_home` and `sockets`."""

    home: Path
    postgres_home: Path
    sockets: Path

    def lock(self) -> FolderLock:
        return FolderLock(self.home / "lock")

    def postgres(self, *, durable: bool) -> Postgres:
        traversable_folder(self.postgres_home)
        traversable_folder(self.sockets)
        return Postgres(self.postgres_home, self.sockets / "pg", durable=durable)

    def redis(self, *, durable: bool) -> Redis:
        traversable_folder(self.sockets)
        return Redis(self.home, self.sockets / "redis", durable=durable)

    def end_left_over(self) -> None:
        """Stop servers that outlived a killed run. The caller holds the lock. Raises EmbeddedError."""
        # Checked first, so that a folder can still be deleted after its program was uninstalled.
        if any(self.postgres_home.glob("pg-*/postmaster.pid")):
            self.postgres(durable=False).end_left_over()
        if (self.sockets / "redis").exists():
            self.redis(durable=False).end_left_over()

    def remove_sockets(self) -> None:
        """Delete the folder of the sockets; each start makes a new one."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def delete(self) -> None:
        """Delete all folders. The caller holds the lock, or knows that nothing runs here."""
        for folder in {self.postgres_home, self.sockets, self.home}:
            shutil.rmtree(folder, ignore_errors=True)


def kept_place(folder: Path) -> ServerPlace:
    """The lasting place of a demo in `folder`; as root, Postgres' data is outside, where its user can reach it.

    An id stored in `folder` names the outside folders, so that a new clone at an old path does not get old data.
    """
    home = private_folder(folder)
    id_file = home / "id"
    if not id_file.exists():
        id_file.write_text(secrets.token_hex(6))
    place_id = id_file.read_text().strip()
    outside = traversable_folder(ROOT_DATA) / place_id if os.geteuid() == 0 else home
    return ServerPlace(home, outside, SOCKETS / f"sf-{os.geteuid()}-{place_id}")


def temporary_place() -> tuple[ServerPlace, FolderLock]:
    """Make a new place for a test run; return it with its lock, which is taken. First remove those of killed runs."""
    prefix = f"sf-test-{os.geteuid()}-"
    # One run at a time: another one would take a folder whose lock is not taken yet for abandoned.
    with FolderLock(SOCKETS / f"{prefix}lock"):
        for home in SOCKETS.glob(f"{prefix}*/"):
            with suppress(FileNotFoundError):  # its own run may delete it at any moment
                _delete_if_abandoned(home)
        home = Path(tempfile.mkdtemp(prefix=prefix, dir=SOCKETS))
        place = ServerPlace(home, home, home)
        lock = place.lock()
        lock.take()
    return place, lock


def _delete_if_abandoned(home: Path) -> None:
    place = ServerPlace(home, home, home)
    if home.is_symlink() or home.stat().st_uid != os.geteuid():
        return
    lock = place.lock()
    # If its program was uninstalled, the folder stays: a server may still be running on it.
    with suppress(EmbeddedError):
        if lock.take():
            place.end_left_over()
            place.delete()
    lock.close()
