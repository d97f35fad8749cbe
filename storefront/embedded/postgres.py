import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from storefront.embedded.errors import EmbeddedError
from storefront.embedded.folders import private_folder
from storefront.embedded.owner import postgres_owner
from storefront.embedded.programs import find_postgres
from storefront.embedded.server import Server

ROLES = Path(__file__).resolve().parents[2] / "deploy/postgres/roles.sql"
SUPERUSER = "app"
#: As roles.sql names them.
OWNER_ROLE, SHOP_ROLE = "permille_owner", "permille"

CLEAN_ENV = {"PATH": os.defpath, "LC_ALL": "C" if sys.platform == "darwin" else "C.UTF-8"}


class Postgres:
    """A cluster in `folder`/pg-<major>, reachable only through the socket folder `run`.

    Postgres trusts every user who can enter `run`, which is why that folder is private and there is no TCP port.
    `durable=False` (tests) does not survive a power cut. Commits are still synchronous, so an immediate restart of
    Postgres loses none that was acknowledged.
    """

    def __init__(self, folder: Path, run: Path, *, durable: bool = True) -> None:
        self.owner = postgres_owner()
        # Another major version could not read the data that is there.
        majors = [int(path.read_text()) for path in folder.glob("pg-*/PG_VERSION")]
        self.program = find_postgres(self.owner, max(majors, default=None))
        self.data = folder / self.program.label
        self.run = run
        self._durable = durable
        self._server = Server("Postgres", folder / "postgres.log", signal.SIGINT)

    @property
    def url(self) -> str:
        """For DATABASE_URL: the role that the shop's processes log in as."""
        return self.url_of("postgres", SHOP_ROLE)

    @property
    def owner_url(self) -> str:
        """For DATABASE_OWNER_URL: the role that owns the tables."""
        return self.url_of("postgres", OWNER_ROLE)

    def url_of(self, database: str, role: str) -> str:
        return f"postgres://{role}@/{database}?host={self.run}"

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def alive(self) -> bool:
        return self._server.alive

    def start(self) -> None:
        """Create the cluster if there is none, stop a server left by a killed run, start. Raises EmbeddedError."""
        private_folder(self.run, self.owner)
        private_folder(self.data, self.owner)
        if not (self.data / "PG_VERSION").exists():
            locale = ["--locale=C.UTF-8"]
            if sys.platform == "darwin":  # macOS has no C.UTF-8; Postgres has its own since version 17.
                locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            sync = [] if self._durable else ["--no-sync"]
            self._tool("initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", *locale, *sync)
        self.end_left_over()
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.run),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self.program.path, "-D", self.data, *options]
        self._server.start(command, env=CLEAN_ENV, owner=self.owner, ready=self._answers)
        # Each time, because a folder kept from an earlier version has neither the roles nor tables of theirs.
        with self._connect() as session:
            session.execute(ROLES.read_bytes())

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def end_left_over(self) -> None:
        """Stop a server that outlived a killed run. The caller holds the folder's lock, so no living run owns it."""
        if not (self.data / "postmaster.pid").exists():
            return
        try:
            self._tool("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        except EmbeddedError:
            # Nothing runs there any more. Postgres recognises a stale pid file and starts all the same.
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

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(host=str(self.run), user=SUPERUSER, dbname="postgres", connect_timeout=2)

    def _answers(self) -> bool:
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False
