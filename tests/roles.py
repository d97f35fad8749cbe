"""Database roles in tests: the shop runs as its plain role, as in production; here a test does what that may not.

The cluster of the tests lets the plain role become the other two, which only this module makes use of.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, transaction

from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE, SUPERUSER
from storefront.embedded.services import Services

_FOR_TESTS = f"""
    ALTER ROLE {OWNER_ROLE} CREATEDB;
    ALTER ROLE {SHOP_ROLE} NOINHERIT;
    GRANT {SUPERUSER}, {OWNER_ROLE} TO {SHOP_ROLE};
"""


def prepare_cluster(services: Services) -> None:
    """Let the owner create the test's databases, and let a session of the shop become the superuser when it asks to."""
    with psycopg.connect(urlsplit(services.database_url)._replace(netloc=f"{SUPERUSER}@").geturl()) as session:
        session.execute(_FOR_TESTS.encode())


def log_in_as(role: str) -> None:
    """Let Django's connections, those of other threads included, log in as ``role`` from now on."""
    connection.close()
    connection.settings_dict["USER"] = role


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Run what the block asks Django's connection as ``role``, in a transaction or the one that there is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
        yield
        # After an error the savepoint takes it back.
        cursor.execute("SET LOCAL ROLE NONE")


@contextmanager
def unguarded() -> Iterator[None]:
    """Run the block without the triggers of guards and foreign keys, as the superuser."""
    with as_role(SUPERUSER), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def superuser_session(database: str = "", **options: Any) -> "psycopg.Connection[Any]":
    """Open a session of the superuser in the test's database or another one; the caller closes it."""
    parameters = {**connection.get_connection_params(), "user": SUPERUSER}
    return psycopg.connect(**parameters | ({"dbname": database} if database else {}), **options)
