"""Folders nobody else can look into, and locks that say whether their owner still lives."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Self

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.owner import Owner, ourselves


def private_folder(path: Path, owner: Owner | None = None) -> Path:
    """Make `path`, or take it as it is, as a folder 0700 of `owner` (us by default).

    Raises EmbeddedError when it is a link or somebody else's: in /tmp anybody may have made it before us.
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
        raise EmbeddedError(f"{path} cannot be made: {path.parent} is not ours to write in.") from None
    if owner.dropped:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(0o700)
    return path


def open_way(path: Path) -> Path:
    """A folder of ours that others may pass through, because a dropped user has to reach what lies in it."""
    private_folder(path)
    if os.geteuid() == 0:
        path.chmod(0o711)
    return path


class FolderLock:
    """Held while a run uses a folder; the kernel gives it back when the run dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+")

    def take(self) -> bool:
        """Whether the lock is now ours. False: a living run holds it."""
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
