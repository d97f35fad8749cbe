"""Private folders, and locks that show whether a run is still alive."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Self

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.owner import Owner, ourselves


def private_folder(path: Path, owner: Owner | None = None) -> Path:
    """Make sure that `path` is a folder with mode 0700 that belongs to `owner` (us by default); return it.

    Raises EmbeddedError when it is a link or belongs to somebody else: in /tmp anybody may have made it before us.
    """
    owner = owner or ourselves()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner.uid, os.geteuid()}:
            raise EmbeddedError(f"{path} is not a folder of ours. Remove it, or run as its owner.") from None
    except PermissionError:
        raise EmbeddedError(f"{path} cannot be created: we may not write to {path.parent}.") from None
    if owner.dropped:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(0o700)
    return path


def traversable_folder(path: Path) -> Path:
    """A folder of ours that other users can pass through, so that the user of Postgres can reach what is inside."""
    private_folder(path)
    if os.geteuid() == 0:
        path.chmod(0o711)
    return path


class FolderLock:
    """Held while a run uses a folder; the kernel releases it when the run dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+")

    def take(self) -> bool:
        """Try to take the lock; return False if another run holds it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def close(self) -> None:
        self._file.close()
