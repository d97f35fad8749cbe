"""Statements on the hot path: each database session plans them once, and each is one round trip.

Everything is handed over as text and cast in the statement, so that one text is always one plan: the types of the
values would otherwise be part of its name.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakSet

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


@cache
def short(sql: str) -> str:
    """The statement on one line: the driver remembers how it read a statement only up to 4096 characters of it.

    For statements without line breaks or repeated spaces inside of quotes.
    """
    return " ".join(sql.split())


_ready: WeakSet[Any] = WeakSet()


def _make_ready(session: Any) -> None:
    """One plan for all values from the first call on. By itself Postgres would plan the first five anew and then
    compare costs; these statements go by keys, so there is nothing to choose, and planning is most of their work."""
    if session not in _ready:
        session.execute("SET plan_cache_mode = force_generic_plan")
        _ready.add(session)


def _run(sql: str, values: Values) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(session) as cursor:
        _make_ready(session)
        rows: list[tuple[Any, ...]] = cursor.execute(short(sql), values, prepare=True).fetchall()
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": ""})
    return rows
