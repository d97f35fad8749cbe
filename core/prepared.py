"""Statements on the hot path: each database session plans them once, and each is one round trip.

Everything is handed over as text and cast in the statement, so that one text is always one plan: the types of the
values would otherwise be part of its name.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction

type Values = Mapping[str, str | None]


@dataclass(frozen=True)
class Part:
    """A piece of a statement that one room writes and another one puts together, with the values it names."""

    sql: str
    values: Values = field(default_factory=dict)


def read(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """The rows of a statement that writes nothing: where the session turns out to be dead, it is asked again in a
    new one. That spares the question whether it lives, which Django would ask before."""
    lived = connection.connection is not None
    connection.health_check_done = lived  # type: ignore[attr-defined]  # the stubs do not know it
    try:
        return _run(sql, values)
    except OperationalError:
        if not lived or connection.in_atomic_block or not connection.connection.broken:
            raise
    connection.close()
    return _run(sql, values)


def write(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """The rows of a statement that is a transaction of its own, or a step that fails by itself in the caller's."""
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        return _run(sql, values)


def _run(sql: str, values: Values) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        rows: list[tuple[Any, ...]] = cursor.execute(sql, values, prepare=True).fetchall()
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": ""})
    return rows
