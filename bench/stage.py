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
from storefront.embedded.postgres import Postgres


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
            c.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(dbname=name, **self._at())

    def _at(self) -> dict[str, Any]:
        return {"host": str(self.postgres.run), "user": "app"}

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
            "DATABASE_URL": f"postgres://app@/shop?host={postgres.run}",
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
