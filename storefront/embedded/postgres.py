import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import private_folder
from storefront.embedded.owner import postgres_owner
from storefront.embedded.programs import find_postgres
from storefront.embedded.server import Server

CLEAN_ENV = {"PATH": os.defpath, "LC_ALL": "C" if sys.platform == "darwin" else "C.UTF-8"}


class Postgres:
    """A cluster in `folder`/pg-<major>, reachable through the socket folder `run` alone.

    Every local user who may enter `run` is trusted, which is why that folder is private and there is no TCP port.
    `durable=False` (tests) gives up surviving a power cut, never the order of commits: commits stay synchronous,
    so an immediate restart of Postgres still loses none that was acknowledged.
    """

    def __init__(self, folder: Path, run: Path, *, durable: bool = True) -> None:
        self.owner = postgres_owner()
        self.program = find_postgres(self.owner, _kept_major(folder))
        self.data = folder / self.program.label
        self.run = run
        self._durable = durable
        self._server = Server("Postgres", folder / "postgres.log", signal.SIGINT)

    @property
    def url(self) -> str:
        return f"postgres://app@/postgres?host={self.run}"

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def alive(self) -> bool:
        return self._server.alive

    def start(self) -> None:
        """Make the cluster when there is none, end what a killed run left over, start. Raises EmbeddedError."""
        private_folder(self.run, self.owner)
        private_folder(self.data, self.owner)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self.end_left_over()
        self._server.start(self._command(), env=CLEAN_ENV, owner=self.owner, ready=self._answers)

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def _command(self) -> list[str | Path]:
        given = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.run),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
        }
        if not self._durable:
            given |= {"fsync": "off", "full_page_writes": "off"}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        return [self.program.path, "-D", self.data, *options]

    def _make_cluster(self) -> None:
        locale = ["--locale=C.UTF-8"]
        if sys.platform == "darwin":  # macOS has no C.UTF-8; Postgres brings its own from 17 on.
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self._durable else ["--no-sync"]
        self._tool("initdb", "-D", str(self.data), "-U", "app", "-A", "trust", "-E", "UTF8", *locale, *sync)

    def end_left_over(self) -> None:
        """The caller holds the folder's lock, so whoever wrote a pid file there has lost its parent."""
        if not (self.data / "postmaster.pid").exists():
            return
        try:
            self._tool("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        except EmbeddedError:
            # Nothing runs there any more: Postgres itself recognises such a file and starts over it.
            return

    def _tool(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.program.path.parent / name, *arguments],
            cwd="/",
            env=CLEAN_ENV,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=self.owner.user,
            group=self.owner.group,
            extra_groups=self.owner.extra_groups,
        )
        if done.returncode != 0:
            raise EmbeddedError(f"{name} failed for {self.data}:\n{(done.stderr or done.stdout).strip()}")

    def _answers(self) -> bool:
        try:
            with psycopg.connect(host=str(self.run), user="app", dbname="postgres", connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False


def _kept_major(folder: Path) -> int | None:
    """The major version of the data kept in `folder`; another one could not read it."""
    kept = [int(path.read_text()) for path in folder.glob("pg-*/PG_VERSION")]
    return max(kept, default=None)
