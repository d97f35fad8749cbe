"""Statements on the hot path: each database session plans them once, and each is one round trip.

Every value is sent as text and cast in the statement, so that one text always has one plan: the types of the values
would otherwise be part of its name.
"""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from math import inf
from select import POLLIN, poll
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

type Values = Mapping[str, str | None]

_NAME = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Part:
    """A piece of a statement that one room writes and another one puts together, with the values it names."""

    sql: str
    values: Values = field(default_factory=dict)


def read(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that writes nothing.

    If the session turns out to be dead, the statement is sent again in a new one. That saves the query by which Django
    would check the session first.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]  # once: each use of the proxy is a look-up in thread storage
    was_open = connection.connection is not None
    connection.health_check_done = was_open
    try:
        return _run(connection, sql, values)
    except OperationalError:
        if not was_open or connection.in_atomic_block or not connection.connection.broken:
            raise
    connection.close()
    return _run(connection, sql, values)


def write(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that is a transaction of its own, or a savepoint in the caller's.

    It is never sent twice, so the session has to be alive: one that answered within the last second is, unless the
    server has closed it since. Any other is checked first, as Django does.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    session = connection.connection
    known = _sessions.get(session) if session is not None else None
    if known is not None and not connection.health_check_done and monotonic() - known.answered_at <= _ALIVE_SECONDS:
        # Nothing is pending, so any readable byte means that the server is closing the connection.
        closing = poll()
        closing.register(session.pgconn.socket, POLLIN)
        connection.health_check_done = not closing.poll(0)
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        return _run(connection, sql, values)


@cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the server reads it, with ``$1`` for the first of its names, and those names."""
    names: dict[str, int] = {}
    text = _NAME.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", sql)
    return text.replace("%%", "%").encode(), tuple(names)


@dataclass
class _Session:
    """What one database session has prepared: the name there of each statement."""

    names: dict[str, bytes] = field(default_factory=dict)
    is_generic: bool = False
    answered_at: float = -inf

    def plan_once(self, session: Any) -> None:
        """Use one plan for all values from the first call on.

        By itself Postgres would plan the first five calls anew and then compare costs; these statements look rows up
        by their keys, so there is nothing to choose, and planning is most of their work.
        """
        session.execute("SET plan_cache_mode = force_generic_plan")
        # A transaction that is rolled back would undo it, so within one it is set again at the next call.
        self.is_generic = session.pgconn.transaction_status == TransactionStatus.IDLE

    def name_of(self, session: Any, sql: str) -> bytes:
        if (name := self.names.get(sql)) is None:
            name = b"permille_%d" % len(self.names)
            _checked(session, session.pgconn.prepare(name, _numbered(sql)[0]), ExecStatus.COMMAND_OK)
            self.names[sql] = name
        return name


_sessions: WeakKeyDictionary[Any, _Session] = WeakKeyDictionary()
#: How long after its last answer a session counts as alive, unless the server says that it closes it.
_ALIVE_SECONDS = 1.0


def _run(connection: Any, sql: str, values: Values) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session = connection.connection
    with connection.wrap_database_errors:
        if not session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE:
            # An empty statement makes the driver begin the transaction that the statement is meant to be part of.
            session.execute("")
        rows = _execute(session, sql, values)
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": ""})
    return rows


def _execute(session: Any, sql: str, values: Values) -> list[tuple[Any, ...]]:
    """Run the statement as the driver runs prepared ones, but without its cursors.

    Measured by itself, going through `psycopg.Cursor.execute(…, prepare=True)` instead costs an `add` a third more
    processor time in the web process and an eighth more in Postgres.
    """
    if (known := _sessions.get(session)) is None:
        known = _sessions[session] = _Session()
    if not known.is_generic:
        known.plan_once(session)
    name = known.name_of(session, sql)
    given = [None if (value := values[key]) is None else value.encode() for key in _numbered(sql)[1]]
    if any(value is not None and b"\0" in value for value in given):
        # For the server a NUL ends a text, so it would read a shorter one.
        raise psycopg.DataError("a text for Postgres cannot hold NUL")
    result = _checked(session, session.pgconn.exec_prepared(name, given), ExecStatus.TUPLES_OK)
    known.answered_at = monotonic()
    reader = Transformer(session)
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


def _checked(session: Any, result: Any, wanted: ExecStatus) -> Any:
    if result.status == wanted:
        return result
    if session.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
