"""A Postgres (durable, as in production) and a Redis for the benchmark, and settings that point to them."""

import logging
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from storefront.embedded.place import temporary_place
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE, SUPERUSER, Postgres


@dataclass
class Stage:
    postgres: Postgres

    @property
    def programs(self) -> Path:
        """The folder of Postgres' programs, pgbench among them if it is installed."""
        return self.postgres.program.path.parent

    def database(self, name: str) -> str:
        """Create a database on the same server unless it exists; return its name."""
        with psycopg.connect(dbname="postgres", autocommit=True, **self._at()) as c:
            if c.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            c.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (name, OWNER_ROLE))))
        return name

    def connect(self, name: str) -> psycopg.Connection[Any]:
        """A session of the superuser."""
        return psycopg.connect(dbname=name, **self._at())

    def empty(self, *tables: str) -> None:
        """Empty tables of the shop and those that refer to them, which their guards refuse to everybody else."""
        with self.connect("shop") as c:
            c.execute("SET session_replication_role = replica")
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            c.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))

    def analyze(self, table: str) -> None:
        """Vacuum a table of the shop and refresh its statistics, as autovacuum would after a while."""
        with self.connect("shop") as c:
            c.autocommit = True
            c.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))

    def _at(self) -> dict[str, Any]:
        return {"host": str(self.postgres.run), "user": SUPERUSER}

    def facts(self) -> dict[str, Any]:
        with self.connect("postgres") as c:
            names = ("server_version", "fsync", "synchronous_commit")
            shown = {n: c.execute("SELECT current_setting(%s)", [n]).fetchone() for n in names}
        return {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "system": platform.platform(terse=True),
            **{name: row[0] if row else None for name, row in shown.items()},
        }


@contextmanager
def set_stage() -> Iterator[Stage]:
    """Start both servers, set the environment, load Django and migrate. Raises EmbeddedError."""
    place, lock = temporary_place()
    started: list[Any] = []
    try:
        postgres, redis = place.postgres(durable=True), place.redis(durable=False)
        for server in (postgres, redis):
            started.append(server)
            server.start()
        stage = Stage(postgres)
        stage.database("shop")
        os.environ |= {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "localhost",
            "HTTPS": "false",
            "ALLOW_PRIVATE_PROVIDER_HOSTS": "true",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "ERROR",
            "DATABASE_URL": postgres.url_of("shop", SHOP_ROLE),
            "DATABASE_OWNER_URL": postgres.url_of("shop", OWNER_ROLE),
            "REDIS_URL": redis.url,
            "DJANGO_SETTINGS_MODULE": "storefront.settings",
        }
        import django
        from django.core.management import call_command

        django.setup()
        logging.getLogger("django").setLevel(logging.ERROR)
        call_command("migrate", verbosity=0)
        yield stage
    finally:
        for server in reversed(started):
            server.stop()
        place.delete()
        lock.close()
